/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: what they hold, how they are printed, and that lines go to the log whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <string.h>
#include "base/error.h"
#include "base/log.h"

static const char *print(const struct imd_error *error, const char *consequence) {
    static char text[2048];
    return imd_error_print(error, consequence, text, sizeof text);
}

static void setting_an_error_returns_minus_one_and_clears_the_places(void **state) {
    struct imd_error error;
    (void)state;

    memset(&error, 'x', sizeof error);
    assert_int_equal(imd_error_set(&error, "do %d", "failed %d times", 3), -1);
    assert_string_equal(error.what, "failed 3 times");
    assert_string_equal(error.remedy, "do %d"); /* the remedy is no format */
    assert_string_equal(error.tenant, "");
    assert_string_equal(error.parameter, "");
    assert_string_equal(error.file, "");
    assert_int_equal(error.line, 0);
    assert_int_equal(imd_error_set(NULL, NULL, "nobody listens"), -1);
}

static void an_error_may_be_built_from_itself(void **state) {
    struct imd_error error;
    (void)state;

    imd_error_set(&error, "first remedy", "inner");
    imd_error_set(&error, error.remedy, "outer: %s", error.what);
    assert_string_equal(error.what, "outer: inner");
    assert_string_equal(error.remedy, "first remedy");
}

static void a_place_that_is_set_is_kept(void **state) {
    struct imd_error error;
    (void)state;

    imd_error_set(&error, NULL, "x");
    imd_error_tenant(&error, "inner");
    imd_error_tenant(&error, "outer");
    imd_error_parameter(&error, NULL);
    imd_error_parameter(&error, "inner");
    imd_error_parameter(&error, "outer");
    imd_error_file(&error, "inner", 1);
    imd_error_file(&error, "outer", 2);
    assert_string_equal(error.tenant, "inner");
    assert_string_equal(error.parameter, "inner");
    assert_string_equal(error.file, "inner");
    assert_int_equal(error.line, 1);
    imd_error_tenant(NULL, "x");
    imd_error_file(NULL, "x", 1);
}

static void it_is_printed_with_all_parts(void **state) {
    struct imd_error error;
    (void)state;

    imd_error_set(&error, "let the user read it", "cannot open 'x'");
    imd_error_tenant(&error, "Contoso");
    imd_error_parameter(&error, "clientSecretFile");
    imd_error_file(&error, "/etc/t.yaml", 7);
    assert_string_equal(print(&error, "the input does not start"),
                        "cannot open 'x' (tenant Contoso, parameter clientSecretFile, /etc/t.yaml:7): "
                        "the input does not start; let the user read it");
    assert_string_equal(print(&error, NULL),
                        "cannot open 'x' (tenant Contoso, parameter clientSecretFile, "
                        "/etc/t.yaml:7): let the user read it");
}

static void empty_parts_are_left_out(void **state) {
    struct imd_error error;
    (void)state;

    imd_error_set(&error, NULL, "failed");
    assert_string_equal(print(&error, NULL), "failed");
    assert_string_equal(print(&error, "it goes on"), "failed: it goes on");
    imd_error_file(&error, "f", 0);
    assert_string_equal(print(&error, NULL), "failed (f)");
}

static void control_characters_are_printed_as_question_marks(void **state) {
    struct imd_error error;
    (void)state;

    imd_error_set(&error, NULL, "a\nb\x1b[31m\x7f \xc2\x85 \xc3\xa4");
    imd_error_tenant(&error, "x\r\ny");
    assert_string_equal(print(&error, NULL), "a?b?[31m? ? \xc3\xa4 (tenant x??y)");
}

static void a_long_text_is_cut_between_characters(void **state) {
    struct imd_error error;
    char text[1024], small[8];
    (void)state;

    memset(text, 'a', sizeof text);
    text[sizeof error.what - 2] = '\xc3'; /* its second byte falls behind the end */
    text[sizeof error.what - 1] = '\xa4';
    text[sizeof text - 1] = '\0';
    imd_error_set(&error, text, "%s", text);
    assert_int_equal(strlen(error.what), sizeof error.what - 2);
    assert_int_equal(strlen(error.remedy), sizeof error.remedy - 1);
    imd_error_set(&error, NULL, "123456\xc3\xa4");
    assert_string_equal(imd_error_print(&error, NULL, small, sizeof small), "123456");
}

static void two_kibibytes_always_suffice(void **state) {
    struct imd_error error;
    char text[2048];
    (void)state;

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    imd_error_set(&error, text, "%s", text);
    imd_error_tenant(&error, text);
    imd_error_parameter(&error, text);
    imd_error_file(&error, text, UINT32_MAX);
    assert_non_null(strstr(print(&error, "consequence"), ":4294967295): consequence; aaa"));
}

struct lines {
    char last[4096];
    enum imd_log_level level;
    int count;
};

static void take_line(void *context, enum imd_log_level level, const char *text) {
    struct lines *lines = context;
    strncpy(lines->last, text, sizeof lines->last - 1);
    lines->level = level;
    lines->count++;
}

static void a_log_line_is_one_line_of_at_most_two_kibibytes(void **state) {
    struct lines lines = {.count = 0};
    struct imd_log log = {&lines, take_line}, silent = {NULL, NULL};
    char text[4000];
    (void)state;

    imd_log_print(&log, IMD_LOG_WARNING, "a\r\nb %d", 5);
    assert_string_equal(lines.last, "a  b 5");
    assert_int_equal(lines.level, IMD_LOG_WARNING);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    imd_log_print(&log, IMD_LOG_ERROR, "%s", text);
    assert_int_equal(strlen(lines.last), 2047);
    imd_log_print(&silent, IMD_LOG_ERROR, "nobody");
    imd_log_print(NULL, IMD_LOG_ERROR, "nobody");
    assert_int_equal(lines.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_minus_one_and_clears_the_places),
        cmocka_unit_test(an_error_may_be_built_from_itself),
        cmocka_unit_test(a_place_that_is_set_is_kept),
        cmocka_unit_test(it_is_printed_with_all_parts),
        cmocka_unit_test(empty_parts_are_left_out),
        cmocka_unit_test(control_characters_are_printed_as_question_marks),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(two_kibibytes_always_suffice),
        cmocka_unit_test(a_log_line_is_one_line_of_at_most_two_kibibytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
