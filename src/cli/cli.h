/* The command line: `vpnunit COMMAND [OPTION...]`. Opens what a command needs, runs, closes in reverse. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* The whole program: returns the exit status; what went wrong is one line on standard error. */
int cli_run(int argc, char **argv);

#endif
