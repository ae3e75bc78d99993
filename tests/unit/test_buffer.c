/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer: it never passes its maximum and never changes when it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/buffer.h"

static void a_new_buffer_has_allocated_nothing(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 10);
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    assert_true(imd_buffer_add(&buffer, "", 0));
    assert_string_equal(buffer.data, "");
    imd_buffer_free(&buffer);
}

static void it_grows_up_to_its_maximum_and_not_beyond(void **state) {
    struct imd_buffer buffer;
    (void)state;

    for (size_t maximum = 0; maximum < 300; maximum += 7) {
        imd_buffer_init(&buffer, maximum);
        for (size_t i = 0; i < maximum; i++) assert_true(imd_buffer_add_char(&buffer, (char)('a' + i % 26)));
        assert_false(imd_buffer_add_char(&buffer, '!'));
        assert_int_equal(buffer.length, maximum);
        for (size_t i = 0; i < maximum; i++) assert_int_equal(buffer.data[i], 'a' + i % 26);
        if (maximum > 0) assert_int_equal(buffer.data[maximum], 0);
        assert_true(buffer.capacity <= maximum + 1);
        imd_buffer_free(&buffer);
    }
}

static void a_refused_addition_changes_nothing(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 8);
    assert_true(imd_buffer_add_text(&buffer, "12345"));
    assert_false(imd_buffer_add_text(&buffer, "6789"));
    assert_false(imd_buffer_print(&buffer, "%d", 6789));
    assert_false(imd_buffer_add_percent(&buffer, "a/"));
    assert_false(imd_buffer_add_json(&buffer, "ab", 2));
    assert_false(imd_buffer_add(&buffer, "x", SIZE_MAX));
    assert_string_equal(buffer.data, "12345");
    assert_true(imd_buffer_print(&buffer, "%s", "678"));
    assert_string_equal(buffer.data, "12345678");
    imd_buffer_free(&buffer);
}

static void reserved_room_is_used_without_moving(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 4096);
    assert_true(imd_buffer_reserve(&buffer, 1000));
    const char *data = buffer.data;
    for (int i = 0; i < 1000; i++) assert_true(imd_buffer_add_char(&buffer, 'x'));
    assert_ptr_equal(buffer.data, data);
    assert_false(imd_buffer_reserve(&buffer, 3097));
    imd_buffer_free(&buffer);
}

static void percent_encoding_leaves_unreserved_characters_alone(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 1000);
    assert_true(imd_buffer_add_percent(&buffer, "AZaz09-._~"));
    assert_true(imd_buffer_add_percent(&buffer, " ~+/=&?%'\xc3\xa4"));
    assert_string_equal(buffer.data, "AZaz09-._~%20~%2B%2F%3D%26%3F%25%27%C3%A4");
    imd_buffer_free(&buffer);
}

static void json_strings_are_escaped(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 1000);
    const char raw[] = "a\"\\/\b\f\n\r\t\x01\x1f\0z\xe2\x82\xac\x7f";
    assert_true(imd_buffer_add_json(&buffer, raw, sizeof raw - 1));
    assert_string_equal(buffer.data, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000z\xe2\x82\xac\x7f\"");
    imd_buffer_clear(&buffer);
    assert_true(imd_buffer_add_json(&buffer, NULL, 0));
    assert_string_equal(buffer.data, "\"\"");
    imd_buffer_free(&buffer);
}

static void what_is_taken_belongs_to_the_taker(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init(&buffer, 100);
    char *empty = imd_buffer_take(&buffer);
    assert_string_equal(empty, "");
    free(empty);
    assert_true(imd_buffer_add_text(&buffer, "abc"));
    char *taken = imd_buffer_take(&buffer);
    assert_string_equal(taken, "abc");
    assert_null(buffer.data);
    assert_true(imd_buffer_add_text(&buffer, "next")); /* the maximum is kept */
    imd_buffer_wipe(&buffer);
    assert_int_equal(buffer.maximum, 100);
    free(taken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_has_allocated_nothing),
        cmocka_unit_test(it_grows_up_to_its_maximum_and_not_beyond),
        cmocka_unit_test(a_refused_addition_changes_nothing),
        cmocka_unit_test(reserved_room_is_used_without_moving),
        cmocka_unit_test(percent_encoding_leaves_unreserved_characters_alone),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(what_is_taken_belongs_to_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
