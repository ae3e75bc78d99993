/* SPDX-License-Identifier: Apache-2.0 */
/* Immutable texts with a reference count, so that ten thousand tenants hold the path of their common secret file once. */
#ifndef IMD_TEXT_H
#define IMD_TEXT_H

#include <stddef.h>

/* A copy of `length` bytes with a 0 byte behind, one reference; NULL when memory is short. */
char *imd_text_new(const char *bytes, size_t length);

/* Atomic. Releasing the last reference overwrites and frees the text. NULL is allowed. */
char *imd_text_share(char *text);
void imd_text_release(char *text);

#endif
