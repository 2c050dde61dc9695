/* Runs a fuzz program over the files and folders that it is given, without libFuzzer. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "fuzz.h"

static unsigned inputs;

static void replay_file(struct job *j, const char *path)
{
	struct buf b;

	buf_open(&b, j->arena);
	fuzz_done(j, fs_read(j, path, 1 << 24, &b));
	LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
	inputs++;
}

static void replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	struct job j;
	DIR *folder;

	job_open(&j);
	fuzz_require(stat(path, &st) == 0, path);
	if (S_ISDIR(st.st_mode)) {
		folder = opendir(path);
		fuzz_require(folder != NULL, path);
		while ((entry = readdir(folder)))
			if (entry->d_name[0] != '.')
				replay(arena_printf(j.arena, "%s/%s", path, entry->d_name));
		closedir(folder);
	} else {
		replay_file(&j, path);
	}
	job_close(&j);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1;
}
