/* SPDX-License-Identifier: Apache-2.0 */
/* The token request and its answer: secrets arrive as they are, and nothing but a bearer token is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/token.h"
#include "settings_support.h"
#include "temporary.h"

#define SCOPE "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
#define BEGINNING "grant_type=client_credentials&client_id=" SETTINGS_CLIENT SCOPE "&client_secret="

#define NOW INT64_C(1764000000)

static const struct imd_source *const alerts = &imd_sources[IMD_SOURCE_ALERTS];

/* What the form of a request needs, as judged before. */
static int make_form(struct imd_buffer *form, const struct imd_settings *settings, const struct imd_source *source,
                     struct imd_error *error) {
    struct imd_settings *judged = (struct imd_settings *)settings;
    struct imd_token_request request = {.settings = settings, .source = source, .now = NOW};
    judged->credential = imd_credential_select(settings);
    return imd_token_form(form, &request, error);
}

/* --- the request --- */

static void check_form(const struct imd_settings *settings, const struct imd_source *source, const char *expected) {
    struct imd_buffer form;
    struct imd_error error = {0};
    imd_buffer_init(&form, IMD_TOKEN_ANSWER_MAX);
    assert_int_equal(make_form(&form, settings, source, &error), 0);
    assert_string_equal(form.data, expected);
    assert_int_equal(strlen(expected), form.length);
    imd_buffer_wipe(&form);
}

static void the_endpoint_is_the_tenants(void **state) {
    (void)state;
    struct imd_settings *settings = settings_with("cloud", "gcchigh", NULL);
    struct imd_buffer url;
    imd_buffer_init(&url, 4096);
    assert_true(imd_token_url(&url, settings, alerts));
    assert_string_equal(url.data, "https://login.microsoftonline.us/" SETTINGS_TENANT "/oauth2/v2.0/token");
    imd_buffer_clear(&url);
    settings_put(settings, "loginUrl", "https://proxy.example:8443/login/");
    settings_put(settings, "tenantId", "contoso.example");
    assert_true(imd_token_url(&url, settings, alerts));
    assert_string_equal(url.data, "https://proxy.example:8443/login/contoso.example/oauth2/v2.0/token");
    imd_buffer_free(&url);
    imd_buffer_init(&url, 10);
    assert_false(imd_token_url(&url, settings, alerts));
    imd_buffer_free(&url);
    imd_settings_release(settings);
}

/* Real secrets hold ~ . _ - and may hold anything; '+' unencoded would arrive as a space. */
static void every_byte_of_a_secret_is_encoded(void **state) {
    (void)state;
    struct imd_settings *settings = settings_with("clientSecret", "a8Q~k.-_+/=&% \"'\xc3\xa9", NULL);
    check_form(settings, alerts, BEGINNING "a8Q~k.-_%2B%2F%3D%26%25%20%22%27%C3%A9");
    imd_settings_release(settings);
}

static void the_audience_is_the_clouds_also_behind_a_proxy(void **state) {
    (void)state;
    struct imd_settings *settings = settings_with("cloud", "china", "apiUrl", "https://proxy.example", NULL);
    check_form(settings, alerts,
               "grant_type=client_credentials&client_id=" SETTINGS_CLIENT
               "&scope=https%3A%2F%2Fmicrosoftgraph.chinacloudapi.cn%2F.default&client_secret=sim-secret");
    imd_settings_release(settings);
    settings = settings_with(NULL, NULL);
    check_form(settings, &imd_sources[IMD_SOURCE_ENDPOINT_ALERTS],
               "grant_type=client_credentials&client_id=" SETTINGS_CLIENT
               "&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default&client_secret=sim-secret");
    imd_settings_release(settings);
}

static void a_rotated_secret_file_is_read_anew(void **state) {
    (void)state;
    const char *path = temporary_text("secret", "one~\n");
    struct imd_settings *settings = imd_settings_new();
    struct imd_buffer form;
    struct imd_error error = {0};
    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "clientId", SETTINGS_CLIENT);
    settings_put(settings, "clientSecretFile", path);
    check_form(settings, alerts, BEGINNING "one~");
    temporary_text("secret", "two words\r\n");
    check_form(settings, alerts, BEGINNING "two%20words");
    assert_int_equal(remove(path), 0);
    imd_buffer_init(&form, IMD_TOKEN_ANSWER_MAX);
    assert_int_equal(make_form(&form, settings, alerts, &error), -1);
    assert_string_equal(error.parameter, "clientSecretFile");
    assert_non_null(strstr(error.what, path));
    imd_buffer_wipe(&form);
    imd_settings_release(settings);
    temporary_remove();
}

static void a_form_without_room_is_an_error_without_the_secret(void **state) {
    (void)state;
    struct imd_settings *settings = settings_with("clientSecret", "TheSecret", NULL);
    char text[2048];
    for (size_t room = 0; room < sizeof BEGINNING + 7; room++) {
        struct imd_buffer form;
        struct imd_error error = {0};
        imd_buffer_init(&form, room);
        assert_int_equal(make_form(&form, settings, alerts, &error), -1);
        assert_null(strstr(imd_error_print(&error, NULL, text, sizeof text), "Secret"));
        imd_buffer_wipe(&form);
    }
    imd_settings_release(settings);
}

/* --- the answer --- */

static void check_token(const char *body, const char *authorization, int64_t lifetime, const char *tenant) {
    struct imd_token token;
    struct imd_error error = {0};
    if (imd_token_read(&token, body, strlen(body), NOW, &error) < 0) fail_msg("%s: %s", body, error.what);
    assert_string_equal(token.authorization, authorization);
    assert_int_equal(token.lifetime, lifetime);
    assert_string_equal(token.tenant, tenant);
    imd_token_wipe(&token);
    assert_null(token.authorization);
}

static void refuses(const char *body, const char *what) {
    struct imd_token token;
    struct imd_error error = {0};
    memset(&token, 0xff, sizeof token);
    assert_int_equal(imd_token_read(&token, body, strlen(body), NOW, &error), -1);
    assert_null(token.authorization);
    if (!strstr(error.what, what)) fail_msg("%s: \"%s\" instead of \"%s\"", body, error.what, what);
    assert_true(error.remedy[0]);
}

static void a_bearer_token_with_a_lifetime_is_taken(void **state) {
    (void)state;
    check_token("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,\"access_token\":\"opaque\"}",
                "Authorization: Bearer opaque", 3599, "");
    check_token(" \r\n{\"access_token\":\"o\",\"expires_in\":1,\"token_type\":\"bearer\"}\n", "Authorization: Bearer o",
                1, "");
}

/* Managed identity endpoints and the v1 endpoint write numbers as strings. */
static void a_lifetime_may_be_a_string(void **state) {
    (void)state;
    check_token("{\"token_type\":\"Bearer\",\"expires_in\":\"86399\",\"access_token\":\"x\"}",
                "Authorization: Bearer x", 86399, "");
}

/* Reckoned in milliseconds elsewhere: what nobody can mean must not overflow there. */
static void an_absurd_lifetime_is_capped(void **state) {
    (void)state;
    check_token("{\"token_type\":\"Bearer\",\"expires_in\":9223372036854775807,\"access_token\":\"x\"}",
                "Authorization: Bearer x", IMD_TOKEN_LIFETIME_MAX, "");
}

static void what_is_no_token_is_refused(void **state) {
    (void)state;
    refuses("", "not JSON");
    refuses("<html>", "not JSON");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"x\"", "not JSON");
    refuses("[]", "expires_in");
    refuses("null", "expires_in");
    refuses("{}", "expires_in");
    refuses("{\"token_type\":\"Bearer\",\"access_token\":\"x\"}", "expires_in");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":0,\"access_token\":\"x\"}", "expires_in");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":-5,\"access_token\":\"x\"}", "expires_in");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":\"soon\",\"access_token\":\"x\"}", "expires_in");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":1e400,\"access_token\":\"x\"}", "expires_in");
    refuses("{\"expires_in\":3599,\"access_token\":\"x\"}", "Bearer");
    refuses("{\"token_type\":\"pop\",\"expires_in\":3599,\"access_token\":\"x\"}", "Bearer");
    refuses("{\"token_type\":7,\"expires_in\":3599,\"access_token\":\"x\"}", "Bearer");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":3599}", "access_token");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"\"}", "access_token");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":null}", "access_token");
    refuses("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":[\"x\"]}", "access_token");
}

/* The token becomes a header: a line end in it would begin another one. */
static void a_token_cannot_bring_headers_along(void **state) {
    (void)state;
    static const char *const bad[] = {"x\\r\\nX-Evil: 1", "x\\nHost: y", "x y", "x\\u0000y", "\\u00e9", "x\\t"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"token_type\":\"Bearer\",\"expires_in\":9,\"access_token\":\"%s\"}", bad[i]);
        refuses(body, "access_token");
    }
}

/* --- the tenant in it --- */

static void check_tenant(const char *payload, const char *tenant) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char body[4096] = "{\"token_type\":\"Bearer\",\"expires_in\":60,\"access_token\":\"e30.";
    char *out = body + strlen(body), *token = strstr(body, "e30");
    unsigned value = 0, bits = 0;
    for (const char *c = payload; *c; c++) {
        value = value << 8 | (unsigned char)*c;
        for (bits += 8; bits >= 6; bits -= 6) *out++ = digits[value >> (bits - 6) & 63];
    }
    if (bits) *out++ = digits[value << (6 - bits) & 63];
    snprintf(out, (size_t)(body + sizeof body - out), ".sig\"}");
    char authorization[4096];
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %.*s", (int)strcspn(token, "\""), token);
    check_token(body, authorization, 60, tenant);
}

static void the_claim_tid_is_read_where_it_can_be(void **state) {
    (void)state;
    check_tenant("{\"tid\":\"AAAAAAAA-0000-0000-0000-000000000001\"}", "aaaaaaaa-0000-0000-0000-000000000001");
    check_tenant("{\"aud\":\"\xc3\xbf\xc3\xbe?>~\",\"tid\":\"t\"}", "t"); /* with the digits - and _ */
    check_tenant("{\"sub\":\"x\"}", "");
    check_tenant("{\"tid\":5}", "");
    check_tenant("{\"tid\":null}", "");
    check_tenant("{\"tid\":\"0123456789012345678901234567890123456789012345678901234567890123\"}", "");
    check_tenant("[\"tid\"]", "");
    check_tenant("not json", "");
    check_tenant("", "");
}

/* Tokens are opaque to clients: one that is no readable JWT is as good. */
static void an_unreadable_token_is_taken_all_the_same(void **state) {
    (void)state;
    static const char *const tokens[] = {".",       "..",       "...",      "a.b",
                                         "a.!!!.c", "a.e30=.c", "a.====.c", "a.eyJ0aWQiOiJ0In0"};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        char body[200], authorization[100];
        snprintf(body, sizeof body, "{\"token_type\":\"Bearer\",\"expires_in\":60,\"access_token\":\"%s\"}", tokens[i]);
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", tokens[i]);
        check_token(body, authorization, 60, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_endpoint_is_the_tenants),
        cmocka_unit_test(every_byte_of_a_secret_is_encoded),
        cmocka_unit_test(the_audience_is_the_clouds_also_behind_a_proxy),
        cmocka_unit_test(a_rotated_secret_file_is_read_anew),
        cmocka_unit_test(a_form_without_room_is_an_error_without_the_secret),
        cmocka_unit_test(a_bearer_token_with_a_lifetime_is_taken),
        cmocka_unit_test(a_lifetime_may_be_a_string),
        cmocka_unit_test(an_absurd_lifetime_is_capped),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(a_token_cannot_bring_headers_along),
        cmocka_unit_test(the_claim_tid_is_read_where_it_can_be),
        cmocka_unit_test(an_unreadable_token_is_taken_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
