/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and their keys from PEM, and what is signed with them. */
#include "assertion.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "../base/base64url.h"
#include "../config/secret.h"
#include "private_key.h"

#define KEY_BITS_MIN 2048
#define NOT_RSA "the sign-in service takes RSA keys of 2048 bits or more only, not the one in"
#define SIGNATURE_MAX 2048 /* bytes: keys of up to 16384 bits */

struct pair {
    X509 *certificate;
    EVP_PKEY *key;
    int64_t expires; /* Unix seconds */
};

static void free_pair(struct pair *pair) {
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    ERR_clear_error(); /* the queue is shared with all users of the library in this thread */
    *pair = (struct pair){0};
}

static int refuse(struct imd_error *error, const char *parameter, const char *remedy, const char *what,
                  const char *place) {
    imd_error_set(error, remedy, "%s '%s'", what, place);
    imd_error_parameter(error, parameter);
    return -1;
}

static enum imd_secret_guard guard_of(const struct imd_settings *settings) {
    return settings->allow_readable_secrets ? IMD_SECRET_ANY_MODE : IMD_SECRET_PRIVATE;
}

/* --- reading --- */

static int read_file(const char *parameter, const char *place, enum imd_secret_guard guard, struct imd_buffer *out,
                     struct imd_error *error) {
    if (imd_secret_read(place, guard, IMD_SECRET_MAX, out, error) == 0) return 0;
    imd_error_parameter(error, parameter);
    return -1;
}

static int read_certificate(struct pair *pair, const char *place, const struct imd_buffer *pem,
                            struct imd_error *error) {
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->length);

    pair->certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (pair->certificate != NULL) return 0;
    return refuse(error, "certificateFile", "give the certificate in PEM form", "there is no certificate in", place);
}

static int explain_key(enum imd_key_problem problem, const char *parameter, const char *place, struct imd_error *error) {
    switch (problem) {
        case IMD_KEY_GOOD:
            return 0;
        case IMD_KEY_ABSENT:
            return refuse(error, parameter, "give the private key in PEM form, in keyFile or beside the certificate",
                          "there is no private key in", place);
        case IMD_KEY_LOCKED:
            return refuse(error, "keyPassphraseFile", "give keyPassphraseFile",
                          "there is no passphrase for the encrypted private key in", place);
        case IMD_KEY_WRONG_PASSPHRASE:
            return refuse(error, "keyPassphraseFile", "put the passphrase of this key into the file",
                          "the passphrase does not open the private key in", place);
        case IMD_KEY_NOT_RSA:
            return refuse(error, parameter, "make a certificate with an RSA key of 2048 bits or more", NOT_RSA, place);
        case IMD_KEY_BROKEN:
            break;
    }
    return refuse(error, parameter, "check the file", "the private key cannot be read from", place);
}

static int read_key(struct pair *pair, const struct imd_settings *settings, const char *parameter, const char *place,
                    const struct imd_buffer *pem, struct imd_error *error) {
    struct imd_buffer passphrase;
    int result = 0;

    imd_buffer_init_secret(&passphrase, 1);
    if (settings->key_passphrase_file != NULL) {
        result = read_file("keyPassphraseFile", settings->key_passphrase_file, guard_of(settings), &passphrase, error);
    }
    if (result == 0) result = explain_key(imd_private_key_read(pem, &passphrase, &pair->key), parameter, place, error);
    imd_buffer_wipe(&passphrase);
    return result;
}

/* --- judging --- */

static int64_t unix_time(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static int judge_time(struct pair *pair, const char *place, int64_t now, struct imd_error *error) {
    int64_t begins = unix_time(X509_get0_notBefore(pair->certificate));

    pair->expires = unix_time(X509_get0_notAfter(pair->certificate));
    if (now >= pair->expires) {
        return refuse(error, "certificateFile",
                      "upload a new certificate to the application, then put it and its key in place of the old ones",
                      "the time of the certificate is over:", place);
    }
    if (now < begins) {
        return refuse(error, "certificateFile", "wait, use the former one, or set this machine's clock",
                      "the time of the certificate has not begun yet:", place);
    }
    return 0;
}

static int judge_pair(struct pair *pair, const struct imd_settings *settings, const char *key_parameter,
                      const char *key_place, int64_t now, struct imd_error *error) {
    int type = EVP_PKEY_base_id(pair->key);

    if (type != EVP_PKEY_RSA || EVP_PKEY_bits(pair->key) < KEY_BITS_MIN) {
        return refuse(error, key_parameter, "make a certificate with an RSA key of 2048 bits or more",
                      NOT_RSA, key_place);
    }
    if (X509_check_private_key(pair->certificate, pair->key) != 1) {
        return refuse(error, key_parameter, "give the key that the certificate was made with",
                      "the private key does not belong to the certificate:", key_place);
    }
    return judge_time(pair, settings->certificate_file, now, error);
}

static int load(struct pair *pair, const struct imd_settings *settings, int64_t now, struct imd_error *error) {
    bool together = settings->key_file == NULL;
    const char *parameter = together ? "certificateFile" : "keyFile";
    const char *place = together ? settings->certificate_file : settings->key_file;
    struct imd_buffer certificate, key;
    int result;

    *pair = (struct pair){0};
    imd_buffer_init_secret(&key, IMD_SECRET_MAX);
    result = read_file("certificateFile", settings->certificate_file,
                       together ? guard_of(settings) : IMD_SECRET_ANY_MODE, &certificate, error);
    if (result == 0) result = read_certificate(pair, settings->certificate_file, &certificate, error);
    if (result == 0 && !together) result = read_file(parameter, place, guard_of(settings), &key, error);
    if (result == 0) result = read_key(pair, settings, parameter, place, together ? &certificate : &key, error);
    if (result == 0) result = judge_pair(pair, settings, parameter, place, now, error);
    imd_buffer_wipe(&certificate);
    imd_buffer_wipe(&key);
    if (result != 0) free_pair(pair);
    return result;
}

int imd_assertion_probe(const struct imd_settings *settings, int64_t now, struct imd_error *error) {
    struct pair pair;
    int result = load(&pair, settings, now, error);

    free_pair(&pair);
    return result;
}

/* --- making --- */

/* A fresh random GUID (RFC 9562 version 4): a server may refuse one that it has seen. */
static bool add_guid(struct imd_buffer *out) {
    unsigned char b[16];

    if (RAND_bytes(b, sizeof b) != 1) return false;
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    return imd_buffer_print(out, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                            b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static bool add_header(struct imd_buffer *out, const struct pair *pair, enum imd_algorithm algorithm) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct imd_buffer json;
    bool sha256 = algorithm == IMD_ALGORITHM_PS256;

    if (X509_digest(pair->certificate, sha256 ? EVP_sha256() : EVP_sha1(), digest, &length) != 1) return false;
    imd_buffer_init(&json, 256);
    bool good = imd_buffer_print(&json, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"%s\":\"", sha256 ? "PS256" : "RS256",
                                 sha256 ? "x5t#S256" : "x5t") &&
                imd_base64url_add(&json, digest, length) && imd_buffer_add_text(&json, "\"}") &&
                imd_base64url_add(out, json.data, json.length);
    imd_buffer_free(&json);
    return good;
}

static bool add_claims(struct imd_buffer *out, const struct imd_assertion *assertion) {
    const char *client = assertion->settings->client_id;
    struct imd_buffer json;

    imd_buffer_init(&json, 8192);
    bool good = imd_buffer_add_text(&json, "{\"aud\":") &&
                imd_buffer_add_json(&json, assertion->audience, strlen(assertion->audience)) &&
                imd_buffer_print(&json, ",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"", client, client) &&
                add_guid(&json) &&
                imd_buffer_print(&json, "\",\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}", (long long)assertion->now,
                                 (long long)assertion->now, (long long)assertion->now + IMD_ASSERTION_LIFETIME) &&
                imd_base64url_add(out, json.data, json.length);
    imd_buffer_free(&json);
    return good;
}

/* Signs the bytes from `start` on and appends the signature. */
static bool add_signature(struct imd_buffer *out, size_t start, EVP_PKEY *key, enum imd_algorithm algorithm) {
    unsigned char signature[SIGNATURE_MAX];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    bool pss = algorithm == IMD_ALGORITHM_PS256;
    bool good = context != NULL && EVP_DigestSignInit(context, &parameters, EVP_sha256(), NULL, key) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(parameters, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
                (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1) &&
                EVP_DigestSign(context, signature, &length, (const unsigned char *)out->data + start,
                               out->length - start) == 1;

    EVP_MD_CTX_free(context);
    good = good && imd_buffer_add_char(out, '.') && imd_base64url_add(out, signature, length);
    explicit_bzero(signature, sizeof signature);
    return good;
}

int imd_assertion_add(struct imd_buffer *out, const struct imd_assertion *assertion, int64_t *expires,
                      struct imd_error *error) {
    enum imd_algorithm algorithm = (enum imd_algorithm)assertion->settings->certificate_algorithm;
    size_t start = out->length;
    struct pair pair;

    if (load(&pair, assertion->settings, assertion->now, error) != 0) return -1;
    if (expires != NULL) *expires = pair.expires;
    bool good = add_header(out, &pair, algorithm) && imd_buffer_add_char(out, '.') && add_claims(out, assertion) &&
                add_signature(out, start, pair.key, algorithm);
    free_pair(&pair);
    return good ? 0 : imd_error_set(error, "free memory", "no memory for a client assertion");
}
