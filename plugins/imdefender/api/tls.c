/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <pthread.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SHA1_LENGTH 20

/* Service Fabric's endpoint has a certificate that nobody signed; its platform names the certificate instead. */
static int has_thumbprint(X509_STORE_CTX *context, void *expected) {
    static const char digits[] = "0123456789ABCDEF";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * SHA1_LENGTH + 1] = "";
    unsigned length = 0;
    X509 *certificate = X509_STORE_CTX_get0_cert(context);

    if (certificate == NULL || X509_digest(certificate, EVP_sha1(), digest, &length) != 1 || length != SHA1_LENGTH) return 0;
    for (unsigned i = 0; i < length; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    if (strcasecmp(text, expected) == 0) return 1;
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static CURLcode on_context(CURL *easy, void *context, void *thumbprint) {
    (void)easy;
#ifdef SSL_OP_CLEANSE_PLAINTEXT
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
#endif
    if (thumbprint != NULL) SSL_CTX_set_cert_verify_callback(context, has_thumbprint, thumbprint);
    return CURLE_OK;
}

static pthread_once_t look_once = PTHREAD_ONCE_INIT;
static bool with_openssl;

static void look(void) {
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    with_openssl = version->ssl_version != NULL && strncmp(version->ssl_version, "OpenSSL/", 8) == 0;
}

/* Looked up once: libcurl asks all its libraries, which is no small part of what a request costs. */
static bool is_openssl(void) {
    pthread_once(&look_once, look);
    return with_openssl;
}

CURLcode imd_tls_set(CURL *easy, const char *thumbprint) {
    if (!is_openssl()) return thumbprint == NULL ? CURLE_OK : CURLE_NOT_BUILT_IN;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)thumbprint);
    if (code != CURLE_OK || thumbprint == NULL) return code;
    /* The name in that certificate says nothing, and no connection made for another certificate may serve. */
    code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    return code;
}
