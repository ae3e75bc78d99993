/* SPDX-License-Identifier: Apache-2.0 */
/* Shared texts: the same string for equal texts, another one for any other, and what messages hold outlives the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libfastjson/json.h>
#include <stdio.h>
#include <string.h>

#include "../../plugins/imdefender/shared_text.h"

static struct fjson_object *get(struct imd_shared_texts *texts, const char *text) {
    struct fjson_object *string = imd_shared_text(texts, text, strlen(text));
    assert_non_null(string);
    assert_string_equal(fjson_object_get_string(string), text);
    assert_int_equal(fjson_object_get_string_len(string), strlen(text));
    return string;
}

static void equal_texts_are_one_string(void **state) {
    (void)state;
    struct imd_shared_texts *texts = imd_shared_texts_new();
    struct fjson_object *first = get(texts, "high"), *second = get(texts, "high");
    assert_ptr_equal(first, second);
    fjson_object_put(first);
    fjson_object_put(second);
    imd_shared_texts_free(texts);
}

/* Their hashes are the same on purpose. */
static void texts_that_differ_in_case_are_two(void **state) {
    (void)state;
    struct imd_shared_texts *texts = imd_shared_texts_new();
    assert_int_equal(imd_text_hash("High", 4), imd_text_hash("high", 4));
    for (int i = 0; i < 3; i++) {
        struct fjson_object *upper = get(texts, "High"), *lower = get(texts, "high");
        assert_ptr_not_equal(upper, lower);
        fjson_object_put(upper);
        fjson_object_put(lower);
    }
    imd_shared_texts_free(texts);
}

static void bytes_of_0_belong_to_the_text(void **state) {
    (void)state;
    struct imd_shared_texts *texts = imd_shared_texts_new();
    struct fjson_object *with = imd_shared_text(texts, "a\0b", 3), *other = imd_shared_text(texts, "a\0c", 3);
    assert_memory_equal(fjson_object_get_string(with), "a\0b", 4);
    assert_memory_equal(fjson_object_get_string(other), "a\0c", 4);
    fjson_object_put(with);
    fjson_object_put(other);
    imd_shared_texts_free(texts);
}

/* Far more than there are places, long ones among them: each push out others, and what was handed out stays. */
static void many_texts_stay_what_they_are(void **state) {
    (void)state;
    enum { MANY = 20000 };
    static struct fjson_object *held[MANY];
    struct imd_shared_texts *texts = imd_shared_texts_new();
    char text[400];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "text %d%*s", i, i % 300, "");
        held[i] = get(texts, text);
    }
    imd_shared_texts_free(texts);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "text %d%*s", i, i % 300, "");
        assert_string_equal(fjson_object_get_string(held[i]), text);
        assert_int_equal(fjson_object_put(held[i]), 1); /* it was the last reference */
    }
}

static void without_a_table_each_is_new(void **state) {
    (void)state;
    struct fjson_object *first = get(NULL, "high"), *second = get(NULL, "high");
    assert_ptr_not_equal(first, second);
    fjson_object_put(first);
    fjson_object_put(second);
    imd_shared_texts_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_one_string),    cmocka_unit_test(texts_that_differ_in_case_are_two),
        cmocka_unit_test(bytes_of_0_belong_to_the_text), cmocka_unit_test(many_texts_stay_what_they_are),
        cmocka_unit_test(without_a_table_each_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
