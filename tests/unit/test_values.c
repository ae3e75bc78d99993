/* SPDX-License-Identifier: Apache-2.0 */
/* Values of parameters: what each type accepts and, more important, what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <string.h>
#include "config/values.h"

static void durations_take_units(void **state) {
    int64_t seconds = -1;
    (void)state;

    assert_true(imd_value_duration("0", &seconds));
    assert_int_equal(seconds, 0);
    assert_true(imd_value_duration("90", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(imd_value_duration("90s", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(imd_value_duration("30m", &seconds));
    assert_int_equal(seconds, 1800);
    assert_true(imd_value_duration("24H", &seconds));
    assert_int_equal(seconds, 86400);
    assert_true(imd_value_duration("180d", &seconds));
    assert_int_equal(seconds, 15552000);
}

static void other_durations_are_refused(void **state) {
    static const char *const wrong[] = {"",
                                        "s",
                                        "-5",
                                        "+5",
                                        "1.5h",
                                        "5 m",
                                        "5min",
                                        "1h30m",
                                        " 5",
                                        "5 ",
                                        "0x10",
                                        "9223372036854775808",
                                        "9223372036854775807d",
                                        "1e3"};
    int64_t seconds = -1;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (imd_value_duration(wrong[i], &seconds)) fail_msg("accepted: %s", wrong[i]);
    }
    assert_int_equal(seconds, -1);
}

static void sizes_take_units_of_1024(void **state) {
    int64_t bytes = -1;
    (void)state;

    assert_true(imd_value_size("65536", &bytes));
    assert_int_equal(bytes, 65536);
    assert_true(imd_value_size("64k", &bytes));
    assert_int_equal(bytes, 65536);
    assert_true(imd_value_size("64M", &bytes));
    assert_int_equal(bytes, 67108864);
    assert_true(imd_value_size("2g", &bytes));
    assert_int_equal(bytes, INT64_C(2147483648));
    assert_false(imd_value_size("64kb", &bytes));
    assert_false(imd_value_size("-1k", &bytes));
    assert_false(imd_value_size("9007199254740993g", &bytes));
}

static void integers_are_decimal(void **state) {
    int64_t number = 1;
    (void)state;

    assert_true(imd_value_integer("-42", &number));
    assert_int_equal(number, -42);
    assert_true(imd_value_integer("007", &number));
    assert_int_equal(number, 7);
    assert_false(imd_value_integer("--1", &number));
    assert_false(imd_value_integer("-", &number));
    assert_false(imd_value_integer("1,000", &number));
    assert_false(imd_value_integer("99999999999999999999", &number));
}

static void guids_become_lower_case(void **state) {
    char guid[37];
    (void)state;

    assert_true(imd_value_guid("AAAAAAAA-BBBB-cccc-DDDD-0123456789Ef", guid));
    assert_string_equal(guid, "aaaaaaaa-bbbb-cccc-dddd-0123456789ef");
    assert_false(imd_value_guid("", guid));
    assert_false(imd_value_guid("aaaaaaaa-bbbb-cccc-dddd-0123456789e", guid));
    assert_false(imd_value_guid("aaaaaaaa-bbbb-cccc-dddd-0123456789eff", guid));
    assert_false(imd_value_guid("aaaaaaaa-bbbb-cccc-dddd-0123456789eg", guid));
    assert_false(imd_value_guid("aaaaaaaabbbbccccdddd0123456789ef", guid));
    assert_false(imd_value_guid("{aaaaaaaa-bbbb-cccc-dddd-0123456789ef}", guid));
    assert_false(imd_value_guid("aaaaaaaa_bbbb-cccc-dddd-0123456789ef", guid));
}

static void domains_have_at_least_two_labels(void **state) {
    (void)state;
    assert_true(imd_value_domain("contoso.com"));
    assert_true(imd_value_domain("contoso.onmicrosoft.com"));
    assert_true(imd_value_domain("xn--bcher-kva.example"));
    assert_true(imd_value_domain("3com.com"));
    assert_false(imd_value_domain("contoso"));
    assert_false(imd_value_domain("contoso.com."));
    assert_false(imd_value_domain(".com"));
    assert_false(imd_value_domain("a..b"));
    assert_false(imd_value_domain("-a.com"));
    assert_false(imd_value_domain("a-.com"));
    assert_false(imd_value_domain("a_b.com"));
    assert_false(imd_value_domain("192.0.2.1"));
    assert_false(imd_value_domain("contoso.com/evil"));
    assert_false(imd_value_domain("contoso.com?x"));
    assert_false(imd_value_domain(""));
}

static void assert_url(const char *text, size_t expected) {
    size_t length = 0;
    const char *problem = "";
    if (!imd_value_url(text, &length, &problem)) fail_msg("refused: %s: %s", text, problem);
    if (length != expected) fail_msg("%s: expected length %zu, got %zu", text, expected, length);
}

static void urls_are_https_or_loopback(void **state) {
    (void)state;
    assert_url("https://graph.microsoft.com", 27);
    assert_url("https://graph.microsoft.com///", 27);
    assert_url("HTTPS://proxy.example:8443/graph/", 32);
    assert_url("https://192.0.2.1", 17);
    assert_url("https://[2001:db8::1]:443", 25);
    assert_url("http://127.0.0.1:8080", 21);
    assert_url("http://127.255.1.2", 18);
    assert_url("http://localhost:1", 18);
    assert_url("http://LOCALHOST", 16);
    assert_url("http://[::1]:8080/", 17);
}

static void other_urls_are_refused_with_a_reason(void **state) {
    static const char *const wrong[] = {"",
                                        "graph.microsoft.com",
                                        "ftp://graph.microsoft.com",
                                        "https://",
                                        "https:///x",
                                        "http://graph.microsoft.com",
                                        "http://127.0.0.1.evil.example",
                                        "http://127.1",
                                        "http://0.0.0.0",
                                        "http://128.0.0.1",
                                        "http://localhost.evil.example",
                                        "http://[::2]",
                                        "http://[::ffff:192.0.2.1]",
                                        "http://localhost@evil.example",
                                        "http://127.0.0.1:80@evil.example",
                                        "https://user:hush@graph.microsoft.com",
                                        "http://localhost\\@evil.example",
                                        "http://localhost#@evil.example",
                                        "https://a.example/x?y",
                                        "https://a.example/x#y",
                                        "https://a.example/@b",
                                        "https://a.example/a b",
                                        "https://a.example/\xc3\xa4",
                                        "https://a.example/a\nb",
                                        "https://a.example:0",
                                        "https://a.example:65536",
                                        "https://a.example:",
                                        "https://a.example:80a",
                                        "https://a..example",
                                        "https://[::1",
                                        "https://[::1]x",
                                        "https://[::g]",
                                        "https://a%2eexample"};
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t length = 0;
        const char *problem = NULL;
        if (imd_value_url(wrong[i], &length, &problem)) fail_msg("accepted: %s", wrong[i]);
        assert_non_null(problem);
    }
}

static void proxies_may_come_without_a_scheme(void **state) {
    static const char *const right[] = {"proxy.example:3128", "http://proxy.example:3128/", "socks5h://127.0.0.1:1080",
                                        "https://[::1]:8080"};
    static const char *const wrong[] = {"user:hush@proxy:3128", "ftp://proxy:1",      "http://",
                                        "http://proxy/path",    "http://proxy:99999", "averylongscheme://proxy"};
    size_t length;
    const char *problem;
    (void)state;

    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        if (!imd_value_proxy(right[i], &length, &problem)) fail_msg("refused: %s: %s", right[i], problem);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (imd_value_proxy(wrong[i], &length, &problem)) fail_msg("accepted: %s", wrong[i]);
    }
}

static void facilities_are_names_or_numbers(void **state) {
    int facility = -1;
    (void)state;

    assert_true(imd_value_facility("kern", &facility));
    assert_int_equal(facility, 0);
    assert_true(imd_value_facility("authpriv", &facility));
    assert_int_equal(facility, 10);
    assert_true(imd_value_facility("LOCAL7", &facility));
    assert_int_equal(facility, 23);
    assert_true(imd_value_facility("16", &facility));
    assert_int_equal(facility, 16);
    assert_false(imd_value_facility("24", &facility));
    assert_false(imd_value_facility("-1", &facility));
    assert_false(imd_value_facility("local8", &facility));
    assert_false(imd_value_facility("", &facility));
}

static void clean_text_is_utf8_without_control_characters(void **state) {
    static const char *const dirty[] = {
        "a\nb", "\x1b[0m",  "\x7f",         "\xc2\x85",         "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xff", "\xe2\x82", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\x80"};
    (void)state;

    assert_true(imd_value_clean(""));
    assert_true(
        imd_value_clean("B\xc3\xbc"
                        "cher \xe2\x82\xac \xf0\x9f\x94\x92 \xef\xbf\xbd"));
    for (size_t i = 0; i < sizeof dirty / sizeof dirty[0]; i++) {
        if (imd_value_clean(dirty[i])) fail_msg("number %zu was taken for clean", i);
    }
}

static void distance_counts_edits(void **state) {
    (void)state;
    assert_int_equal(imd_value_distance("tenantId", "TENANTID"), 0);
    assert_int_equal(imd_value_distance("tenantId", "tenanId"), 1);
    assert_int_equal(imd_value_distance("tenantId", "tenantsId"), 1);
    assert_int_equal(imd_value_distance("tenantId", "tenatnId"), 1);
    assert_int_equal(imd_value_distance("", "abc"), 3);
    assert_int_equal(imd_value_distance("kitten", "sitting"), 3);
    assert_int_equal(imd_value_distance("abc", ""), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_take_units),
        cmocka_unit_test(other_durations_are_refused),
        cmocka_unit_test(sizes_take_units_of_1024),
        cmocka_unit_test(integers_are_decimal),
        cmocka_unit_test(guids_become_lower_case),
        cmocka_unit_test(domains_have_at_least_two_labels),
        cmocka_unit_test(urls_are_https_or_loopback),
        cmocka_unit_test(other_urls_are_refused_with_a_reason),
        cmocka_unit_test(proxies_may_come_without_a_scheme),
        cmocka_unit_test(facilities_are_names_or_numbers),
        cmocka_unit_test(clean_text_is_utf8_without_control_characters),
        cmocka_unit_test(distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
