/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: their values are stored and sent, so they must never change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include "base/digest.h"

static const char *digest_of(const char *const *parts, size_t count) {
    static char text[IMD_DIGEST_TEXT_MAX];
    size_t lengths[8] = {0};

    for (size_t i = 0; i < count; i++) lengths[i] = strlen(parts[i]);
    struct imd_digest digest = imd_digest_of(parts, lengths, count);
    return imd_digest_print(&digest, text);
}

/* Expected values were made with another SHA-256 over the lengths (8 bytes, big-endian) and the parts. */
static void values_are_stable(void **state) {
    const char *const one[] = {"abc"};
    const char *const three[] = {"tenant", "", "da637551227677560813_-961444813"};
    (void)state;

    assert_string_equal(digest_of(NULL, 0), "e3b0c44298fc1c149afbf4c8996fb924");
    assert_string_equal(digest_of(one, 1), "c3494ca1a2cf8eeb8a11ded316fb55b8");
    assert_string_equal(digest_of(three, 3), "f82215be95b7d628dbe1574ccfd59859");
}

static void the_borders_between_parts_count(void **state) {
    const char *const lists[][3] = {{"ab", "c", ""}, {"a", "bc", ""}, {"abc", "", ""}, {"", "abc", ""}};
    char texts[4][IMD_DIGEST_TEXT_MAX];
    (void)state;

    for (int i = 0; i < 4; i++) {
        memcpy(texts[i], digest_of(lists[i], 3), sizeof texts[i]);
        for (int k = 0; k < i; k++) assert_string_not_equal(texts[i], texts[k]);
    }
}

static void *digest_many(void *context) {
    const char *parts[] = {"abc"};
    size_t length = 3;

    for (int i = 0; i < 2000; i++) {
        struct imd_digest digest = imd_digest_of(parts, &length, 1);
        if (memcmp(&digest, context, sizeof digest) != 0) return context;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state) {
    const char *parts[] = {"abc"};
    size_t length = 3;
    struct imd_digest expected = imd_digest_of(parts, &length, 1);
    pthread_t threads[4];
    (void)state;

    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, digest_many, &expected), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_stable),
        cmocka_unit_test(the_borders_between_parts_count),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
