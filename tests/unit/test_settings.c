/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: defaults, values by name, levels of overriding, and the judgement of a complete tenant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "config/parameters.h"
#include "config/secret.h"
#include "config/settings.h"
#include "temporary.h"

#define TENANT "aaaaaaaa-0000-0000-0000-000000000001"
#define APP "11111111-2222-3333-4444-555555555555"
#define HUSH "hu5h~never+printed/="

static int set(struct imd_settings *settings, const char *name, const char *value, struct imd_error *error) {
    return imd_settings_set(settings, name, &value, 1, error);
}

static void must_set(struct imd_settings *settings, const char *name, const char *value) {
    struct imd_error error;
    if (set(settings, name, value, &error) != 0) fail_msg("%s=%s: %s", name, value, error.what);
}

/* The whole text of an error. */
static const char *told(const struct imd_error *error) {
    static char text[2048];
    return imd_error_print(error, NULL, text, sizeof text);
}

static void assert_tells(const struct imd_error *error, const char *part) {
    if (strstr(told(error), part) == NULL) fail_msg("'%s' does not say '%s'", told(error), part);
}

/* A tenant that is complete. */
static struct imd_settings *complete(void) {
    struct imd_settings *settings = imd_settings_new();
    assert_non_null(settings);
    must_set(settings, "tenantId", TENANT);
    must_set(settings, "tenantName", "Contoso");
    must_set(settings, "clientId", APP);
    must_set(settings, "clientSecretFile", temporary_text("secret", HUSH "\n"));
    return settings;
}

static void assert_refused(struct imd_settings *settings, const char *parameter, const char *part) {
    struct imd_error error = {.what = ""};
    assert_int_equal(imd_settings_check(settings, NULL, &error), -1);
    assert_string_equal(error.parameter, parameter);
    assert_tells(&error, part);
    assert_string_equal(error.tenant, imd_settings_name(settings));
    assert_null(strstr(told(&error), HUSH));
}

/* --- defaults and values --- */

static void new_settings_hold_every_default(void **state) {
    struct imd_settings *settings = imd_settings_new();
    (void)state;

    assert_string_equal(settings->cloud->name, "global");
    assert_int_equal(settings->sources, 1u << IMD_SOURCE_ALERTS);
    assert_int_equal(settings->poll_interval, 60);
    assert_int_equal(settings->overlap, 1800);
    assert_int_equal(settings->reconcile, 86400);
    assert_int_equal(settings->reconcile_interval, 21600);
    assert_int_equal(settings->backfill, 86400);
    assert_int_equal(settings->page_size, 1000);
    assert_int_equal(settings->max_in_flight, 10000);
    assert_int_equal(settings->max_response_size, 64 << 20);
    assert_int_equal(settings->request_timeout, 60);
    assert_int_equal(settings->connect_timeout, 10);
    assert_int_equal(settings->parse_json, IMD_PARSE_JSON_ON);
    assert_int_equal(settings->render, 0);
    assert_int_equal(settings->facility, 16);
    assert_null(settings->tenant_id);
    assert_null(settings->filter);
    for (size_t i = 0; i < 64; i++) assert_false(settings->given[i]);
    imd_settings_release(settings);
}

static void values_are_brought_into_one_form(void **state) {
    struct imd_settings *settings = imd_settings_new();
    const char *sources[] = {"Alerts", "INCIDENTS", "alerts"};
    (void)state;

    must_set(settings, "TENANTID", "AAAAAAAA-0000-0000-0000-000000000001");
    assert_string_equal(settings->tenant_id, TENANT);
    must_set(settings, "tenantId", "Contoso.com");
    assert_string_equal(settings->tenant_id, "Contoso.com");
    must_set(settings, "managedIdentity", "System");
    assert_string_equal(settings->managed_identity, "system");
    must_set(settings, "apiUrl", "https://127.0.0.1:8443//");
    assert_string_equal(settings->api_url, "https://127.0.0.1:8443");
    must_set(settings, "backfill", "7d");
    assert_int_equal(settings->backfill, 604800);
    must_set(settings, "maxResponseSize", "2g");
    assert_int_equal(settings->max_response_size, INT64_C(2147483648));
    must_set(settings, "parseJson", "Summary");
    assert_int_equal(settings->parse_json, IMD_PARSE_JSON_SUMMARY);
    must_set(settings, "cloud", "GCCHIGH");
    assert_string_equal(settings->cloud->name, "gcchigh");
    must_set(settings, "facility", "local3");
    assert_int_equal(settings->facility, 19);
    assert_int_equal(imd_settings_set(settings, "sources", sources, 3, NULL), 0);
    assert_int_equal(settings->sources, 1u << IMD_SOURCE_ALERTS | 1u << IMD_SOURCE_INCIDENTS);
    imd_settings_release(settings);
}

static void a_refused_value_changes_nothing_and_says_what_is_accepted(void **state) {
    static const struct {
        const char *name, *value, *part;
    } wrong[] = {{"pollInterval", "0", "1 to 86400 seconds"},
                 {"pollInterval", "2d", "out of range"},
                 {"pollInterval", "often", "pollInterval 'often' is not valid"},
                 {"backfill", "181d", "0 to 15552000 seconds"},
                 {"maxResponseSize", "1k", "65536 to 2147483648 bytes"},
                 {"pageSize", "10001", "1 to 10000 objects"},
                 {"clientId", "123", "8-4-4-4-12"},
                 {"tenantId", "contoso", "verified domain"},
                 {"tenantId", "common", "names no tenant"},
                 {"cloud", "mars", "one of global, gcc, gcchigh, dod, china"},
                 {"sources", "emails", "one or more of alerts"},
                 {"apiUrl", "http://graph.microsoft.com", "loopback"},
                 {"loginUrl", "login.microsoftonline.com", "https://"},
                 {"tls.cacert", "ca.pem", "absolute path"},
                 {"clientSecretFile", "", "absolute path"},
                 {"tenantName", "a\nb", "control characters"},
                 {"tenantName", "a\xff", "UTF-8"},
                 {"facility", "local9", "local0 or daemon"},
                 {"managedIdentity", "me", "system"},
                 {"parseJson", "yes", "one of on, summary, off"}};
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct imd_settings before = *settings;
        assert_int_equal(set(settings, wrong[i].name, wrong[i].value, &error), -1);
        assert_string_equal(error.parameter, wrong[i].name);
        assert_tells(&error, wrong[i].part);
        assert_memory_equal(settings, &before, sizeof before);
    }
    imd_settings_release(settings);
}

static void one_value_is_wanted_where_there_is_no_list(void **state) {
    struct imd_settings *settings = imd_settings_new();
    const char *two[] = {"30", "60"};
    struct imd_error error;
    (void)state;

    assert_int_equal(imd_settings_set(settings, "pollInterval", two, 2, &error), -1);
    assert_tells(&error, "several values");
    assert_int_equal(imd_settings_set(settings, "pollInterval", two, 0, &error), -1);
    assert_tells(&error, "no value");
    imd_settings_release(settings);
}

static void an_unknown_name_is_told_with_its_nearest(void **state) {
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    (void)state;

    assert_int_equal(set(settings, "clientSecretfil", "x", &error), -1);
    assert_tells(&error, "did you mean 'clientSecretFile'?");
    assert_int_equal(set(settings, "stateFile", "x", &error), -1);
    assert_tells(&error, "module()");
    imd_settings_release(settings);
}

static void no_secret_appears_in_an_error(void **state) {
    static const char *const names[] = {"clientSecret", "clientSecretFile", "proxy", "apiUrl", "tls.cacert", "keyFile"};
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(set(settings, names[i], "http://user:" HUSH "\n@host", &error), -1);
        if (strstr(told(&error), HUSH) != NULL) fail_msg("%s: %s", names[i], told(&error));
    }
    imd_settings_release(settings);
}

static void very_long_values_are_refused(void **state) {
    static char text[10000];
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    (void)state;

    memset(text, 'a', sizeof text - 1);
    assert_int_equal(set(settings, "clientSecret", text, &error), -1);
    text[256] = '\0';
    assert_int_equal(set(settings, "tenantName", text, &error), -1);
    text[255] = '\0';
    assert_int_equal(set(settings, "tenantName", text, &error), 0);
    imd_settings_release(settings);
}

/* --- labels --- */

static void labels_are_added_and_replaced(void **state) {
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    char name[16];
    (void)state;

    assert_int_equal(imd_settings_label(settings, "tier", "gold", &error), 0);
    assert_int_equal(imd_settings_label(settings, "Tier", "", &error), 0); /* names keep their case */
    assert_int_equal(imd_settings_label(settings, "tier", "silver", &error), 0);
    assert_int_equal(settings->label_count, 2);
    assert_string_equal(settings->labels[0].value, "silver");
    assert_int_equal(imd_settings_label(settings, "", "x", &error), -1);
    assert_int_equal(imd_settings_label(settings, "a", "x\ny", &error), -1);
    assert_string_equal(error.parameter, "labels");
    for (int i = 2; i < IMD_LABELS_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(imd_settings_label(settings, name, "v", &error), 0);
    }
    assert_int_equal(imd_settings_label(settings, "onemore", "v", &error), -1);
    assert_int_equal(imd_settings_label(settings, "tier", "bronze", &error), 0);
    imd_settings_release(settings);
}

/* --- levels --- */

static void a_copy_changes_on_its_own(void **state) {
    struct imd_settings *parent = complete(), *child = imd_settings_copy(parent);
    (void)state;

    assert_int_equal(imd_settings_label(child, "tier", "gold", NULL), 0);
    must_set(child, "tenantName", "Fabrikam");
    must_set(child, "pollInterval", "5");
    assert_string_equal(parent->tenant_name, "Contoso");
    assert_int_equal(parent->poll_interval, 60);
    assert_int_equal(parent->label_count, 0);
    assert_ptr_equal(parent->client_id, child->client_id); /* what is common is there once */
    imd_settings_release(parent);
    assert_string_equal(child->client_id, APP);
    imd_settings_release(child);
}

static void an_empty_text_takes_back_what_was_inherited(void **state) {
    struct imd_settings *parent = complete(), *child;
    (void)state;

    must_set(parent, "filter", "severity eq 'high'");
    must_set(parent, "proxy", "http://proxy.example:3128");
    child = imd_settings_copy(parent);
    must_set(child, "filter", "");
    must_set(child, "proxy", "");
    assert_null(child->filter);
    assert_null(child->proxy);
    assert_non_null(parent->filter);
    imd_settings_release(parent);
    imd_settings_release(child);
}

static void a_credential_replaces_an_inherited_one_of_another_kind(void **state) {
    struct imd_settings *parent = complete(), *child = imd_settings_copy(parent), *grandchild;
    (void)state;

    must_set(child, "keyFile", "/k.pem");
    must_set(child, "certificateFile", "/c.pem");
    assert_null(child->client_secret_file);
    assert_string_equal(child->key_file, "/k.pem");
    assert_int_equal(imd_settings_one_credential(child, NULL), 0);
    grandchild = imd_settings_copy(child);
    must_set(grandchild, "clientSecret", HUSH);
    assert_null(grandchild->certificate_file);
    assert_null(grandchild->key_file); /* goes with its certificate */
    assert_int_equal(imd_settings_check(grandchild, NULL, NULL), 0);
    assert_string_equal(parent->client_secret_file, temporary_path("secret"));
    imd_settings_release(parent);
    imd_settings_release(child);
    imd_settings_release(grandchild);
}

static void two_credentials_on_one_level_are_refused(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "clientSecret", HUSH);
    assert_refused(settings, "clientSecret", "two credentials are given, clientSecretFile and clientSecret");
    imd_settings_release(settings);
}

static void shared_settings_live_until_the_last_release(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    assert_ptr_equal(imd_settings_share(settings), settings);
    imd_settings_release(settings);
    assert_string_equal(settings->tenant_name, "Contoso");
    imd_settings_release(settings);
    imd_settings_release(NULL);
}

/* --- judgement --- */

static void a_complete_tenant_is_accepted(void **state) {
    struct imd_settings *settings = complete();
    struct imd_error error = {.what = ""};
    (void)state;

    if (imd_settings_check(settings, NULL, &error) != 0) fail_msg("%s", told(&error));
    assert_int_equal(settings->credential, IMD_CREDENTIAL_SECRET);
    imd_settings_release(settings);
}

static void what_is_missing_is_named(void **state) {
    struct imd_settings *settings = imd_settings_new();
    (void)state;

    assert_refused(settings, "tenantId", "tenantId is missing");
    must_set(settings, "tenantId", TENANT);
    assert_refused(settings, "clientSecretFile", "no credential is given");
    must_set(settings, "clientSecretFile", temporary_text("secret", HUSH));
    assert_refused(settings, "clientId", "clientId is missing");
    must_set(settings, "clientId", APP);
    assert_int_equal(imd_settings_check(settings, NULL, NULL), 0);
    imd_settings_release(settings);
}

static void a_secret_file_that_cannot_be_used_is_refused(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "clientSecretFile", temporary_path("nowhere"));
    assert_refused(settings, "clientSecretFile", "No such file");
    must_set(settings, "clientSecretFile", temporary_text("empty", ""));
    assert_refused(settings, "clientSecretFile", "is empty");
    must_set(settings, "clientSecretFile", temporary_text("newline", "\r\n"));
    assert_refused(settings, "clientSecretFile", "is empty");
    must_set(settings, "clientSecretFile", temporary_folder());
    assert_refused(settings, "clientSecretFile", "not a regular file");
    must_set(settings, "clientSecretFile", temporary_write("zero", "a\0b", 3));
    assert_refused(settings, "clientSecretFile", "0 byte");
    must_set(settings, "clientSecretFile", "/dev/zero");
    assert_refused(settings, "clientSecretFile", "not a regular file");
    assert_int_equal(mkfifo(temporary_path("fifo"), 0600), 0);
    must_set(settings, "clientSecretFile", temporary_path("fifo"));
    assert_refused(settings, "clientSecretFile", "not a regular file");
    imd_settings_release(settings);
}

static void what_a_later_version_brings_is_refused_clearly(void **state) {
    static const char *const parameters[][2] = {{"render", "cef"}};
    (void)state;

    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        struct imd_settings *parent = complete(), *settings = imd_settings_copy(parent);
        must_set(settings, parameters[i][0], parameters[i][1]);
        assert_refused(settings, parameters[i][0], "not supported by this version yet");
        imd_settings_release(parent);
        imd_settings_release(settings);
    }
    struct imd_settings *settings = complete();
    assert_int_equal(imd_settings_set(settings, "sources", NULL, 0, NULL), 0);
    assert_refused(settings, "sources", "sources is empty");
    imd_settings_release(settings);
}

static void the_siem_source_needs_the_region_where_hosts_differ(void **state) {
    (void)state;
    struct imd_settings *settings = complete();
    must_set(settings, "sources", "siem-detections");
    assert_refused(settings, "region", "needs region");
    must_set(settings, "region", "uk");
    assert_int_equal(imd_settings_check(settings, NULL, NULL), 0);
    assert_string_equal(imd_settings_api_url(settings, &imd_sources[IMD_SOURCE_SIEM_DETECTIONS]),
                        "https://wdatp-alertexporter-uk.windows.com");
    imd_settings_release(settings);
    settings = complete();
    must_set(settings, "sources", "siem-detections");
    must_set(settings, "cloud", "gcchigh");
    assert_int_equal(imd_settings_check(settings, NULL, NULL), 0);
    imd_settings_release(settings);
}

static void what_is_expanded_follows_the_source(void **state) {
    (void)state;
    struct imd_settings *settings = complete();
    assert_false(imd_settings_expands(settings, &imd_sources[IMD_SOURCE_ALERTS]));
    assert_false(imd_settings_expands(settings, &imd_sources[IMD_SOURCE_INCIDENTS]));
    assert_true(imd_settings_expands(settings, &imd_sources[IMD_SOURCE_ENDPOINT_ALERTS]));
    must_set(settings, "expandAlerts", "on");
    must_set(settings, "expandEvidence", "off");
    assert_true(imd_settings_expands(settings, &imd_sources[IMD_SOURCE_INCIDENTS]));
    assert_false(imd_settings_expands(settings, &imd_sources[IMD_SOURCE_ENDPOINT_ALERTS]));
    imd_settings_release(settings);
}

static void a_cloud_without_the_source_is_refused(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "cloud", "china");
    assert_refused(settings, "cloud", "cloud 'china' does not offer source 'alerts'");
    imd_settings_release(settings);
}

static void tls_files_must_be_readable_and_paired(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "tls.cacert", temporary_path("nowhere"));
    assert_refused(settings, "tls.cacert", "No such file");
    must_set(settings, "tls.cacert", temporary_text("ca", "pem"));
    must_set(settings, "tls.myprivkey", temporary_text("key", "pem"));
    assert_refused(settings, "tls.mycert", "without its certificate");
    imd_settings_release(settings);
}

struct warnings {
    int count;
    char last[2048];
};

static void take_warning(void *context, enum imd_log_level level, const char *text) {
    struct warnings *warnings = context;
    assert_int_equal(level, IMD_LOG_WARNING);
    snprintf(warnings->last, sizeof warnings->last, "%s", text);
    warnings->count++;
}

static void careless_secrets_are_refused_or_warned_of(void **state) {
    struct warnings warnings = {0};
    struct imd_log log = {&warnings, take_warning};
    struct imd_settings *settings = complete(), *inlined;
    (void)state;

    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 0);
    assert_int_equal(chmod(settings->client_secret_file, 0640), 0); /* root:syslog, say */
    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 0);
    assert_int_equal(chmod(settings->client_secret_file, 0644), 0);
    assert_refused(settings, "clientSecretFile", "every user can read the secret");
    assert_int_equal(chmod(settings->client_secret_file, 0602), 0);
    assert_refused(settings, "clientSecretFile", "every user can replace the secret");
    assert_int_equal(chmod(settings->client_secret_file, 0644), 0);
    must_set(settings, "allowReadableSecrets", "on");
    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.last, "every user can read the secret"));
    inlined = imd_settings_copy(settings);
    must_set(inlined, "clientSecret", HUSH);
    assert_int_equal(imd_settings_check(inlined, &log, NULL), 0);
    assert_int_equal(warnings.count, 2);
    assert_non_null(strstr(warnings.last, "clientSecretFile"));
    assert_null(strstr(warnings.last, HUSH));
    imd_settings_release(settings);
    imd_settings_release(inlined);
}

static void urls_come_from_the_cloud_unless_overridden(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "cloud", "dod");
    assert_string_equal(imd_settings_login_url(settings), "https://login.microsoftonline.us");
    assert_string_equal(imd_settings_api_url(settings, &imd_sources[IMD_SOURCE_ALERTS]),
                        "https://dod-graph.microsoft.us");
    assert_string_equal(imd_settings_api_url(settings, &imd_sources[IMD_SOURCE_ENDPOINT_ALERTS]),
                        "https://api-gov.securitycenter.microsoft.us");
    must_set(settings, "loginUrl", "http://localhost:1/");
    must_set(settings, "apiUrl", "http://localhost:2/");
    assert_string_equal(imd_settings_login_url(settings), "http://localhost:1");
    assert_string_equal(imd_settings_api_url(settings, &imd_sources[IMD_SOURCE_ALERTS]), "http://localhost:2");
    imd_settings_release(settings);
}

static void the_display_name_falls_back_to_the_id(void **state) {
    struct imd_settings *settings = complete();
    (void)state;

    assert_string_equal(imd_settings_name(settings), "Contoso");
    must_set(settings, "tenantName", "");
    assert_string_equal(imd_settings_name(settings), TENANT);
    imd_settings_release(settings);
}

/* --- secrets --- */

static void a_secret_is_read_without_its_line_end(void **state) {
    static const struct {
        const char *bytes, *secret;
    } files[] = {{HUSH, HUSH}, {HUSH "\n", HUSH}, {HUSH "\r\n", HUSH}, {HUSH "\n\n", HUSH "\n"}, {" x ", " x "}};
    struct imd_buffer secret;
    struct imd_error error;
    (void)state;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = temporary_text("secret", files[i].bytes);
        assert_int_equal(imd_secret_read(path, IMD_SECRET_PRIVATE, IMD_SECRET_MAX, &secret, &error), 0);
        assert_string_equal(secret.data, files[i].secret);
        imd_buffer_wipe(&secret);
    }
}

static void a_secret_has_a_largest_size(void **state) {
    static char bytes[IMD_SECRET_MAX + 1];
    struct imd_buffer secret;
    struct imd_error error;
    (void)state;

    memset(bytes, 'x', sizeof bytes);
    const char *path = temporary_write("large", bytes, sizeof bytes - 1);
    assert_int_equal(imd_secret_read(path, IMD_SECRET_PRIVATE, SIZE_MAX, &secret, &error), 0);
    assert_int_equal(secret.length, IMD_SECRET_MAX);
    imd_buffer_wipe(&secret);
    assert_int_equal(imd_secret_read(path, IMD_SECRET_PRIVATE, 100, &secret, &error), -1);
    imd_buffer_wipe(&secret);
    path = temporary_write("large", bytes, sizeof bytes);
    assert_int_equal(imd_secret_read(path, IMD_SECRET_PRIVATE, SIZE_MAX, &secret, &error), -1);
    assert_tells(&error, "larger than 65536 bytes");
    imd_buffer_wipe(&secret);
    assert_int_equal(imd_secret_read("/proc/self/maps", IMD_SECRET_ANY_MODE, 100, &secret, &error), -1); /* says it has 0 bytes */
    imd_buffer_wipe(&secret);
}

static int clean_up(void **state) {
    (void)state;
    temporary_remove();
    return 0;
}

static void what_a_source_cannot_do_is_warned_of(void **state) {
    struct warnings warnings = {0};
    struct imd_log log = {&warnings, take_warning};
    struct imd_settings *settings = complete();
    (void)state;

    must_set(settings, "sources", "endpoint-alerts");
    must_set(settings, "requestBudget", "80");
    must_set(settings, "pollInterval", "3");
    must_set(settings, "filter", "severity eq 'high'");
    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 0);
    must_set(settings, "pollInterval", "2");
    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.last, "quota of source 'endpoint-alerts': 1200 requests an hour"));
    must_set(settings, "sources", "siem-detections");
    must_set(settings, "region", "eu");
    assert_int_equal(imd_settings_check(settings, &log, NULL), 0);
    assert_int_equal(warnings.count, 2);
    assert_non_null(strstr(warnings.last, "'siem-detections' knows no filter"));
    imd_settings_release(settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_settings_hold_every_default),
        cmocka_unit_test(values_are_brought_into_one_form),
        cmocka_unit_test(a_refused_value_changes_nothing_and_says_what_is_accepted),
        cmocka_unit_test(one_value_is_wanted_where_there_is_no_list),
        cmocka_unit_test(an_unknown_name_is_told_with_its_nearest),
        cmocka_unit_test(no_secret_appears_in_an_error),
        cmocka_unit_test(very_long_values_are_refused),
        cmocka_unit_test(labels_are_added_and_replaced),
        cmocka_unit_test(a_copy_changes_on_its_own),
        cmocka_unit_test(an_empty_text_takes_back_what_was_inherited),
        cmocka_unit_test(a_credential_replaces_an_inherited_one_of_another_kind),
        cmocka_unit_test(two_credentials_on_one_level_are_refused),
        cmocka_unit_test(shared_settings_live_until_the_last_release),
        cmocka_unit_test(a_complete_tenant_is_accepted),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_secret_file_that_cannot_be_used_is_refused),
        cmocka_unit_test(what_a_later_version_brings_is_refused_clearly),
        cmocka_unit_test(the_siem_source_needs_the_region_where_hosts_differ),
        cmocka_unit_test(what_is_expanded_follows_the_source),
        cmocka_unit_test(a_cloud_without_the_source_is_refused),
        cmocka_unit_test(tls_files_must_be_readable_and_paired),
        cmocka_unit_test(careless_secrets_are_refused_or_warned_of),
        cmocka_unit_test(what_a_source_cannot_do_is_warned_of),
        cmocka_unit_test(urls_come_from_the_cloud_unless_overridden),
        cmocka_unit_test(the_display_name_falls_back_to_the_id),
        cmocka_unit_test(a_secret_is_read_without_its_line_end),
        cmocka_unit_test(a_secret_has_a_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
