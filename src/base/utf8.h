/* UTF-8 (RFC 3629), strictly: no overlong forms, no surrogates. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many of the len bytes at s are its first sequence, whose code point is put in *cp; 0: none is well-formed. */
size_t utf8_sequence(const unsigned char *s, size_t len, uint32_t *cp);

#endif
