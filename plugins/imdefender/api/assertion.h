/* SPDX-License-Identifier: Apache-2.0 */
/* Client assertions: the JWT by which an app proves that it has a certificate's key (RFC 7523; learn.microsoft.com/
 * entra/identity-platform/certificate-credentials).
 *
 * Certificate and key are read from their files for each assertion and forgotten afterwards: what was put in place of
 * them counts from the next one on, and no key lies in memory in between. */
#ifndef IMD_ASSERTION_H
#define IMD_ASSERTION_H

#include <stdint.h>
#include "../base/buffer.h"
#include "../base/error.h"
#include "../config/settings.h"

#define IMD_ASSERTION_LIFETIME 300 /* seconds; "5 to 10 minutes" */

enum imd_algorithm {
    IMD_ALGORITHM_PS256, /* with the SHA-256 thumbprint, x5t#S256 */
    IMD_ALGORITHM_RS256  /* with the SHA-1 thumbprint, x5t */
};

struct imd_assertion {
    const struct imd_settings *settings; /* client_id, files, algorithm */
    const char *audience;                /* URL of the token endpoint that is called */
    int64_t now;                         /* Unix seconds */
};

/* Appends the assertion. `expires` (may be NULL) gets the end of the certificate's time in Unix seconds. Refused, with the
 * parameter in `error`: files that cannot be read, no certificate or key in them, a wrong or missing passphrase, a key
 * that is not RSA of 2048 bits or more, one that does not belong to the certificate, a certificate whose time is over or has
 * not begun. */
int imd_assertion_add(struct imd_buffer *out, const struct imd_assertion *assertion, int64_t *expires,
                      struct imd_error *error);

/* Whether an assertion could be made at `now`; nothing of the key stays in memory. */
int imd_assertion_probe(const struct imd_settings *settings, int64_t now, struct imd_error *error);

#endif
