/* SPDX-License-Identifier: Apache-2.0 */
/* 128-bit digests that name an alert or a version of it. */
#ifndef IMD_DIGEST_H
#define IMD_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define IMD_DIGEST_TEXT_MAX 33

struct imd_digest {
    uint8_t bytes[16];
};

/* The first 16 bytes of the SHA-256 of the parts, each preceded by its length (8 bytes, big-endian), so that no two
 * lists of parts have the same input. Stable for ever: stored in the state and sent as the version's key.
 * Failure of the library aborts the process: there is no way to go on without losing alerts. */
struct imd_digest imd_digest_of(const char *const parts[], const size_t lengths[], size_t count);

/* 32 lower-case hexadecimal digits. Returns `out`. */
char *imd_digest_print(const struct imd_digest *digest, char out[IMD_DIGEST_TEXT_MAX]);

#endif
