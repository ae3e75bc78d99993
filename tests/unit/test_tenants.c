/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants file: what is read, how levels combine, and that each mistake is told with its line, tenant and
 * parameter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buffer.h"
#include "config/tenants.h"
#include "growth.h"
#include "temporary.h"

#define APP "11111111-2222-3333-4444-555555555555"
#define ID(n) "aaaaaaaa-0000-0000-0000-00000000000" #n

/* In the texts below @S stands for a secret file that is fine, @C for lines that make a tenant complete. */
static const char *file_of(const char *text) {
    struct imd_buffer bytes;
    const char *path = temporary_text("secret", "hush\n");

    imd_buffer_init(&bytes, 1 << 20);
    for (const char *p = text; *p != '\0'; p++) {
        bool done;
        if (strncmp(p, "@S", 2) == 0) {
            done = imd_buffer_add_text(&bytes, path);
            p++;
        } else if (strncmp(p, "@C", 2) == 0) {
            done = imd_buffer_print(&bytes, "{ clientId: " APP ", clientSecretFile: %s }", path);
            p++;
        } else {
            done = imd_buffer_add_char(&bytes, *p);
        }
        assert_true(done);
    }
    const char *file = temporary_text("tenants.yaml", bytes.data == NULL ? "" : bytes.data);
    imd_buffer_free(&bytes);
    return file;
}

static struct imd_tenants *load(const char *text) {
    struct imd_settings *input = imd_settings_new();
    struct imd_tenants *tenants = NULL;
    struct imd_error error;
    char told[2048];

    if (imd_tenants_load(file_of(text), input, NULL, &tenants, &error) != 0) {
        fail_msg("refused: %s", imd_error_print(&error, NULL, told, sizeof told));
    }
    imd_settings_release(input);
    return tenants;
}

/* Loads a file with a mistake and compares where and what is told; NULL and 0 are not compared. */
static void assert_mistake(const char *text, unsigned line, const char *tenant, const char *parameter,
                           const char *part) {
    struct imd_settings *input = imd_settings_new();
    struct imd_tenants *tenants = (struct imd_tenants *)&tenants;
    struct imd_error error = {.what = ""};
    char told[2048];

    if (imd_tenants_load(file_of(text), input, NULL, &tenants, &error) == 0) fail_msg("accepted:\n%s", text);
    imd_error_print(&error, NULL, told, sizeof told);
    assert_ptr_equal(tenants, &tenants);
    if (strstr(told, part) == NULL) fail_msg("'%s' does not say '%s'", told, part);
    if (strcmp(error.file, temporary_path("tenants.yaml")) != 0) fail_msg("no file: %s", told);
    if (line != 0 && error.line != line) fail_msg("expected line %u: %s", line, told);
    if (tenant != NULL && strcmp(error.tenant, tenant) != 0) fail_msg("expected tenant %s: %s", tenant, told);
    if (parameter != NULL && strcmp(error.parameter, parameter) != 0) fail_msg("expected %s: %s", parameter, told);
    imd_settings_release(input);
}

/* --- what is read --- */

static void the_file_of_the_documentation_is_read(void **state) {
    struct imd_tenants *tenants = load(
        "defaults:\n"
        "  clientId: " APP "\n"
        "  clientSecretFile: @S\n"
        "tenants:\n"
        "  - tenantId: AAAAAAAA-0000-0000-0000-000000000001\n"
        "    tenantName: Contoso\n"
        "    labels: { customer: \"4711\", tier: gold }\n"
        "  - tenantId: " ID(2) "\n"
        "    tenantName: Fabrikam\n"
        "    cloud: gcchigh\n"
        "    sources: [alerts]\n"
        "    pollInterval: 30\n");
    const struct imd_settings *contoso = tenants->items[0], *fabrikam = tenants->items[1];
    (void)state;

    assert_int_equal(tenants->count, 2);
    assert_string_equal(contoso->tenant_id, ID(1));
    assert_string_equal(contoso->tenant_name, "Contoso");
    assert_int_equal(contoso->label_count, 2);
    assert_string_equal(contoso->labels[0].name, "customer");
    assert_string_equal(contoso->labels[0].value, "4711");
    assert_int_equal(contoso->poll_interval, 60);
    assert_int_equal(contoso->line, 5);
    assert_string_equal(contoso->file, temporary_path("tenants.yaml"));
    assert_int_equal(contoso->credential, IMD_CREDENTIAL_SECRET);
    assert_string_equal(fabrikam->cloud->name, "gcchigh");
    assert_int_equal(fabrikam->poll_interval, 30);
    assert_int_equal(fabrikam->label_count, 0);
    assert_ptr_equal(fabrikam->client_id, contoso->client_id);
    imd_tenants_free(tenants);
}

static void tenants_override_defaults_and_defaults_override_the_input(void **state) {
    struct imd_settings *input = imd_settings_new();
    const char *poll = "10", *overlap = "11m", *backfill = "12h";
    struct imd_tenants *tenants = NULL;
    (void)state;

    assert_int_equal(imd_settings_set(input, "pollInterval", &poll, 1, NULL), 0);
    assert_int_equal(imd_settings_set(input, "overlap", &overlap, 1, NULL), 0);
    assert_int_equal(imd_settings_set(input, "backfill", &backfill, 1, NULL), 0);
    const char *file = file_of(
        "tenants:\n" /* the order of the two does not matter */
        "- { tenantId: " ID(1) ", overlap: 31m, labels: { tier: gold } }\n"
        "defaults: { clientId: " APP ", clientSecretFile: @S, overlap: 21m, backfill: 22h,\n"
        "            labels: { tier: none, region: eu } }\n");
    assert_int_equal(imd_tenants_load(file, input, NULL, &tenants, NULL), 0);
    const struct imd_settings *tenant = tenants->items[0];
    assert_int_equal(tenant->poll_interval, 10);
    assert_int_equal(tenant->overlap, 31 * 60);
    assert_int_equal(tenant->backfill, 22 * 3600);
    assert_int_equal(tenant->label_count, 2);
    assert_string_equal(tenant->labels[0].value, "gold");
    assert_string_equal(tenant->labels[1].value, "eu");
    assert_int_equal(input->overlap, 11 * 60);
    imd_tenants_free(tenants);
    imd_settings_release(input);
}

static void all_notations_of_yaml_are_read(void **state) {
    struct imd_tenants *tenants = load(
        "\xEF\xBB\xBF%YAML 1.1\n"
        "---\n"
        "# comment\n"
        "defaults: {\"clientId\": '" APP "', ? clientSecretFile : \"@S\"}\n"
        "tenants:\n"
        "- tenantId: !!str " ID(1) "\n"
        "  tenantName: >-\n"
        "    Bücher\n"
        "    & Co\n"
        "  sources: alerts\n"
        "  parseJson: off\n"
        "  filter: 'severity eq ''high'''\n"
        "  labels:\n"
        "    empty:\n"
        "    yes: no\n"
        "- &anchor {TENANTID: contoso.com, labels: }\n"
        "...\n");
    (void)state;

    assert_int_equal(tenants->count, 2);
    assert_string_equal(tenants->items[0]->tenant_name, "Bücher & Co");
    assert_string_equal(tenants->items[0]->filter, "severity eq 'high'");
    assert_int_equal(tenants->items[0]->parse_json, IMD_PARSE_JSON_OFF);
    assert_string_equal(tenants->items[0]->labels[0].value, "");
    assert_string_equal(tenants->items[0]->labels[1].value, "no");
    assert_string_equal(tenants->items[1]->tenant_id, "contoso.com");
    imd_tenants_free(tenants);
}

static void a_tenant_s_credential_replaces_that_of_the_defaults(void **state) {
    struct imd_tenants *tenants = load("defaults: @C\n"
                                       "tenants:\n"
                                       "- tenantId: " ID(1) "\n"
                                       "  clientSecret: its-own\n"
                                       "- tenantId: " ID(2) "\n");
    (void)state;

    assert_null(tenants->items[0]->client_secret_file);
    assert_string_equal(tenants->items[0]->client_secret, "its-own");
    assert_non_null(tenants->items[1]->client_secret_file);
    assert_null(tenants->items[1]->client_secret);
    imd_tenants_free(tenants);
}

/* --- mistakes in the file as a whole --- */

static void an_empty_file_is_refused(void **state) {
    static const char *const texts[] = {"", "\n\n", "# nothing but a comment\n", "---\n", "---\n...\n", "~\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_mistake(texts[i], 0, "", NULL, "the tenants file is empty");
    }
}

static void a_file_without_tenants_is_refused(void **state) {
    static const char *const texts[] = {"tenants:\n", "tenants: []\n", "defaults: @C\n", "{}\n", "tenants: ~\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_mistake(texts[i], 0, "", NULL, "the tenants file holds no tenant");
    }
}

static void a_missing_or_odd_file_is_refused(void **state) {
    struct imd_settings *input = imd_settings_new();
    struct imd_tenants *tenants;
    struct imd_error error;
    (void)state;

    assert_int_equal(imd_tenants_load(temporary_path("nowhere"), input, NULL, &tenants, &error), -1);
    assert_string_equal(error.parameter, "tenantsFile");
    assert_non_null(strstr(error.what, "No such file"));
    assert_int_equal(imd_tenants_load(temporary_folder(), input, NULL, &tenants, &error), -1);
    assert_non_null(strstr(error.what, "not a regular file"));
    assert_int_equal(imd_tenants_load("/dev/zero", input, NULL, &tenants, &error), -1);
    const char *large = temporary_text("large", "");
    assert_int_equal(truncate(large, (off_t)IMD_TENANTS_FILE_MAX + 1), 0);
    assert_int_equal(imd_tenants_load(large, input, NULL, &tenants, &error), -1);
    assert_non_null(strstr(error.what, "larger than 67108864 bytes"));
    imd_settings_release(input);
}

static void bad_yaml_is_told_with_its_line(void **state) {
    (void)state;
    assert_mistake("tenants:\n- tenantId: [a, b\n", 3, "", NULL, "not valid YAML");
    assert_mistake("tenants:\n- tenantId: " ID(1) "\n tenantName: x\n", 3, "", NULL, "not valid YAML");
    assert_mistake("tenants:\n\t- tenantId: x\n", 2, "", NULL, "not valid YAML");
    assert_mistake("tenants:\n- tenantName: \"never closed\n", 0, "", NULL, "not valid YAML");
    assert_mistake("tenants:\n- tenantName: \xff\n", 2, "", NULL, "UTF-8");
    assert_mistake("tenants:\n- tenantName: a\x01\n", 0, "", NULL, "control characters");
    assert_mistake("tenants:\n- tenantName: \"a\\0b\"\n", 2, "", NULL, "0 byte");
}

static void the_shape_of_the_file_is_fixed(void **state) {
    (void)state;
    assert_mistake("- tenantId: " ID(1) "\n", 1, "", NULL, "not a mapping");
    assert_mistake("just text\n", 1, "", NULL, "not a mapping");
    assert_mistake("tenants: { a: b }\n", 1, "", NULL, "a list is expected");
    assert_mistake("tenants:\n- " ID(1) "\n", 2, "", NULL, "not a mapping of names to values");
    assert_mistake("defaults: [a]\ntenants: []\n", 1, "", NULL, "names with values are expected");
    assert_mistake("tenant:\n- tenantId: x\n", 1, "", "tenant", "did you mean 'tenants'?");
    assert_mistake("clientId: " APP "\ntenants: []\n", 1, "", "clientId", "indent it below 'defaults:'");
    assert_mistake("colour: red\n", 1, "", "colour", "two keys defaults and tenants");
    assert_mistake("tenants: []\ndefaults: {}\ntenants: []\n", 3, "", NULL, "given twice, first in line 1");
    assert_mistake("tenants: []\n---\ntenants: []\n", 2, "", NULL, "second YAML document");
    assert_mistake("? [a]\n: b\n", 1, "", NULL, "a key is not plain text");
}

static void nothing_is_expanded_or_nested(void **state) {
    (void)state;
    assert_mistake("defaults: &d\n  clientId: " APP "\ntenants:\n- *d\n", 4, "", NULL, "aliases");
    assert_mistake("tenants:\n- tenantId: &x " ID(1) "\n  tenantName: *x\n", 3, "", NULL, "aliases");
    assert_mistake("defaults: {}\ntenants:\n- <<: *d\n", 3, "", NULL, "aliases");
    assert_mistake("tenants:\n- tenantId: !include x\n", 2, "", NULL, "tags");
    assert_mistake("tenants:\n- labels: { a: { b: c } }\n", 2, "", NULL, "nested too deep");
    assert_mistake("tenants:\n- sources: [[alerts]]\n", 2, "", NULL, "nested too deep");
    assert_mistake("defaults:\n  labels: { a: [b] }\n", 2, "", NULL, "inside another");
}

static void deep_nesting_and_long_values_are_bounded(void **state) {
    static char text[200000];
    (void)state;

    memset(text, '[', sizeof text - 1);
    memcpy(text, "tenants: ", 9);
    assert_mistake(text, 1, "", NULL, "");
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "tenants: [{tenantName: ", 23);
    memcpy(text + sizeof text - 4, "}]\n", 3);
    assert_mistake(text, 1, "", NULL, "longer than 8192 bytes");
}

/* --- mistakes in a mapping --- */

static void a_mistake_in_a_tenant_is_told_with_tenant_line_and_parameter(void **state) {
    static const char head[] =
        "defaults: @C\ntenants:\n- tenantId: " ID(1) "\n- tenantName: Fabrikam\n  tenantId: " ID(2);
    static const struct {
        const char *lines;
        unsigned line;
        const char *parameter, *part;
    } mistakes[] = {
        {"  clientSecretfil: /x\n", 6, "clientSecretfil", "did you mean 'clientSecretFile'?"},
        {"  label: { a: b }\n", 6, "label", "did you mean 'labels'?"},
        {"  colour: red\n", 6, "colour", "unknown key 'colour'"},
        {"  stateFile: /x\n", 6, "stateFile", "module()"},
        {"  ruleset: x\n", 6, "ruleset", "input()"},
        {"  clientId: 1234\n", 6, "clientId", "'1234' is not valid"},
        {"  pollInterval: 10\n  POLLINTERVAL: 20\n", 7, "POLLINTERVAL", "given twice, first in line 6"},
        {"  pollInterval:\n", 6, "pollInterval", "has no value"},
        {"  pollInterval: [1]\n", 6, "pollInterval", "does not take a list"},
        {"  pollInterval: { a: b }\n", 6, "pollInterval", "does not take a mapping"},
        {"  pollInterval: 2d\n", 6, "pollInterval", "1 to 86400 seconds"},
        {"  cloud: mars\n", 6, "cloud", "gcchigh"},
        {"  sources: [alerts, mails]\n", 6, "sources", "mails"},
        {"  sources: []\n", 6, "sources", "sources is empty"},
        {"  sources: [siem-detections]\n", 4, "region", "needs region"},
        {"  certificateFile: /c\n", 6, "certificateFile", "No such file"},
        {"  overlap: 1h\n  clientSecretFile: /nonexistent\n", 7, "clientSecretFile", "No such file"},
        {"  clientSecret: a\n  clientSecretFile: @S\n", 6, "clientSecret", "two credentials"},
        {"  apiUrl: http://graph.microsoft.com\n", 6, "apiUrl", "loopback"},
        {"  labels: gold\n", 6, "labels", "not a mapping"},
        {"  labels:\n    a: b\n    a: c\n", 8, "labels", "'a' is given twice, first in line 7"},
        {"  labels: { \"\": b }\n", 6, "labels", "name of a label"},
    };
    char text[1024];
    (void)state;

    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        snprintf(text, sizeof text, "%s\n%s", head, mistakes[i].lines);
        assert_mistake(text, mistakes[i].line, "Fabrikam", mistakes[i].parameter, mistakes[i].part);
    }
}

static void a_tenant_is_named_by_its_id_where_it_has_no_name(void **state) {
    (void)state;
    assert_mistake("tenants:\n- pollInterval: x\n  tenantId: " ID(1) "\n", 2, ID(1), "pollInterval", "not valid");
    assert_mistake("defaults: @C\ntenants:\n- { tenantId: 123 }\n", 3, "123", "tenantId", "verified domain");
    assert_mistake("defaults: @C\ntenants:\n\n- overlap: 1m\n", 4, "", "tenantId", "tenantId is missing");
}

static void what_a_tenant_lacks_is_told_at_its_line(void **state) {
    (void)state;
    assert_mistake("tenants:\n\n- tenantId: " ID(1) "\n", 3, ID(1), "clientSecretFile", "no credential");
    assert_mistake("tenants:\n- tenantId: " ID(1) "\n  clientSecretFile: @S\n", 2, ID(1), "clientId", "missing");
}

static void mistakes_in_defaults_are_told(void **state) {
    (void)state;
    assert_mistake("defaults:\n  tenantId: " ID(1) "\n", 2, "", "tenantId", "cannot stand in defaults");
    assert_mistake("defaults:\n  clientSecret: a\n  clientSecretFile: @S\n", 2, "", "clientSecret", "two credentials");
    assert_mistake("defaults:\n  overlap: x\n", 2, "", "overlap", "not valid");
    assert_mistake("defaults:\n  clientSecretFile: /nonexistent\n  clientId: " APP
                   "\ntenants:\n- tenantId: " ID(1) "\n",
                   2, ID(1), "clientSecretFile", "No such file");
}

static void a_source_of_a_tenant_occurs_once(void **state) {
    (void)state;
    assert_mistake("defaults: @C\ntenants:\n- tenantId: " ID(1) "\n- tenantId: AAAAAAAA-0000-0000-0000-000000000001\n",
                   4, ID(1), "tenantId", "has source 'alerts' twice, first in line 3");
    assert_mistake("defaults: @C\ntenants:\n- tenantId: contoso.com\n- tenantId: Contoso.COM\n", 4, "Contoso.COM",
                   "tenantId", "twice, first in line 3");
}

static void no_inline_secret_appears_in_an_error(void **state) {
    struct imd_settings *input = imd_settings_new();
    struct imd_tenants *tenants;
    struct imd_error error;
    char told[2048];
    (void)state;

    const char *file = file_of("tenants:\n- tenantId: x\n  clientSecret: [hu5h]\n");
    assert_int_equal(imd_tenants_load(file, input, NULL, &tenants, &error), -1);
    assert_null(strstr(imd_error_print(&error, NULL, told, sizeof told), "hu5h"));
    file = file_of("tenants:\n- clientSecret: \"hu5h\\u0007\"\n");
    assert_int_equal(imd_tenants_load(file, input, NULL, &tenants, &error), -1);
    assert_null(strstr(imd_error_print(&error, NULL, told, sizeof told), "hu5h"));
    imd_settings_release(input);
}

/* --- beside the file --- */

static void a_tenant_beside_the_file_is_refused(void **state) {
    struct imd_settings *input = imd_settings_new();
    const char *id = ID(1);
    struct imd_tenants *tenants;
    struct imd_error error;
    (void)state;

    assert_int_equal(imd_settings_set(input, "tenantId", &id, 1, NULL), 0);
    const char *file = file_of("defaults: @C\ntenants:\n- tenantId: " ID(2) "\n");
    assert_int_equal(imd_tenants_load(file, input, NULL, &tenants, &error), -1);
    assert_string_equal(error.parameter, "tenantId");
    imd_settings_release(input);
}

static void a_single_tenant_needs_no_file(void **state) {
    struct imd_settings *input = imd_settings_new();
    const char *id = ID(1), *app = APP, *secret = temporary_text("secret", "hush");
    struct imd_tenants *tenants;
    struct imd_error error;
    (void)state;

    assert_int_equal(imd_tenants_inline(input, NULL, &tenants, &error), -1);
    assert_string_equal(error.parameter, "tenantsFile");
    assert_int_equal(imd_settings_set(input, "tenantId", &id, 1, NULL), 0);
    assert_int_equal(imd_tenants_inline(input, NULL, &tenants, &error), -1);
    assert_string_equal(error.tenant, ID(1));
    assert_int_equal(imd_settings_set(input, "clientId", &app, 1, NULL), 0);
    assert_int_equal(imd_settings_set(input, "clientSecretFile", &secret, 1, NULL), 0);
    assert_int_equal(imd_tenants_inline(input, NULL, &tenants, &error), 0);
    assert_int_equal(tenants->count, 1);
    assert_null(tenants->items[0]->file);
    imd_tenants_free(tenants);
    imd_tenants_free(NULL);
    imd_settings_release(input);
}

static void count_line(void *context, enum imd_log_level level, const char *text) {
    (void)level;
    (void)text;
    ++*(int *)context;
}

/* The common values repeated with each tenant, as programs write it; the input's settings are the context. */
static void load_many(void *context, unsigned count) {
    struct imd_settings *input = context;
    int lines = 0;
    struct imd_log log = {&lines, count_line};
    struct imd_tenants *tenants = NULL;
    struct imd_error error;
    FILE *file = fopen(temporary_path("many.yaml"), "w");
    const char *secret = temporary_path("secret");

    assert_non_null(file);
    fprintf(file, "tenants:\n");
    for (unsigned i = 0; i < count; i++) {
        fprintf(file, "- tenantId: 00000000-0000-0000-0000-%012u\n  clientId: " APP "\n  clientSecretFile: %s\n", i,
                secret);
        fprintf(file, "  tenantName: Tenant %u\n  labels: { customer: \"%u\", tier: gold }\n", i, i);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(imd_tenants_load(temporary_path("many.yaml"), input, &log, &tenants, &error), 0);
    assert_int_equal(tenants->count, count);
    assert_int_equal(lines, 1);
    assert_ptr_equal(tenants->items[0]->client_id, tenants->items[count - 1]->client_id);
    imd_tenants_free(tenants);
}

static void ten_thousand_tenants_load_in_proportion_and_with_one_warning(void **state) {
    struct imd_settings *input = imd_settings_new();
    (void)state;

    assert_int_equal(chmod(temporary_text("secret", "hush"), 0644), 0);
    assert_int_equal(imd_settings_set(input, "allowReadableSecrets", (const char *[]){"on"}, 1, NULL), 0);
    assert_true(growth(load_many, input, 10000 / GROWTH_TIMES) < GROWTH_MAX);
    assert_true(sizeof(struct imd_settings) < 1024);
    imd_settings_release(input);
}

static int clean_up(void **state) {
    (void)state;
    temporary_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_of_the_documentation_is_read),
        cmocka_unit_test(tenants_override_defaults_and_defaults_override_the_input),
        cmocka_unit_test(all_notations_of_yaml_are_read),
        cmocka_unit_test(a_tenant_s_credential_replaces_that_of_the_defaults),
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(a_file_without_tenants_is_refused),
        cmocka_unit_test(a_missing_or_odd_file_is_refused),
        cmocka_unit_test(bad_yaml_is_told_with_its_line),
        cmocka_unit_test(the_shape_of_the_file_is_fixed),
        cmocka_unit_test(nothing_is_expanded_or_nested),
        cmocka_unit_test(deep_nesting_and_long_values_are_bounded),
        cmocka_unit_test(a_mistake_in_a_tenant_is_told_with_tenant_line_and_parameter),
        cmocka_unit_test(a_tenant_is_named_by_its_id_where_it_has_no_name),
        cmocka_unit_test(what_a_tenant_lacks_is_told_at_its_line),
        cmocka_unit_test(mistakes_in_defaults_are_told),
        cmocka_unit_test(a_source_of_a_tenant_occurs_once),
        cmocka_unit_test(no_inline_secret_appears_in_an_error),
        cmocka_unit_test(a_tenant_beside_the_file_is_refused),
        cmocka_unit_test(a_single_tenant_needs_no_file),
        cmocka_unit_test(ten_thousand_tenants_load_in_proportion_and_with_one_warning),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
