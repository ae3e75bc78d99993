/* SPDX-License-Identifier: Apache-2.0 */
/* The table of credentials: which parameters select a kind, what it needs, and the fields it adds to a token request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "api/credential.h"
#include "api/token.h"
#include "certificate_support.h"
#include "config/parameters.h"
#include "settings_support.h"
#include "temporary.h"

#define DAY 86400L
#define APP "&client_id=" SETTINGS_CLIENT
#define GRAPH "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
#define ASSERTION "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="

static struct imd_settings *tenant(void) {
    struct imd_settings *settings = imd_settings_new();
    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "clientId", SETTINGS_CLIENT);
    return settings;
}

static void must_check(struct imd_settings *settings) {
    struct imd_error error = {.what = ""};
    if (imd_settings_check(settings, NULL, &error) != 0) fail_msg("%s: %s", error.parameter, error.what);
}

static void must_refuse(struct imd_settings *settings, const char *parameter, const char *part) {
    struct imd_error error = {.what = ""};
    assert_int_equal(imd_settings_check(settings, NULL, &error), -1);
    if (strstr(error.what, part) == NULL) fail_msg("'%s' does not say '%s'", error.what, part);
    assert_string_equal(error.parameter, parameter);
    imd_settings_release(settings);
}

/* The form, which must begin like this; the rest of it. */
static const char *form_after(struct imd_token_request *request, const char *beginning) {
    static char rest[8192];
    struct imd_buffer form;
    struct imd_error error = {.what = ""};

    imd_buffer_init_secret(&form, IMD_TOKEN_ANSWER_MAX);
    if (imd_token_form(&form, request, &error) != 0) fail_msg("%s", error.what);
    if (strncmp(form.data, beginning, strlen(beginning)) != 0) fail_msg("'%s' does not begin '%s'", form.data, beginning);
    strncpy(rest, form.data + strlen(beginning), sizeof rest - 1);
    imd_buffer_wipe(&form);
    return rest;
}

static struct imd_token_request request_of(const struct imd_settings *settings) {
    return (struct imd_token_request){
        .settings = settings, .source = &imd_sources[IMD_SOURCE_ALERTS], .now = (int64_t)time(NULL)};
}

/* --- the table --- */

static void every_kind_is_described_and_its_parameters_exist(void **state) {
    (void)state;
    for (int i = 0; i < IMD_CREDENTIAL_COUNT; i++) {
        const struct imd_credential_kind *kind = &imd_credential_kinds[i];
        assert_non_null(kind->name);
        assert_non_null(kind->refused);
        assert_non_null(kind->remedy);
        assert_string_equal(imd_credential_name((enum imd_credential)i), kind->name);
        assert_int_equal(kind->add_fields == NULL, i == IMD_CREDENTIAL_NONE);
        for (int p = 0; p < 2; p++) {
            if (kind->parameters[p] != NULL) assert_true(imd_parameter_find(kind->parameters[p])->available);
        }
    }
}

static void the_parameters_select_the_kind(void **state) {
    static const struct {
        const char *name, *value;
        enum imd_credential kind;
    } rows[] = {{"clientSecret", "x", IMD_CREDENTIAL_SECRET},        {"clientSecretFile", "/s", IMD_CREDENTIAL_SECRET},
                {"certificateFile", "/c", IMD_CREDENTIAL_CERTIFICATE}, {"federatedTokenFile", "/f", IMD_CREDENTIAL_FEDERATED},
                {"managedIdentity", "system", IMD_CREDENTIAL_MANAGED}, {"refreshTokenFile", "/r", IMD_CREDENTIAL_REFRESH}};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct imd_settings *settings = tenant();
        assert_int_equal(imd_credential_select(settings), IMD_CREDENTIAL_NONE);
        settings_put(settings, rows[i].name, rows[i].value);
        assert_int_equal(imd_credential_select(settings), rows[i].kind);
        imd_settings_release(settings);
    }
}

static void every_cloud_has_an_audience_for_what_it_offers(void **state) {
    (void)state;
    for (const struct imd_cloud *cloud = imd_clouds; cloud->name != NULL; cloud++) {
        struct imd_settings *settings = tenant();
        settings_put(settings, "cloud", cloud->name);
        for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
            if ((cloud->missing_sources & 1u << i) != 0) continue;
            const char *audience = imd_credential_audience(settings, &imd_sources[i]);
            assert_non_null(audience);
            assert_memory_equal(audience, "https://", 8);
        }
        assert_memory_equal(cloud->federation_audience, "api://AzureADTokenExchange", 26);
        imd_settings_release(settings);
    }
}

/* --- the fields --- */

static void a_certificate_sends_an_assertion_for_the_very_endpoint(void **state) {
    EVP_PKEY *key = certificate_key("RSA", 2048);
    struct imd_settings *settings = tenant();
    (void)state;

    settings_put(settings, "certificateFile", certificate_write_both("both.pem", key, -DAY, DAY));
    must_check(settings);
    struct imd_token_request request = request_of(settings);
    const char *assertion = form_after(&request, "grant_type=client_credentials" APP GRAPH ASSERTION);
    assert_memory_equal(assertion, "eyJ", 3);
    assert_in_range(request.certificate_expires, request.now + DAY - 5, request.now + DAY + 5);
    EVP_PKEY_free(key);
    imd_settings_release(settings);
}

static void a_federated_token_is_read_anew_each_time(void **state) {
    const char *path = temporary_text("federated", "eyJ.one.x\n");
    struct imd_settings *settings = tenant();
    (void)state;

    assert_int_equal(chmod(path, 0644), 0); /* as kubelet leaves it, and it is good for an hour */
    settings_put(settings, "federatedTokenFile", path);
    must_check(settings);
    struct imd_token_request request = request_of(settings);
    assert_string_equal(form_after(&request, "grant_type=client_credentials" APP GRAPH ASSERTION), "eyJ.one.x");
    temporary_text("federated", "eyJ.two.x");
    assert_string_equal(form_after(&request, "grant_type=client_credentials" APP GRAPH ASSERTION), "eyJ.two.x");
    imd_settings_release(settings);
}

static void a_managed_identity_proves_the_app_by_its_token(void **state) {
    struct imd_settings *settings = tenant();
    (void)state;

    settings_put(settings, "managedIdentity", "22222222-2222-3333-4444-555555555555");
    must_check(settings);
    assert_true(imd_credential_is_federated_identity(settings));
    struct imd_token_request request = request_of(settings);
    request.assertion = "eyJ.identity.x";
    assert_string_equal(form_after(&request, "grant_type=client_credentials" APP GRAPH ASSERTION), "eyJ.identity.x");
    imd_settings_release(settings);
}

static void a_refresh_token_goes_with_or_without_a_secret_of_the_app(void **state) {
    struct imd_settings *settings = tenant();
    (void)state;

    settings_put(settings, "refreshTokenFile", temporary_text("refresh", "0.first"));
    must_check(settings);
    struct imd_token_request request = request_of(settings);
    request.refresh_token = "0.AX+/=";
    assert_string_equal(form_after(&request, "grant_type=refresh_token" APP GRAPH "%20offline_access"),
                        "&refresh_token=0.AX%2B%2F%3D");
    settings_put(settings, "clientSecretFile", temporary_text("secret", "hush"));
    must_check(settings);
    assert_int_equal(settings->credential, IMD_CREDENTIAL_REFRESH);
    assert_string_equal(form_after(&request, "grant_type=refresh_token" APP GRAPH "%20offline_access"),
                        "&refresh_token=0.AX%2B%2F%3D&client_secret=hush");
    imd_settings_release(settings);
}

/* The SIEM API is older than v2 of the platform: a resource in place of a scope, and another endpoint. */
static void the_siem_api_gets_its_token_from_v1(void **state) {
    struct imd_settings *settings = tenant();
    struct imd_buffer url;
    (void)state;

    settings_put(settings, "clientSecretFile", temporary_text("secret", "hush"));
    must_check(settings);
    struct imd_token_request request = request_of(settings);
    request.source = &imd_sources[IMD_SOURCE_SIEM_DETECTIONS];
    assert_string_equal(form_after(&request, "grant_type=client_credentials" APP), "&resource=https%3A%2F%2Fgraph.windows.net"
                                                                                   "&client_secret=hush");
    imd_buffer_init(&url, 1000);
    assert_true(imd_token_url(&url, settings, request.source));
    assert_string_equal(url.data, "https://login.microsoftonline.com/" SETTINGS_TENANT "/oauth2/token");
    imd_buffer_free(&url);
    imd_settings_release(settings);
}

/* --- what does not go together --- */

static void what_a_kind_lacks_is_told(void **state) {
    struct imd_settings *settings = imd_settings_new();
    (void)state;

    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "federatedTokenFile", temporary_text("federated", "x"));
    must_refuse(settings, "clientId", "clientId is missing");
    settings = imd_settings_new();
    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "managedIdentity", "system"); /* needs none */
    must_check(settings);
    assert_false(imd_credential_is_federated_identity(settings));
    imd_settings_release(settings);
    settings = tenant();
    settings_put(settings, "managedIdentity", "system");
    must_refuse(settings, "managedIdentity", "system-assigned identity cannot be the federated credential");
    settings = tenant();
    settings_put(settings, "clientSecret", "x");
    settings_put(settings, "keyPassphraseFile", "/p");
    must_refuse(settings, "certificateFile", "without its certificate");
    settings = tenant();
    settings_put(settings, "clientSecret", "x");
    settings_put(settings, "proxyCredentialsFile", temporary_text("proxy", "user:word"));
    must_refuse(settings, "proxyCredentialsFile", "without proxy");
}

static void two_proofs_of_one_app_are_refused(void **state) {
    struct imd_settings *settings = tenant();
    (void)state;

    settings_put(settings, "federatedTokenFile", temporary_text("federated", "x"));
    settings_put(settings, "clientSecret", "x");
    must_refuse(settings, "federatedTokenFile", "two credentials are given, clientSecret and federatedTokenFile");
    settings = tenant();
    settings_put(settings, "refreshTokenFile", temporary_text("refresh", "x"));
    settings_put(settings, "managedIdentity", "22222222-2222-3333-4444-555555555555");
    must_refuse(settings, "refreshTokenFile", "two credentials");
}

static void a_certificate_is_judged_with_the_configuration(void **state) {
    EVP_PKEY *key = certificate_key("RSA", 2048), *other = certificate_key("RSA", 2048);
    struct imd_settings *settings = tenant();
    (void)state;

    settings_put(settings, "certificateFile", certificate_write("app.crt", key, -DAY, DAY));
    settings_put(settings, "keyFile", certificate_write_key("other.key", other, NULL));
    must_refuse(settings, "keyFile", "does not belong");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    temporary_remove();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_described_and_its_parameters_exist),
        cmocka_unit_test(the_parameters_select_the_kind),
        cmocka_unit_test(every_cloud_has_an_audience_for_what_it_offers),
        cmocka_unit_test(a_certificate_sends_an_assertion_for_the_very_endpoint),
        cmocka_unit_test(a_federated_token_is_read_anew_each_time),
        cmocka_unit_test(a_managed_identity_proves_the_app_by_its_token),
        cmocka_unit_test(a_refresh_token_goes_with_or_without_a_secret_of_the_app),
        cmocka_unit_test(the_siem_api_gets_its_token_from_v1),
        cmocka_unit_test(what_a_kind_lacks_is_told),
        cmocka_unit_test(two_proofs_of_one_app_are_refused),
        cmocka_unit_test(a_certificate_is_judged_with_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
