/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets and tokens: left out of core dumps and overwritten when it is given back.
 *
 * Blocks are carved out of regions that the kernel is told not to dump (madvise(2), MADV_DONTDUMP); a region stays with
 * the process. Not for bulk data: a block takes the next power of two. Any thread. */
#ifndef IMD_SECRET_MEMORY_H
#define IMD_SECRET_MEMORY_H

#include <stddef.h>

/* Memory of `size` bytes, all 0; NULL when memory is short. */
void *imd_secret_alloc(size_t size);

/* As realloc(3): the bytes move, and nothing stays behind where they were. On failure `block` is as it was. */
void *imd_secret_resize(void *block, size_t size);

/* Overwrites the block and gives it back. NULL is allowed. */
void imd_secret_free(void *block);

/* A copy of a text, or of its first `length` bytes; NULL when memory is short. */
char *imd_secret_copy(const char *text, size_t length);

#endif
