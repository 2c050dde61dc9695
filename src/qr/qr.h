/*
 * QR codes (ISO/IEC 18004) of a URL's length: bytes as they are (UTF-8), error
 * correction level M, versions 1 to 10.  Pure: no memory, no I/O.
 */
#ifndef QR_QR_H
#define QR_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QR_VERSION_MAX = 10, QR_SIDE_MAX = 17 + 4 * QR_VERSION_MAX, QR_BYTES_MAX = 213, QR_QUIET = 4 };

struct qr {
	int side;                                 /* in modules */
	uint8_t dark[QR_SIDE_MAX][QR_SIDE_MAX];   /* [y][x] */
	uint8_t fixed[QR_SIDE_MAX][QR_SIDE_MAX];  /* no data there: private */
};

/* In the smallest version that holds them; false: more than QR_BYTES_MAX. */
bool qr_encode(const void *bytes, size_t len, struct qr *out);
/* false outside of it: the quiet zone, QR_QUIET modules wide, is light. */
bool qr_is_dark(const struct qr *q, int x, int y);

#endif
