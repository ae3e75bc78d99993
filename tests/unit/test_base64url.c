/* SPDX-License-Identifier: Apache-2.0 */
/* base64url: RFC 4648's vectors, without padding, and what is not base64url. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <string.h>
#include "base/base64url.h"

static void every_length_is_written_and_read(void **state) {
    static const char *const vectors[][2] = {{"", ""},         {"f", "Zg"},        {"fo", "Zm8"},        {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    (void)state;

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct imd_buffer out;
        char back[16] = "";
        imd_buffer_init(&out, 100);
        assert_true(imd_base64url_add(&out, vectors[i][0], strlen(vectors[i][0])));
        assert_string_equal(out.data == NULL ? "" : out.data, vectors[i][1]);
        assert_int_equal(imd_base64url_decode(vectors[i][1], strlen(vectors[i][1]), back), strlen(vectors[i][0]));
        assert_string_equal(back, vectors[i][0]);
        imd_buffer_free(&out);
    }
}

static void every_byte_comes_back(void **state) {
    unsigned char bytes[256];
    char back[256];
    struct imd_buffer out;
    (void)state;

    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)i;
    imd_buffer_init(&out, 1000);
    assert_true(imd_base64url_add(&out, bytes, sizeof bytes));
    assert_null(strpbrk(out.data, "+/="));
    assert_non_null(strchr(out.data, '-'));
    assert_non_null(strchr(out.data, '_'));
    assert_int_equal(imd_base64url_decode(out.data, out.length, back), 256);
    assert_memory_equal(back, bytes, 256);
    imd_buffer_free(&out);
}

static void nothing_is_written_where_it_does_not_fit(void **state) {
    struct imd_buffer out;
    (void)state;

    imd_buffer_init(&out, 7);
    assert_false(imd_base64url_add(&out, "foobar", 6));
    assert_int_equal(out.length, 0);
    assert_true(imd_base64url_add(&out, "fooba", 5));
    imd_buffer_free(&out);
}

static void padding_is_tolerated_and_foreign_characters_are_not(void **state) {
    char out[16];
    (void)state;

    assert_int_equal(imd_base64url_decode("Zg==", 4, out), 1);
    assert_int_equal(imd_base64url_decode("Zm9+", 4, out), 0);
    assert_int_equal(imd_base64url_decode("Zm9/", 4, out), 0);
    assert_int_equal(imd_base64url_decode("Z m9", 4, out), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_written_and_read),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(nothing_is_written_where_it_does_not_fit),
        cmocka_unit_test(padding_is_tolerated_and_foreign_characters_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
