/* SPDX-License-Identifier: Apache-2.0 */
/* The OAuth 2.0 token request of a tenant's credential and its answer (RFC 6749 sections 4.4 and 6; Microsoft identity
 * platform v2.0, and v1 for the API that is older than it). No I/O but the reading of the credential's files. */
#ifndef IMD_TOKEN_H
#define IMD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"
#include "../config/settings.h"
#include "credential.h"

#define IMD_TOKEN_ANSWER_MAX (256u << 10) /* bytes; tokens of accounts in many groups reach some 10 KiB */
#define IMD_TOKEN_LIFETIME_MAX INT64_C(2592000) /* seconds: a month; the longest known tokens last a day */
#define IMD_TOKEN_ROLES_MAX 2048          /* bytes of the list of roles that are kept */

/* Texts that are secret lie in secret memory. */
struct imd_token {
    char *authorization; /* "Authorization: Bearer ...", or NULL */
    char *refresh_token; /* the next one, where the answer has one, or NULL */
    int64_t lifetime;    /* seconds from now, as the server says, at most IMD_TOKEN_LIFETIME_MAX */
    char tenant[64];     /* claim `tid`, lower case, "" if the token is not readable */
    char *roles;         /* claim `roles`, names separated by spaces, or NULL; not secret */
};

/* Writes the URL of the token endpoint for the API of `source`. False when it does not fit. */
bool imd_token_url(struct imd_buffer *url, const struct imd_settings *settings, const struct imd_source *source);

/* Writes the form that asks for a token. Reads the credential's files anew each time, so that a rotated secret needs no
 * restart. The buffer holds the secret: make it a secret one, and wipe it. */
int imd_token_form(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error);

/* Reads a 200 of the token endpoint, or of a managed identity's (`expires_on` in place of `expires_in`; `now` is Unix
 * seconds). -1 if it is not a bearer token with a lifetime; `token` is then empty. */
int imd_token_read(struct imd_token *token, const char *body, size_t length, int64_t now, struct imd_error *error);

/* The token itself, behind "Authorization: Bearer ". */
const char *imd_token_bearer(const struct imd_token *token);

/* A copy of its own; false when memory is short. */
bool imd_token_copy(struct imd_token *to, const struct imd_token *from);

/* Overwrites and frees. The token may be used again. */
void imd_token_wipe(struct imd_token *token);

#endif
