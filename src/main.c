/* The program: everything is in the rooms; the command line is one of them. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
