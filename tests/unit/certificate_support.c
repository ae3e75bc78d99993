/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate_support.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include "temporary.h"

EVP_PKEY *certificate_key(const char *kind, int bits) {
    EVP_PKEY *key = NULL;
    int type = strcmp(kind, "EC") == 0 ? EVP_PKEY_EC : EVP_PKEY_RSA;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(type, NULL);

    if (context == NULL || EVP_PKEY_keygen_init(context) != 1) abort();
    if (type == EVP_PKEY_RSA && EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) != 1) abort();
    if (type == EVP_PKEY_EC && EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) != 1) abort();
    if (EVP_PKEY_keygen(context, &key) != 1) abort();
    EVP_PKEY_CTX_free(context);
    return key;
}

static void add_certificate(BIO *out, EVP_PKEY *key, long begins, long ends) {
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"app", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begins);
    X509_gmtime_adj(X509_getm_notAfter(certificate), ends);
    X509_set_pubkey(certificate, key);
    if (X509_sign(certificate, key, EVP_sha256()) == 0 || PEM_write_bio_X509(out, certificate) != 1) abort();
    X509_free(certificate);
}

static void add_key(BIO *out, EVP_PKEY *key, const char *passphrase) {
    if (PEM_write_bio_PKCS8PrivateKey(out, key, passphrase == NULL ? NULL : EVP_aes_256_cbc(), passphrase,
                                      passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL) != 1) {
        abort();
    }
}

static const char *write_out(const char *name, BIO *out) {
    char *bytes;
    long length = BIO_get_mem_data(out, &bytes);
    const char *path = temporary_write(name, bytes, (size_t)length);

    BIO_free(out);
    return path;
}

const char *certificate_write(const char *name, EVP_PKEY *key, long begins, long ends) {
    BIO *out = BIO_new(BIO_s_mem());
    add_certificate(out, key, begins, ends);
    return write_out(name, out);
}

const char *certificate_write_key(const char *name, EVP_PKEY *key, const char *passphrase) {
    BIO *out = BIO_new(BIO_s_mem());
    add_key(out, key, passphrase);
    return write_out(name, out);
}

const char *certificate_write_both(const char *name, EVP_PKEY *key, long begins, long ends) {
    BIO *out = BIO_new(BIO_s_mem());
    add_certificate(out, key, begins, ends);
    add_key(out, key, NULL);
    return write_out(name, out);
}
