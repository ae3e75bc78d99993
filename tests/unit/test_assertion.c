/* SPDX-License-Identifier: Apache-2.0 */
/* Client assertions: what Entra asks of them, signatures that OpenSSL verifies, and every way in which certificate and key can
 * be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "api/assertion.h"
#include "base/base64url.h"
#include "base/json.h"
#include "certificate_support.h"
#include "settings_support.h"
#include "temporary.h"

#define DAY 86400L
#define AUDIENCE "https://login.example/t/oauth2/v2.0/token"

static EVP_PKEY *rsa, *other_rsa;

static int make_keys(void **state) {
    (void)state;
    rsa = certificate_key("RSA", 2048);
    other_rsa = certificate_key("RSA", 2048);
    return 0;
}

static int drop_keys(void **state) {
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other_rsa);
    temporary_remove();
    return 0;
}

/* A tenant whose app proves itself by a certificate; `key` may be NULL. */
static struct imd_settings *settings_of(const char *certificate, const char *key) {
    struct imd_settings *settings = imd_settings_new();

    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "clientId", SETTINGS_CLIENT);
    settings_put(settings, "certificateFile", certificate);
    if (key != NULL) settings_put(settings, "keyFile", key);
    return settings;
}

static struct imd_settings *good_settings(void) {
    return settings_of(certificate_write("app.crt", rsa, -DAY, 100 * DAY), certificate_write_key("app.key", rsa, NULL));
}

struct parts {
    char text[8192], header[1024], claims[2048];
    char signature[1024];
    size_t signed_length, signature_length;
};

static void make(const struct imd_settings *settings, struct parts *parts, int64_t *expires) {
    const struct imd_assertion assertion = {settings, AUDIENCE, (int64_t)time(NULL)};
    struct imd_buffer out;
    struct imd_error error = {.what = ""};

    memset(parts, 0, sizeof *parts);
    imd_buffer_init_secret(&out, 8000);
    assert_true(imd_buffer_add_text(&out, "before=")); /* it is appended */
    if (imd_assertion_add(&out, &assertion, expires, &error) != 0) fail_msg("%s", error.what);
    assert_memory_equal(out.data, "before=", 7);
    memcpy(parts->text, out.data + 7, out.length - 7);
    imd_buffer_wipe(&out);
    const char *first = strchr(parts->text, '.'), *last = strrchr(parts->text, '.');
    assert_non_null(first);
    assert_ptr_not_equal(first, last);
    assert_null(strchr(parts->text, '=')); /* RFC 7515: no padding */
    imd_base64url_decode(parts->text, (size_t)(first - parts->text), parts->header);
    imd_base64url_decode(first + 1, (size_t)(last - first) - 1, parts->claims);
    parts->signature_length = imd_base64url_decode(last + 1, strlen(last + 1), parts->signature);
    parts->signed_length = (size_t)(last - parts->text);
}

static bool verifies(const struct parts *parts, EVP_PKEY *key, bool pss) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;

    assert_int_equal(EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), NULL, key), 1);
    if (pss) {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32); /* as PS256 says, not whatever the signature has */
        EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256());
    }
    int result = EVP_DigestVerify(context, (const unsigned char *)parts->signature, parts->signature_length,
                                  (const unsigned char *)parts->text, parts->signed_length);
    EVP_MD_CTX_free(context);
    return result == 1;
}

static const char *claim(const char *json, const char *name) {
    static char text[4][512];
    static int turn;
    struct imd_json_value root = {json, strlen(json)}, value;
    char *out = text[turn++ % 4];

    assert_true(imd_json_valid(json, strlen(json), NULL));
    if (!imd_json_member(root, name, &value)) return "";
    if (imd_json_string(value, out, 512) < 0) snprintf(out, 512, "%.*s", (int)value.length, value.data);
    return out;
}

/* base64url of a digest of the certificate's DER form. */
static const char *thumbprint(const char *path, const EVP_MD *digest) {
    static char text[128];
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    FILE *file = fopen(path, "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    struct imd_buffer out;

    assert_int_equal(X509_digest(certificate, digest, bytes, &length), 1);
    imd_buffer_init(&out, 100);
    assert_true(imd_base64url_add(&out, bytes, length));
    snprintf(text, sizeof text, "%s", out.data);
    imd_buffer_free(&out);
    X509_free(certificate);
    fclose(file);
    return text;
}

/* --- what is right --- */

static void the_header_names_algorithm_and_thumbprint(void **state) {
    struct imd_settings *settings = good_settings();
    struct parts parts;
    (void)state;

    make(settings, &parts, NULL);
    assert_string_equal(claim(parts.header, "alg"), "PS256");
    assert_string_equal(claim(parts.header, "typ"), "JWT");
    assert_string_equal(claim(parts.header, "x5t#S256"), thumbprint(settings->certificate_file, EVP_sha256()));
    assert_string_equal(claim(parts.header, "x5t"), "");
    assert_true(verifies(&parts, rsa, true));
    assert_false(verifies(&parts, other_rsa, true));
    settings_put(settings, "certificateAlgorithm", "RS256");
    make(settings, &parts, NULL);
    assert_string_equal(claim(parts.header, "alg"), "RS256");
    assert_string_equal(claim(parts.header, "x5t"), thumbprint(settings->certificate_file, EVP_sha1()));
    assert_string_equal(claim(parts.header, "x5t#S256"), "");
    assert_true(verifies(&parts, rsa, false));
    imd_settings_release(settings);
}

static void the_claims_are_those_that_entra_asks_for(void **state) {
    struct imd_settings *settings = good_settings();
    struct parts first, second;
    int64_t expires = 0, before = (int64_t)time(NULL);
    (void)state;

    make(settings, &first, &expires);
    assert_string_equal(claim(first.claims, "aud"), AUDIENCE);
    assert_string_equal(claim(first.claims, "iss"), SETTINGS_CLIENT);
    assert_string_equal(claim(first.claims, "sub"), SETTINGS_CLIENT);
    long long nbf = strtoll(claim(first.claims, "nbf"), NULL, 10), exp = strtoll(claim(first.claims, "exp"), NULL, 10);
    assert_in_range(nbf, before, before + 5);
    assert_in_range(exp - nbf, 300, 600);
    assert_string_equal(claim(first.claims, "iat"), claim(first.claims, "nbf"));
    assert_int_equal(strlen(claim(first.claims, "jti")), 36);
    make(settings, &second, NULL);
    assert_string_not_equal(claim(first.claims, "jti"), claim(second.claims, "jti"));
    assert_in_range(expires, before + 100 * DAY - 5, before + 100 * DAY + 5);
    imd_settings_release(settings);
}

static void key_and_certificate_may_share_a_file(void **state) {
    struct imd_settings *settings = settings_of(certificate_write_both("both.pem", rsa, -DAY, DAY), NULL);
    struct parts parts;
    (void)state;

    make(settings, &parts, NULL);
    assert_true(verifies(&parts, rsa, true));
    imd_settings_release(settings);
}

static void an_encrypted_key_is_opened_by_its_passphrase(void **state) {
    struct imd_settings *settings = settings_of(certificate_write("app.crt", rsa, -DAY, DAY),
                                                certificate_write_key("locked.key", rsa, "open sesame"));
    struct parts parts;
    (void)state;

    settings_put(settings, "keyPassphraseFile", temporary_text("passphrase", "open sesame\n"));
    make(settings, &parts, NULL);
    assert_true(verifies(&parts, rsa, true));
    imd_settings_release(settings);
}

static void what_is_put_in_place_counts_from_then_on(void **state) {
    struct imd_settings *settings = good_settings();
    struct parts parts;
    (void)state;

    make(settings, &parts, NULL);
    certificate_write("app.crt", other_rsa, -DAY, DAY);
    certificate_write_key("app.key", other_rsa, NULL);
    make(settings, &parts, NULL);
    assert_true(verifies(&parts, other_rsa, true));
    assert_string_equal(claim(parts.header, "x5t#S256"), thumbprint(settings->certificate_file, EVP_sha256()));
    imd_settings_release(settings);
}

/* --- what is wrong --- */

static void assert_refused(struct imd_settings *settings, const char *parameter, const char *part) {
    struct imd_error error = {.what = ""}, probed = {.what = ""};
    const struct imd_assertion assertion = {settings, AUDIENCE, (int64_t)time(NULL)};
    struct imd_buffer out;

    imd_buffer_init_secret(&out, 8000);
    assert_int_equal(imd_assertion_add(&out, &assertion, NULL, &error), -1);
    assert_int_equal(out.length, 0);
    if (strstr(error.what, part) == NULL) fail_msg("'%s' does not say '%s'", error.what, part);
    assert_string_equal(error.parameter, parameter);
    assert_true(error.remedy[0] != '\0');
    assert_int_equal(imd_assertion_probe(settings, assertion.now, &probed), -1);
    assert_string_equal(probed.what, error.what);
    imd_buffer_wipe(&out);
    imd_settings_release(settings);
}

static void a_key_of_another_certificate_is_refused(void **state) {
    (void)state;
    assert_refused(settings_of(certificate_write("app.crt", rsa, -DAY, DAY),
                               certificate_write_key("other.key", other_rsa, NULL)),
                   "keyFile", "does not belong to the certificate");
}

static void a_certificate_outside_its_time_is_refused(void **state) {
    const char *key = certificate_write_key("app.key", rsa, NULL);
    (void)state;

    assert_refused(settings_of(certificate_write("over.crt", rsa, -2 * DAY, -DAY), key), "certificateFile", "is over");
    assert_refused(settings_of(certificate_write("early.crt", rsa, DAY, 2 * DAY), key), "certificateFile",
                   "has not begun yet");
}

static void a_wrong_or_missing_passphrase_is_told(void **state) {
    const char *certificate = certificate_write("app.crt", rsa, -DAY, DAY);
    const char *key = certificate_write_key("locked.key", rsa, "open sesame");
    struct imd_settings *settings = settings_of(certificate, key);
    (void)state;

    assert_refused(settings, "keyPassphraseFile", "there is no passphrase");
    settings = settings_of(certificate, key);
    settings_put(settings, "keyPassphraseFile", temporary_text("passphrase", "open barley"));
    assert_refused(settings, "keyPassphraseFile", "does not open the private key");
    settings = settings_of(certificate, key);
    settings_put(settings, "keyPassphraseFile", temporary_path("nowhere"));
    assert_refused(settings, "keyPassphraseFile", "No such file");
}

/* "-----BEGIN RSA PRIVATE KEY-----", as older tools write it. */
static void the_older_form_of_a_key_is_read_too(void **state) {
    const char *path = temporary_path("old.key"), *certificate = certificate_write("app.crt", rsa, -DAY, DAY);
    struct parts parts;
    (void)state;

    for (int locked = 0; locked < 2; locked++) {
        BIO *out = BIO_new_file(path, "w");
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(out, rsa, locked ? EVP_aes_128_cbc() : NULL,
                                                              (const unsigned char *)"open sesame", locked ? 11 : 0, NULL, NULL),
                         1);
        BIO_free(out);
        assert_int_equal(chmod(path, 0600), 0);
        struct imd_settings *settings = settings_of(certificate, path);
        if (locked) settings_put(settings, "keyPassphraseFile", temporary_text("passphrase", "open sesame"));
        make(settings, &parts, NULL);
        assert_true(verifies(&parts, rsa, true));
        imd_settings_release(settings);
    }
    assert_refused(settings_of(certificate, path), "keyPassphraseFile", "there is no passphrase");
}

static void keys_that_entra_does_not_take_are_refused(void **state) {
    EVP_PKEY *small = certificate_key("RSA", 1024), *curve = certificate_key("EC", 0);
    (void)state;

    assert_refused(settings_of(certificate_write_both("small.pem", small, -DAY, DAY), NULL), "certificateFile", "2048 bits");
    assert_refused(settings_of(certificate_write_both("curve.pem", curve, -DAY, DAY), NULL), "certificateFile", "RSA keys");
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

static void files_without_what_they_should_hold_are_refused(void **state) {
    const char *certificate = certificate_write("app.crt", rsa, -DAY, DAY), *key = certificate_write_key("app.key", rsa, NULL);
    (void)state;

    assert_refused(settings_of(key, key), "certificateFile", "there is no certificate");
    assert_refused(settings_of(certificate, NULL), "certificateFile", "there is no private key");
    assert_refused(settings_of(certificate, certificate), "keyFile", "there is no private key");
    assert_refused(settings_of(temporary_text("text", "hello\n"), key), "certificateFile", "there is no certificate");
    assert_refused(settings_of(certificate,
                               temporary_text("cut.key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n")),
                   "keyFile", "cannot be read");
    assert_refused(settings_of(temporary_path("nowhere"), key), "certificateFile", "No such file");
}

static void a_key_that_all_users_can_read_is_refused(void **state) {
    const char *certificate = certificate_write("app.crt", rsa, -DAY, DAY), *key = certificate_write_key("app.key", rsa, NULL);
    struct imd_settings *settings = settings_of(certificate, key);
    struct parts parts;
    (void)state;

    assert_int_equal(chmod(certificate, 0644), 0); /* a certificate is no secret */
    make(settings, &parts, NULL);
    assert_int_equal(chmod(key, 0644), 0);
    settings_put(settings, "allowReadableSecrets", "on");
    make(settings, &parts, NULL);
    settings_put(settings, "allowReadableSecrets", "off");
    assert_refused(settings, "keyFile", "every user can read");
    const char *both = certificate_write_both("both.pem", rsa, -DAY, DAY);
    assert_int_equal(chmod(both, 0644), 0);
    assert_refused(settings_of(both, NULL), "certificateFile", "every user can read");
}

static void an_assertion_without_room_is_an_error(void **state) {
    struct imd_settings *settings = good_settings();
    const struct imd_assertion assertion = {settings, AUDIENCE, (int64_t)time(NULL)};
    struct imd_error error;
    (void)state;

    for (size_t room = 0; room < 700; room += 50) {
        struct imd_buffer out;
        imd_buffer_init_secret(&out, room);
        assert_int_equal(imd_assertion_add(&out, &assertion, NULL, &error), -1);
        imd_buffer_wipe(&out);
    }
    imd_settings_release(settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_names_algorithm_and_thumbprint),
        cmocka_unit_test(the_claims_are_those_that_entra_asks_for),
        cmocka_unit_test(key_and_certificate_may_share_a_file),
        cmocka_unit_test(an_encrypted_key_is_opened_by_its_passphrase),
        cmocka_unit_test(what_is_put_in_place_counts_from_then_on),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(a_certificate_outside_its_time_is_refused),
        cmocka_unit_test(a_wrong_or_missing_passphrase_is_told),
        cmocka_unit_test(the_older_form_of_a_key_is_read_too),
        cmocka_unit_test(keys_that_entra_does_not_take_are_refused),
        cmocka_unit_test(files_without_what_they_should_hold_are_refused),
        cmocka_unit_test(a_key_that_all_users_can_read_is_refused),
        cmocka_unit_test(an_assertion_without_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
