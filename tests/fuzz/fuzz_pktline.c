/* git's pkt-lines, as they come from a push: whatever arrives, lines are bounded and the end is found. */
#include <sys/mman.h>
#include <unistd.h>

#include "cli/pktline.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("pkt", MFD_CLOEXEC);
	struct pkt pkt;
	struct job j;

	fuzz_require(
	    fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0, "a file");
	fuzz_open(&j);
	while (pkt_read(&j, fd, &pkt) == 0)
		fuzz_require(pkt.data[pkt.len] == '\0' && pkt.len < PKT_MAX && !(pkt.is_flush && pkt.len),
		    "a bounded line");
	fuzz_require(j.error == E_IO, "the end is an error, as git must not leave");
	job_close(&j);
	close(fd);
	return 0;
}
