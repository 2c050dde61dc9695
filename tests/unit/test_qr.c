/*
 * QR codes are read back by zbarimg, which knows nothing of ours: each
 * version when it is full and when it has just begun, bytes of all kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qr/qr.h"

/* How many bytes each version holds (ISO/IEC 18004, Table 7, level M). */
static const size_t room[] = { 0, 14, 26, 42, 62, 84, 106, 122, 152, 180, 213 };

/* As a plain portable greymap, four pixels a module, with its quiet zone. */
static void write_image(const struct qr *q, FILE *to)
{
	const int side = q->side + 2 * QR_QUIET;
	int x, y;

	fprintf(to, "P5 %d %d 255\n", 4 * side, 4 * side);
	for (y = 0; y < 4 * side; y++)
		for (x = 0; x < 4 * side; x++)
			putc(qr_is_dark(q, x / 4 - QR_QUIET, y / 4 - QR_QUIET) ? 0 : 255, to);
}

/* What zbarimg reads in the image, and a line end. */
static void read_back(const struct qr *q, char *out, size_t size)
{
	char path[] = "/tmp/vpnunit-qr-XXXXXX", command[128];
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w"), *pipe;
	size_t n;

	assert_non_null(file);
	write_image(q, file);
	fclose(file);
	snprintf(
	    command, sizeof(command), "zbarimg --quiet --raw -Sdisable -Sqrcode.enable %s 2>/dev/null", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	pclose(pipe);
	unlink(path);
}

static void make_text(char *text, size_t len, unsigned seed)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789:/.-";
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
	}
	text[len] = '\0';
}

static void is_read_in_each_version(void **state)
{
	char text[QR_BYTES_MAX + 1], answer[QR_BYTES_MAX + 16];
	struct qr q;
	size_t len;
	int version;

	(void)state;
	for (version = 1; version <= QR_VERSION_MAX; version++) {
		for (len = room[version - 1] + 1; len <= room[version];
		     len += len == room[version] ? 1 : room[version] - len) {
			make_text(text, len, (unsigned)len);
			assert_true(qr_encode(text, len, &q));
			assert_int_equal(q.side, 17 + 4 * version);
			read_back(&q, answer, sizeof(answer));
			answer[strcspn(answer, "\n")] = '\0';
			assert_string_equal(answer, text);
		}
	}
}

static void takes_what_people_write(void **state)
{
	static const char *const texts[] = {
		"openvpn://import-profile/https://vpn.example.org:8443/link/0123456789abcdef",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "0"
	};
	char answer[QR_BYTES_MAX + 16];
	struct qr q;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(qr_encode(texts[i], strlen(texts[i]), &q));
		read_back(&q, answer, sizeof(answer));
		answer[strcspn(answer, "\n")] = '\0';
		assert_string_equal(answer, texts[i]);
	}
}

static void refuses_what_is_too_long(void **state)
{
	char text[QR_BYTES_MAX + 1] = { 0 };
	struct qr q;

	(void)state;
	assert_true(qr_encode(text, QR_BYTES_MAX, &q));
	assert_false(qr_encode(text, QR_BYTES_MAX + 1, &q));
	assert_true(qr_encode("", 0, &q));
	assert_false(qr_is_dark(&q, -1, 0));
	assert_false(qr_is_dark(&q, 0, q.side));
	assert_true(qr_is_dark(&q, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read_in_each_version),
		cmocka_unit_test(takes_what_people_write),
		cmocka_unit_test(refuses_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
