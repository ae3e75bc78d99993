/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests, made when they are needed. */
#ifndef CERTIFICATE_SUPPORT_H
#define CERTIFICATE_SUPPORT_H

#include <openssl/evp.h>

/* A key of the kind: "RSA" with `bits`, or "EC". Free it with EVP_PKEY_free(). */
EVP_PKEY *certificate_key(const char *kind, int bits);

/* PEM texts in files of the test's folder; their paths. `begins` and `ends` are seconds from now. */
const char *certificate_write(const char *name, EVP_PKEY *key, long begins, long ends);
const char *certificate_write_key(const char *name, EVP_PKEY *key, const char *passphrase);
/* Certificate and key in one file. */
const char *certificate_write_both(const char *name, EVP_PKEY *key, long begins, long ends);

#endif
