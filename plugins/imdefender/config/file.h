/* SPDX-License-Identifier: Apache-2.0 */
/* Reads small files whole, refusing what is no regular file. */
#ifndef IMD_FILE_H
#define IMD_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"

/* Appends the bytes of a regular file to `out`, which has been initialised with the largest size that is wanted.
 * `error` says which file and why. Returns 0 or -1. Never waits (a FIFO is refused, not opened for reading). */
int imd_file_read(const char *path, struct imd_buffer *out, struct imd_error *error);

/* The same, but a file that every user can read or replace is refused, since it holds a secret. */
int imd_file_read_private(const char *path, struct imd_buffer *out, struct imd_error *error);

/* Whether a regular file that is not empty can be opened for reading. */
int imd_file_probe(const char *path, struct imd_error *error);

#endif
