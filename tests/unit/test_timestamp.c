/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps: exact to 100 ns in both directions, over all years, and nothing accepted by accident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/timestamp.h"

#define FIRST INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

static imd_time parse(const char *text) {
    imd_time time = 4711;
    if (!imd_time_parse(text, strlen(text), &time)) fail_msg("refused: %s", text);
    return time;
}

static void assert_refused(const char *text) {
    imd_time time = 4711;
    if (imd_time_parse(text, strlen(text), &time)) fail_msg("accepted: %s", text);
    assert_int_equal(time, 4711);
}

static void assert_ticks(imd_time got, imd_time expected, const char *text) {
    if (got != expected) fail_msg("%s: expected %lld ticks, got %lld", text, (long long)expected, (long long)got);
}

static void known_dates_have_known_values(void **state) {
    static const struct {
        const char *text;
        int64_t seconds;
    } known[] = {{"1970-01-01T00:00:00Z", 0},          {"1969-12-31T23:59:59Z", -1},
                 {"2000-02-29T12:00:00Z", 951825600},  {"2026-01-02T03:04:05Z", 1767323045},
                 {"0001-01-01T00:00:00Z", FIRST},      {"9999-12-31T23:59:59Z", LAST},
                 {"1900-03-01T00:00:00Z", -2203891200}};
    (void)state;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_ticks(parse(known[i].text), known[i].seconds * IMD_TICKS_PER_SECOND, known[i].text);
    }
}

static void fractions_of_any_length_are_exact(void **state) {
    static const struct {
        const char *text;
        int64_t ticks;
    } fractions[] = {{"", 0},
                     {".1", 1000000},
                     {".09", 900000},
                     {".116", 1160000},
                     {".0733", 733000},
                     {".00001", 100},
                     {".000001", 10},
                     {".0733333", 733333},
                     {".12345678", 1234567},
                     {".999999999", 9999999},
                     {".0000000999999999999999999999999", 0}};
    char text[80];
    (void)state;

    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        snprintf(text, sizeof text, "1970-01-01T00:00:01%sZ", fractions[i].text);
        assert_ticks(parse(text), IMD_TICKS_PER_SECOND + fractions[i].ticks, text);
        snprintf(text, sizeof text, "1969-12-31T23:59:59%sZ", fractions[i].text);
        assert_ticks(parse(text), -IMD_TICKS_PER_SECOND + fractions[i].ticks, text);
    }
}

static void offsets_lead_to_utc(void **state) {
    imd_time noon = parse("2026-01-02T12:00:00Z");
    (void)state;

    assert_ticks(parse("2026-01-02T13:30:00+01:30"), noon, "+01:30");
    assert_ticks(parse("2026-01-02T00:01:00-11:59"), noon, "-11:59");
    assert_ticks(parse("2026-01-03T11:59:00.0+23:59"), noon, "+23:59");
    assert_ticks(parse("2026-01-02T12:00:00-00:00"), noon, "-00:00");
    assert_ticks(parse("2026-01-02t12:00:00z"), noon, "lower case");
    assert_ticks(parse("2026-01-02 12:00:00Z"), noon, "space");
}

static void second_sixty_is_the_following_second(void **state) {
    (void)state;
    assert_ticks(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"), "leap second");
    assert_ticks(parse("2016-12-31T23:59:60.5Z"), parse("2017-01-01T00:00:00.5Z"), "leap second and a half");
    assert_ticks(parse("2017-01-01T00:59:60+01:00"), parse("2017-01-01T00:00:00Z"), "leap second in an offset");
    assert_refused("2016-12-31T23:59:61Z");
}

static void what_leaves_the_years_1_to_9999_is_refused(void **state) {
    (void)state;
    assert_refused("0000-12-31T23:59:59Z");
    assert_refused("0001-01-01T00:00:00+00:01");
    assert_refused("9999-12-31T23:59:59-00:01");
    assert_refused("9999-12-31T23:59:60Z");
    assert_refused("10000-01-01T00:00:00Z");
}

static void anything_else_is_refused(void **state) {
    static const char *const garbage[] = {
        "",
        "Z",
        "2026",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05.1234567890123x",
        "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T-3:04:05Z",
        "+026-01-02T03:04:05Z",
        "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+01:60",
        "2026-01-02T03:04:05+01",
        "2026/01/02T03:04:05Z",
        "2026-01-02_03:04:05Z",
        "\xd9\xa2\xd9\xa0-01-02T03:04:05Z",
    };
    (void)state;

    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) assert_refused(garbage[i]);
    imd_time time;
    assert_false(imd_time_parse("2026-01-02T03:04:05Z\0", 21, &time)); /* a 0 byte is no end */
    assert_false(imd_time_parse("2026-01-02T03:04:05Z", 19, &time));   /* nothing behind the length is read */
}

static void every_beginning_of_a_time_stamp_is_refused(void **state) {
    const char *text = "2026-01-02T03:04:05.1234567+01:00";
    imd_time time;
    (void)state;

    for (size_t length = 0; length < strlen(text); length++) assert_false(imd_time_parse(text, length, &time));
    assert_true(imd_time_parse(text, strlen(text), &time));
}

/* A fixed sequence, so that a failure can be repeated. */
static uint64_t random_bits(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void printed_times_read_back_as_themselves(void **state) {
    uint64_t seed = 88172645463325252u;
    char text[IMD_TIME_TEXT_MAX], again[IMD_TIME_TEXT_MAX];
    (void)state;

    for (int i = 0; i < 200000; i++) {
        int64_t seconds = FIRST + (int64_t)(random_bits(&seed) % (uint64_t)(LAST - FIRST + 1));
        imd_time time = seconds * IMD_TICKS_PER_SECOND;
        if (i % 4 != 0) time += (int64_t)(random_bits(&seed) % (uint64_t)IMD_TICKS_PER_SECOND);
        imd_time_print(time, text);
        if (parse(text) != time) fail_msg("%s is not %lld", text, (long long)time);
        assert_string_equal(imd_time_print(parse(text), again), text);
    }
}

/* The C library as a second opinion on the calendar. */
static void dates_agree_with_the_c_library(void **state) {
    char text[IMD_TIME_TEXT_MAX], expected[IMD_TIME_TEXT_MAX];
    (void)state;

    for (int64_t seconds = FIRST; seconds <= LAST; seconds += 86400 * 13 + 4327) {
        time_t clock = (time_t)seconds;
        struct tm tm;
        gmtime_r(&clock, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(imd_time_print(imd_time_from_unix(seconds), text), expected);
    }
}

static void printing_shows_seven_digits_or_none_and_clamps(void **state) {
    char text[IMD_TIME_TEXT_MAX];
    (void)state;

    assert_string_equal(imd_time_print(0, text), "1970-01-01T00:00:00Z");
    assert_string_equal(imd_time_print(1, text), "1970-01-01T00:00:00.0000001Z");
    assert_string_equal(imd_time_print(-1, text), "1969-12-31T23:59:59.9999999Z");
    assert_string_equal(imd_time_print(INT64_MAX, text), "9999-12-31T23:59:59.9999999Z");
    assert_string_equal(imd_time_print(IMD_TIME_NONE, text), "0001-01-01T00:00:00Z");
}

static void http_dates_of_all_three_forms_are_read(void **state) {
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994", "  Sun, 06 Nov 1994 08:49:37 GMT\t"};
    imd_time time;
    (void)state;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        time = 0;
        if (!imd_time_parse_http(forms[i], strlen(forms[i]), &time)) fail_msg("refused: %s", forms[i]);
        assert_ticks(time, 784111777 * IMD_TICKS_PER_SECOND, forms[i]);
    }
    assert_true(imd_time_parse_http("Wed Nov 16 08:49:37 1994", 24, &time));
    assert_ticks(time, (784111777 + 864000) * IMD_TICKS_PER_SECOND, "two digits in asctime");
}

static void a_two_digit_year_is_at_most_fifty_years_ahead(void **state) {
    char text[64], printed[IMD_TIME_TEXT_MAX];
    time_t now = time(NULL);
    struct tm today;
    imd_time when;
    (void)state;

    gmtime_r(&now, &today);
    for (int ahead = -49; ahead <= 50; ahead++) {
        int year = today.tm_year + 1900 + ahead;
        snprintf(text, sizeof text, "Sunday, 06-Nov-%02d 08:49:37 GMT", year % 100);
        assert_true(imd_time_parse_http(text, strlen(text), &when));
        assert_int_equal(strtol(imd_time_print(when, printed), NULL, 10), year);
    }
}

static void other_http_dates_are_refused(void **state) {
    static const char *const garbage[] = {"",
                                          "120",
                                          "Sun, 06 Nov 1994 08:49:37",
                                          "Sun, 06 Nov 1994 08:49:37 CET",
                                          "Sun, 6 Nov 1994 08:49:37 GMT",
                                          "Son, 06 Nov 1994 08:49:37 GMT",
                                          "Sun, 06 Nox 1994 08:49:37 GMT",
                                          "Sun, 31 Feb 1994 08:49:37 GMT",
                                          "Sun, 06 Nov 1994 25:49:37 GMT",
                                          "Sun, 06-Nov-94 08:49:37 GMT",
                                          "Sun Nov 6 08:49:37 1994",
                                          "Sun, 06 Nov 1994 08:49:37 GMT, x",
                                          "Sun, 06 Nov 0000 08:49:37 GMT",
                                          "1994-11-06T08:49:37Z"};
    imd_time time = 4711;
    (void)state;

    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        if (imd_time_parse_http(garbage[i], strlen(garbage[i]), &time)) fail_msg("accepted: %s", garbage[i]);
    }
    assert_int_equal(time, 4711);
}

static void unix_times_are_rounded_down_and_clamped(void **state) {
    (void)state;
    assert_int_equal(imd_time_from_unix(2), 20000000);
    assert_int_equal(imd_time_from_unix(INT64_MAX), INT64_MAX);
    assert_true(imd_time_from_unix(INT64_MIN) != IMD_TIME_NONE);
    assert_int_equal(imd_time_to_unix(19999999), 1);
    assert_int_equal(imd_time_to_unix(-1), -1);
    assert_int_equal(imd_time_to_unix(-10000000), -1);
    assert_int_equal(imd_time_to_unix(-10000001), -2);
}

static void sums_are_clamped_and_none_stays_none(void **state) {
    (void)state;
    assert_int_equal(imd_time_add(5, -7), -2);
    assert_int_equal(imd_time_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(imd_time_add(INT64_MIN + 1, -1), INT64_MIN + 1);
    assert_int_equal(imd_time_add(-2, INT64_MIN + 2), INT64_MIN + 1);
    assert_int_equal(imd_time_add(IMD_TIME_NONE, 5), IMD_TIME_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dates_have_known_values),
        cmocka_unit_test(fractions_of_any_length_are_exact),
        cmocka_unit_test(offsets_lead_to_utc),
        cmocka_unit_test(second_sixty_is_the_following_second),
        cmocka_unit_test(what_leaves_the_years_1_to_9999_is_refused),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(every_beginning_of_a_time_stamp_is_refused),
        cmocka_unit_test(printed_times_read_back_as_themselves),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(printing_shows_seven_digits_or_none_and_clamps),
        cmocka_unit_test(http_dates_of_all_three_forms_are_read),
        cmocka_unit_test(a_two_digit_year_is_at_most_fifty_years_ahead),
        cmocka_unit_test(other_http_dates_are_refused),
        cmocka_unit_test(unix_times_are_rounded_down_and_clamped),
        cmocka_unit_test(sums_are_clamped_and_none_stays_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
