/* SPDX-License-Identifier: Apache-2.0 */
/* The table of parameters: each row is complete, and its default and example are values it accepts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <ctype.h>
#include <string.h>
#include "config/parameters.h"
#include "config/settings.h"

/* The contract with users: every name, and where it may stand. */
static void all_parameters_are_there(void **state) {
    static const char *const module[] = {"stateFile", "maxConnections", "statsPerTenant", NULL};
    static const char *const input[] = {"name", "ruleset", "tenantsFile", NULL};
    static const char *const both[] = {"tenantId",
                                       "tenantName",
                                       "clientId",
                                       "clientSecretFile",
                                       "clientSecret",
                                       "certificateFile",
                                       "keyFile",
                                       "keyPassphraseFile",
                                       "federatedTokenFile",
                                       "managedIdentity",
                                       "refreshTokenFile",
                                       "cloud",
                                       "loginUrl",
                                       "apiUrl",
                                       "region",
                                       "expandAlerts",
                                       "expandEvidence",
                                       "requestBudget",
                                       "sources",
                                       "pollInterval",
                                       "overlap",
                                       "reconcile",
                                       "reconcileInterval",
                                       "backfill",
                                       "pageSize",
                                       "maxInFlight",
                                       "maxResponseSize",
                                       "requestTimeout",
                                       "connectTimeout",
                                       "filter",
                                       "parseJson",
                                       "render",
                                       "facility",
                                       "proxy",
                                       "proxyCredentialsFile",
                                       "certificateAlgorithm",
                                       "allowReadableSecrets",
                                       "tls.cacert",
                                       "tls.mycert",
                                       "tls.myprivkey",
                                       NULL};
    const struct {
        const char *const *names;
        unsigned scope;
    } groups[] = {{module, IMD_SCOPE_MODULE}, {input, IMD_SCOPE_INPUT}, {both, IMD_SCOPE_INPUT | IMD_SCOPE_TENANT}};
    size_t expected = 0, rows = 0;
    (void)state;

    for (size_t g = 0; g < 3; g++) {
        for (size_t i = 0; groups[g].names[i] != NULL; i++, expected++) {
            const struct imd_parameter *row = imd_parameter_find(groups[g].names[i]);
            if (row == NULL) fail_msg("%s is missing", groups[g].names[i]);
            assert_string_equal(row->name, groups[g].names[i]);
            assert_int_equal(row->scope, groups[g].scope);
        }
    }
    while (imd_parameters[rows].name != NULL) rows++;
    assert_int_equal(rows, expected);
}

static void names_are_found_in_any_case(void **state) {
    (void)state;
    assert_ptr_equal(imd_parameter_find("POLLINTERVAL"), imd_parameter_find("pollInterval"));
    assert_null(imd_parameter_find("pollIntervall"));
    assert_null(imd_parameter_find(""));
    assert_null(imd_parameter_find(NULL));
}

static void every_row_is_complete(void **state) {
    (void)state;
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        assert_non_null(row->example);
        assert_non_null(row->summary);
        assert_true(isupper((unsigned char)row->summary[0]));
        assert_int_equal(row->summary[strlen(row->summary) - 1], '.');
        assert_true(row->minimum <= row->maximum);
        if (row->type == IMD_TYPE_CHOICE || row->type == IMD_TYPE_CHOICES) assert_non_null(row->choices);
        if (row->type == IMD_TYPE_DURATION) assert_string_equal(row->unit, "seconds");
        if (row->type == IMD_TYPE_SIZE) assert_string_equal(row->unit, "bytes");
        assert_string_not_equal(imd_parameter_type_name(row->type), "unknown");
        for (const struct imd_parameter *other = imd_parameters; other != row; other++) {
            assert_true(row->member < 0 || row->member != other->member);
        }
    }
}

static void defaults_and_examples_are_accepted(void **state) {
    struct imd_settings *settings = imd_settings_new();
    struct imd_error error;
    (void)state;

    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (row->member < 0) continue;
        if (row->fallback != NULL && imd_settings_set(settings, row->name, &row->fallback, 1, &error) != 0) {
            fail_msg("default of %s: %s", row->name, error.what);
        }
        if (row->type == IMD_TYPE_CHOICES) continue; /* written as an array */
        if (imd_settings_set(settings, row->name, &row->example, 1, &error) != 0) {
            fail_msg("example of %s: %s", row->name, error.what);
        }
    }
    imd_settings_release(settings);
}

static void choices_follow_the_other_tables(void **state) {
    const struct imd_parameter *cloud = imd_parameter_find("cloud"), *sources = imd_parameter_find("sources");
    int i;
    (void)state;

    for (i = 0; imd_clouds[i].name != NULL; i++) assert_string_equal(cloud->choices[i], imd_clouds[i].name);
    assert_null(cloud->choices[i]);
    for (i = 0; i < IMD_SOURCE_COUNT; i++) assert_string_equal(sources->choices[i], imd_sources[i].name);
    assert_null(sources->choices[i]);
}

static void misspelt_names_have_a_nearest_one(void **state) {
    (void)state;
    assert_string_equal(imd_parameter_nearest("tenatId", IMD_SCOPE_TENANT), "tenantId");
    assert_string_equal(imd_parameter_nearest("pollIntervall", IMD_SCOPE_TENANT), "pollInterval");
    assert_string_equal(imd_parameter_nearest("source", IMD_SCOPE_TENANT), "sources");
    assert_string_equal(imd_parameter_nearest("clientSecretfil", IMD_SCOPE_TENANT), "clientSecretFile");
    assert_string_equal(imd_parameter_nearest("tenantFile", IMD_SCOPE_INPUT), "tenantsFile");
    assert_null(imd_parameter_nearest("tenantsFile", IMD_SCOPE_MODULE)); /* other scopes do not help */
    assert_null(imd_parameter_nearest("weather", IMD_SCOPE_TENANT));
}

static void what_is_accepted_names_unit_and_range(void **state) {
    char text[512];
    (void)state;

    assert_string_equal(imd_parameter_accepts(imd_parameter_find("pollInterval"), text, sizeof text),
                        "seconds, or a number with s, m, h or d (1 to 86400 seconds)");
    assert_string_equal(imd_parameter_accepts(imd_parameter_find("cloud"), text, sizeof text),
                        "one of global, gcc, gcchigh, dod, china");
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        assert_true(strlen(imd_parameter_accepts(row, text, sizeof text)) > 10);
    }
    assert_int_equal(strlen(imd_parameter_accepts(imd_parameter_find("cloud"), text, 10)), 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parameters_are_there),
        cmocka_unit_test(names_are_found_in_any_case),
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(defaults_and_examples_are_accepted),
        cmocka_unit_test(choices_follow_the_other_tables),
        cmocka_unit_test(misspelt_names_have_a_nearest_one),
        cmocka_unit_test(what_is_accepted_names_unit_and_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
