/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in files: read when a token is asked for, never kept with the settings. */
#ifndef IMD_SECRET_H
#define IMD_SECRET_H

#include <stddef.h>
#include "../base/buffer.h"
#include "../base/error.h"

#define IMD_SECRET_MAX ((size_t)64 << 10) /* bytes of a secret file */

/* Reads a regular file whole and strips one line end ("\n" or "\r\n") from its end. `maximum` is in bytes and at most
 * IMD_SECRET_MAX. Refused, with the path but nothing of the contents in `error`: no such file, no permission, not a regular
 * file, empty, too large, a 0 byte in it. `out` is initialised here (a former content is not freed); the caller wipes
 * it with imd_buffer_wipe(), also after an error. Returns 0 or -1. */
int imd_secret_read(const char *path, size_t maximum, struct imd_buffer *out, struct imd_error *error);

/* Whether the file could be read now, by the same rules; nothing of it stays in memory. */
int imd_secret_probe(const char *path, size_t maximum, struct imd_error *error);

#endif
