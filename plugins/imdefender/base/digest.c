/* SPDX-License-Identifier: Apache-2.0 */
/* Digests through OpenSSL's EVP interface. */
#include "digest.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The algorithm is looked up once: since OpenSSL 3 each implicit look-up takes locks and costs more than the digest
 * of a short text. Immutable after that, so it may be shared by all threads. */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static const EVP_MD *sha256;

static void fetch(void) {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
#else
    sha256 = EVP_sha256();
#endif
}

static void add(EVP_MD_CTX *context, const char *part, size_t length) {
    unsigned char prefix[8];

    for (int i = 0; i < 8; i++) prefix[i] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
    if (EVP_DigestUpdate(context, prefix, sizeof prefix) != 1) abort();
    if (length > 0 && EVP_DigestUpdate(context, part, length) != 1) abort();
}

struct imd_digest imd_digest_of(const char *const parts[], const size_t lengths[], size_t count) {
    unsigned char full[EVP_MAX_MD_SIZE];
    struct imd_digest digest;

    pthread_once(&fetch_once, fetch);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (sha256 == NULL || context == NULL || EVP_DigestInit_ex(context, sha256, NULL) != 1) abort();
    for (size_t i = 0; i < count; i++) add(context, parts[i], lengths[i]);
    if (EVP_DigestFinal_ex(context, full, NULL) != 1) abort();
    EVP_MD_CTX_free(context);
    memcpy(digest.bytes, full, sizeof digest.bytes);
    return digest;
}

char *imd_digest_print(const struct imd_digest *digest, char out[IMD_DIGEST_TEXT_MAX]) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[IMD_DIGEST_TEXT_MAX - 1] = '\0';
    return out;
}
