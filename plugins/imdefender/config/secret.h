/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: read when a token is asked for, never kept with the settings.
 *
 * A parameter names the place of a secret as one of
 *   /absolute/path     a file
 *   credential:NAME    the file NAME of systemd's credentials ($CREDENTIALS_DIRECTORY; LoadCredential= and its kin)
 *   env:NAME           the environment variable NAME */
#ifndef IMD_SECRET_H
#define IMD_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/buffer.h"
#include "../base/error.h"

#define IMD_SECRET_MAX ((size_t)64 << 10) /* bytes of a secret */

/* Who may be able to read the file of a secret besides its owner and group. */
enum imd_secret_guard { IMD_SECRET_PRIVATE, /* nobody: a file that all users can read or replace is refused */
                        IMD_SECRET_ANY_MODE };

/* Whether the text names a place of a secret; nothing is looked up. */
bool imd_secret_is_place(const char *text);

/* Reads a secret whole and strips one line end ("\n" or "\r\n") from its end and the byte order mark of UTF-8 from its
 * beginning. `maximum` is in bytes and at most IMD_SECRET_MAX. Refused, with the place but nothing of the contents in
 * `error`: no such file, credential or variable, no permission, not a regular file, empty, too large, a 0 byte in it, a
 * mode that `guard` does not allow. `out` is initialised here as secret memory (a former content is not freed); the
 * caller wipes it with imd_buffer_wipe(), also after an error. Returns 0 or -1. */
int imd_secret_read(const char *place, enum imd_secret_guard guard, size_t maximum, struct imd_buffer *out,
                    struct imd_error *error);

/* Whether the secret could be read now, by the same rules; nothing of it stays in memory. */
int imd_secret_probe(const char *place, enum imd_secret_guard guard, size_t maximum, struct imd_error *error);

/* Whether a group can read the file of the secret: allowed, but worth knowing. */
bool imd_secret_is_for_group(const char *place);

#endif
