/*
 * SHA-256 (FIPS 180-4), to name files by their content.
 */
#ifndef OCT_BASE_SHA256_H
#define OCT_BASE_SHA256_H

#include <stddef.h>

/** Lower-case hexadecimal digest of size bytes, with a NUL behind. */
void oct_sha256(const void *bytes, size_t size, char text[65]);

#endif
