/* PEM (RFC 7468) of one object, exactly as OpenSSL prints it: lines of 64, a line end behind the last. */
#ifndef BASE_PEM_H
#define BASE_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void pem_print(struct buf *b, const char *label, const uint8_t *der, size_t len);
/* The bytes, in the arena; NULL: not what pem_print makes of any. */
const uint8_t *pem_parse(struct arena *a, const char *label, const char *text, size_t *len);

#endif
