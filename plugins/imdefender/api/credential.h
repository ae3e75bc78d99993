/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of credential as rows of one table. Adding a kind is adding a row.
 *
 * A credential says who signs in: the app itself, or (refresh token) a user to whom the app is the client. A confidential
 * app proves itself in both cases; beside a refresh token that is a second credential. */
#ifndef IMD_CREDENTIAL_H
#define IMD_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"
#include "../config/settings.h"

/* What a token is asked for, and what only the caller knows. */
struct imd_token_request {
    const struct imd_settings *settings;
    const struct imd_source *source; /* its API decides endpoint and audience */
    int64_t now;                     /* Unix seconds, for assertions */
    const char *refresh_token;       /* IMD_CREDENTIAL_REFRESH: the one to redeem */
    const char *assertion;           /* IMD_CREDENTIAL_MANAGED beside clientId: the identity's token */
    int64_t certificate_expires;     /* set by imd_token_form(): Unix seconds, 0 without a certificate */
};

struct imd_credential_kind {
    const char *name;          /* for people */
    const char *parameters[2]; /* any of them selects this kind; NULL: none */
    bool proves_app;           /* may stand beside a refresh token */
    bool needs_client_id;
    const char *refused;       /* what to say and ... */
    const char *remedy;        /* ... to advise when the sign-in service refuses it without a code that says more */
    /* Appends its fields to the form of a token request; the secret is read here. NULL: it has none. */
    int (*add_fields)(struct imd_buffer *form, struct imd_token_request *request, struct imd_error *error);
};

extern const struct imd_credential_kind imd_credential_kinds[IMD_CREDENTIAL_COUNT];

/* Which kind the parameters select, and which one proves the app (the same but beside a refresh token). */
enum imd_credential imd_credential_select(const struct imd_settings *settings);
enum imd_credential imd_credential_of_app(const struct imd_settings *settings);

/* Whether the identity's token is not the tenant's own, but proves the app of clientId. */
bool imd_credential_is_federated_identity(const struct imd_settings *settings);

/* Audience of the API of `source` in the tenant's cloud, for v1 `resource` and, with "/.default", for v2 `scope`. */
const char *imd_credential_audience(const struct imd_settings *settings, const struct imd_source *source);

#endif
