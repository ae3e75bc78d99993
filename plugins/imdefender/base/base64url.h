/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2), as tokens are written. */
#ifndef IMD_BASE64URL_H
#define IMD_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include "buffer.h"

/* Appends the text of `bytes`. False when there is no room or memory. */
bool imd_base64url_add(struct imd_buffer *out, const void *bytes, size_t length);

/* Decodes into `out`, which has room for 3/4 of the length; padding at the end is tolerated. The number of bytes, or 0 if
 * it is no base64url. */
size_t imd_base64url_decode(const char *text, size_t length, char *out);

#endif
