/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert becomes in the fields of a syslog message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/imdefender/syslog_fields.h"

/* --- HOSTNAME --- */

static void takes_names_of_letters_digits_hyphens_and_dots(void **state) {
    (void)state;
    assert_true(imd_hostname_valid("Contoso"));
    assert_true(imd_hostname_valid("4711"));
    assert_true(imd_hostname_valid("a"));
    assert_true(imd_hostname_valid("contoso.onmicrosoft.com"));
    assert_true(imd_hostname_valid("aaaaaaaa-0000-0000-0000-000000000001"));
}

static void refuses_what_is_no_host_name(void **state) {
    (void)state;
    const char *const bad[] = {"",   "Contoso Ltd", "-contoso",    "contoso-", "a..b", ".a",
                               "a.", "under_score", "K\xc3\xb6ln", "a\nb",     "a\"b", "a-.b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (imd_hostname_valid(bad[i])) {
            fail_msg("'%s' was taken for a host name", bad[i]);
        }
    }
}

static void limits_labels_to_63_and_names_to_255_bytes(void **state) {
    (void)state;
    char name[300];
    memset(name, 'a', sizeof(name));
    name[63] = '\0';
    assert_true(imd_hostname_valid(name));
    name[63] = 'a';
    name[64] = '\0';
    assert_false(imd_hostname_valid(name));

    memset(name, 'a', sizeof(name));
    for (size_t dot = 63; dot < 255; dot += 64) {
        name[dot] = '.';
    }
    name[255] = '\0';
    assert_true(imd_hostname_valid(name));
    name[255] = '.';
    name[256] = 'a';
    name[257] = '\0';
    assert_false(imd_hostname_valid(name));
}

static void uses_the_tenant_id_where_the_name_is_no_host_name(void **state) {
    (void)state;
    assert_string_equal(imd_hostname_choose("Contoso", "id"), "Contoso");
    assert_string_equal(imd_hostname_choose("Contoso Ltd", "id"), "id");
    assert_string_equal(imd_hostname_choose(NULL, "id"), "id");
}

/* --- severity --- */

static void maps_severities_without_regard_to_case(void **state) {
    (void)state;
    assert_int_equal(imd_severity_number("high"), 2);
    assert_int_equal(imd_severity_number("High"), 2);
    assert_int_equal(imd_severity_number("medium"), 4);
    assert_int_equal(imd_severity_number("low"), 5);
    assert_int_equal(imd_severity_number("INFORMATIONAL"), 6);
}

static void takes_any_other_severity_for_a_notice(void **state) {
    (void)state;
    assert_int_equal(imd_severity_number(""), 5);
    assert_int_equal(imd_severity_number("unknown"), 5);
    assert_int_equal(imd_severity_number("unknownFutureValue"), 5);
    assert_int_equal(imd_severity_number("highest"), 5);
}

/* --- structured data --- */

static struct imd_structured_values plain(void) {
    return (struct imd_structured_values){
        .tenant_id = "t", .tenant_name = "Contoso", .source = "alerts", .id = "da1", .severity = "high", .key = "0123"};
}

static void writes_one_element_in_the_documented_order(void **state) {
    (void)state;
    struct imd_buffer out;
    imd_buffer_init(&out, IMD_STRUCTURED_DATA_MAX);
    const struct imd_structured_values values = plain();
    assert_true(imd_structured_data(&out, &values));
    assert_string_equal(out.data,
                        "[imdefender@32473 tenantId=\"t\" tenantName=\"Contoso\" source=\"alerts\" id=\"da1\" "
                        "severity=\"high\" key=\"0123\"]");
    imd_buffer_free(&out);
}

static void escapes_quote_backslash_and_bracket_only(void **state) {
    (void)state;
    struct imd_buffer out;
    imd_buffer_init(&out, IMD_STRUCTURED_DATA_MAX);
    struct imd_structured_values values = plain();
    values.tenant_name = "a\"b\\c]d[e'f=g K\xc3\xb6ln";
    assert_true(imd_structured_data(&out, &values));
    assert_non_null(strstr(out.data, " tenantName=\"a\\\"b\\\\c\\]d[e'f=g K\xc3\xb6ln\" source="));
    imd_buffer_free(&out);
}

static void keeps_control_characters_out(void **state) {
    (void)state;
    struct imd_buffer out;
    imd_buffer_init(&out, IMD_STRUCTURED_DATA_MAX);
    struct imd_structured_values values = plain();
    values.id = "a\nb\tc\x7f";
    assert_true(imd_structured_data(&out, &values));
    assert_non_null(strstr(out.data, " id=\"a?b?c?\" "));
    imd_buffer_free(&out);
}

static void marks_where_a_long_value_is_cut_between_characters(void **state) {
    (void)state;
    char longest[IMD_STRUCTURED_VALUE_MAX + 3];
    memset(longest, 'x', sizeof(longest));
    longest[IMD_STRUCTURED_VALUE_MAX] = '\0';
    struct imd_buffer out;
    imd_buffer_init(&out, IMD_STRUCTURED_DATA_MAX);
    struct imd_structured_values values = plain();
    values.id = longest;
    assert_true(imd_structured_data(&out, &values));
    assert_null(strstr(out.data, "..."));

    /* A character of two bytes across the limit goes as a whole. */
    longest[IMD_STRUCTURED_VALUE_MAX - 1] = '\xc3';
    longest[IMD_STRUCTURED_VALUE_MAX] = '\xb6';
    longest[IMD_STRUCTURED_VALUE_MAX + 1] = '\0';
    imd_buffer_clear(&out);
    assert_true(imd_structured_data(&out, &values));
    assert_non_null(strstr(out.data, "xx...\" severity="));
    assert_null(strchr(out.data, '\xc3'));
    imd_buffer_free(&out);
}

static void fits_its_maximum_with_the_worst_of_values(void **state) {
    (void)state;
    char worst[2 * IMD_STRUCTURED_VALUE_MAX];
    memset(worst, ']', sizeof(worst) - 1);
    worst[sizeof(worst) - 1] = '\0';
    struct imd_buffer out;
    imd_buffer_init(&out, IMD_STRUCTURED_DATA_MAX);
    const struct imd_structured_values values = {worst, worst, worst, worst, worst, worst};
    assert_true(imd_structured_data(&out, &values));
    assert_true(out.length < 65535); /* rsyslog's older limit */
    imd_buffer_free(&out);
}

static void leaves_a_full_buffer_as_it_was(void **state) {
    (void)state;
    struct imd_buffer out;
    imd_buffer_init(&out, 40);
    assert_true(imd_buffer_add_text(&out, "before"));
    const struct imd_structured_values values = plain();
    assert_false(imd_structured_data(&out, &values));
    assert_string_equal(out.data, "before");
    assert_int_equal(out.length, 6);
    imd_buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_names_of_letters_digits_hyphens_and_dots),
        cmocka_unit_test(refuses_what_is_no_host_name),
        cmocka_unit_test(limits_labels_to_63_and_names_to_255_bytes),
        cmocka_unit_test(uses_the_tenant_id_where_the_name_is_no_host_name),
        cmocka_unit_test(maps_severities_without_regard_to_case),
        cmocka_unit_test(takes_any_other_severity_for_a_notice),
        cmocka_unit_test(writes_one_element_in_the_documented_order),
        cmocka_unit_test(escapes_quote_backslash_and_bracket_only),
        cmocka_unit_test(keeps_control_characters_out),
        cmocka_unit_test(marks_where_a_long_value_is_cut_between_characters),
        cmocka_unit_test(fits_its_maximum_with_the_worst_of_values),
        cmocka_unit_test(leaves_a_full_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
