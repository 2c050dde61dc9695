/* Signatures of pushed commits: the first half up to a NUL is signed, the rest is the signature's text. */
#include "fuzz.h"
#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct pki_ssh_key by;
	const char *bytes;
	struct job j;

	fuzz_open(&j);
	bytes = fuzz_take(&j, &in, '\0');
	if (pki_verify_commit(
		&j, bytes, strlen(bytes), arena_strndup(j.arena, in.left ? in.at : "", in.left), &by) == 0)
		fuzz_require(
		    strncmp(by.line, "ssh-ed25519 ", 12) == 0 && strncmp(by.fingerprint, "SHA256:", 7) == 0,
		    "a good signature tells its key");
	else
		fuzz_require(j.error == E_CORRUPT && *j.message, "a refusal says why");
	job_close(&j);
	return 0;
}
