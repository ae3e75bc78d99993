/* SPDX-License-Identifier: Apache-2.0 */
/* The OAuth 2.0 token request of a tenant's credential and its answer (RFC 6749 section 4.4; Microsoft identity platform
 * v2.0). No I/O but the reading of the credential's files. */
#ifndef IMD_TOKEN_H
#define IMD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"
#include "../config/settings.h"

#define IMD_TOKEN_ANSWER_MAX (256u << 10) /* bytes; tokens of accounts in many groups reach some 10 KiB */
#define IMD_TOKEN_LIFETIME_MAX INT64_C(2592000) /* seconds: a month; the longest known tokens last a day */

struct imd_token {
    char *authorization; /* "Authorization: Bearer ...", or NULL */
    int64_t lifetime;    /* seconds from now, as the server says, capped */
    char tenant[64];     /* claim `tid`, lower case, "" if the token is not readable */
};

/* Writes the URL of the token endpoint. False when it does not fit. */
bool imd_token_url(struct imd_buffer *url, const struct imd_settings *settings);

/* Writes the form that asks for a token for the API of `source`. Reads the secret's file anew each time, so that a
 * rotated secret needs no restart. The buffer holds the secret: wipe it. */
int imd_token_form(struct imd_buffer *form, const struct imd_settings *settings, const struct imd_source *source,
                   struct imd_error *error);

/* Reads a 200 of the token endpoint. -1 if it is not a bearer token with a lifetime; `token` is then empty. */
int imd_token_read(struct imd_token *token, const char *body, size_t length, struct imd_error *error);

/* Overwrites and frees. The token may be used again. */
void imd_token_wipe(struct imd_token *token);

#endif
