/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: nothing of a secret stays behind, and no core dump shows it. Buffers of that memory likewise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/buffer.h"
#include "base/secret_memory.h"

#define HUSH "hu5h~never+seen"

static bool is_zero(const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

static void memory_is_zero_and_aligned(void **state) {
    static const size_t sizes[] = {0, 1, 15, 16, 48, 49, 1000, 4096, 131056, 131057, 1 << 20};
    (void)state;

    for (int round = 0; round < 3; round++) {
        char *blocks[sizeof sizes / sizeof sizes[0]];
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            blocks[i] = imd_secret_alloc(sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            assert_true(is_zero(blocks[i], sizes[i]));
            memset(blocks[i], 0xAA, sizes[i]);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) imd_secret_free(blocks[i]);
    }
    imd_secret_free(NULL);
}

static void what_cannot_be_had_is_null(void **state) {
    (void)state;
    assert_null(imd_secret_alloc(SIZE_MAX));
    assert_null(imd_secret_alloc(SIZE_MAX / 8));
}

static void a_block_given_back_is_overwritten(void **state) {
    char *block = imd_secret_copy(HUSH, strlen(HUSH));
    (void)state;

    assert_string_equal(block, HUSH);
    imd_secret_free(block);
    assert_true(is_zero(block, strlen(HUSH))); /* the region stays mapped */
}

static void a_block_that_moves_leaves_nothing_behind(void **state) {
    char *block = imd_secret_copy(HUSH, strlen(HUSH)), *moved = imd_secret_resize(block, 4000);
    (void)state;

    assert_ptr_not_equal(moved, block);
    assert_string_equal(moved, HUSH);
    assert_true(is_zero(block, strlen(HUSH)));
    char *small = imd_secret_resize(moved, 100);
    assert_string_equal(small, HUSH);
    assert_true(small == moved || is_zero(moved, strlen(HUSH)));
    imd_secret_free(small);
    block = imd_secret_resize(NULL, 5);
    assert_non_null(block);
    imd_secret_free(block);
}

/* It grows inside its own block; what is written there then is overwritten as well, also after it has shrunk again. */
static void a_block_that_grows_where_it_lies_is_overwritten_to_its_end(void **state) {
    enum { BEFORE = 200, AFTER = 230 };
    char *block = imd_secret_alloc(BEFORE);
    (void)state;

    assert_ptr_equal(imd_secret_resize(block, AFTER), block);
    memset(block, 0xAA, AFTER);
    assert_ptr_equal(imd_secret_resize(block, BEFORE), block);
    imd_secret_free(block);
    assert_true(is_zero(block, AFTER));
}

/* Flag "dd" in /proc/self/smaps: MADV_DONTDUMP. */
static bool is_left_out_of_dumps(const void *address) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line, " dd") != NULL;
    }
    fclose(maps);
    return found;
}

static void no_core_dump_holds_it(void **state) {
    char *small = imd_secret_alloc(100), *large = imd_secret_alloc(1 << 20), other = 0;
    (void)state;

    assert_true(is_left_out_of_dumps(small));
    assert_true(is_left_out_of_dumps(large));
    assert_false(is_left_out_of_dumps(&other));
    imd_secret_free(small);
    imd_secret_free(large);
}

static void a_secret_buffer_lies_in_it_however_it_grows(void **state) {
    struct imd_buffer buffer;
    (void)state;

    imd_buffer_init_secret(&buffer, 100000);
    assert_true(imd_buffer_add_text(&buffer, HUSH));
    const char *first = buffer.data;
    for (int i = 0; i < 1000; i++) assert_true(imd_buffer_add_text(&buffer, "0123456789"));
    assert_true(is_left_out_of_dumps(buffer.data));
    assert_ptr_not_equal(first, buffer.data);
    assert_true(is_zero(first, strlen(HUSH)));
    first = buffer.data;
    imd_buffer_free(&buffer); /* also without wipe */
    assert_true(is_zero(first, 1000));
    assert_true(imd_buffer_add_text(&buffer, "again"));
    char *taken = imd_buffer_take(&buffer);
    assert_string_equal(taken, "again");
    assert_true(is_left_out_of_dumps(taken));
    imd_secret_free(taken);
    taken = imd_buffer_take(&buffer);
    assert_string_equal(taken, "");
    imd_secret_free(taken);
}

static void *churn(void *context) {
    unsigned seed = *(unsigned *)context;
    char *blocks[64] = {NULL};

    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned slot = seed >> 16 & 63, size = seed >> 8 & 4095;
        if (blocks[slot] != NULL && blocks[slot][0] != (char)slot) return context;
        imd_secret_free(blocks[slot]);
        blocks[slot] = imd_secret_alloc(size + 1);
        if (blocks[slot] == NULL || !is_zero(blocks[slot], size + 1)) return context;
        memset(blocks[slot], (int)slot, size + 1);
    }
    for (int i = 0; i < 64; i++) imd_secret_free(blocks[i]);
    return NULL;
}

static void threads_do_not_meet(void **state) {
    pthread_t threads[4];
    unsigned seeds[4] = {1, 2, 3, 4};
    (void)state;

    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *trouble = NULL;
        assert_int_equal(pthread_join(threads[i], &trouble), 0);
        assert_null(trouble);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_and_aligned),
        cmocka_unit_test(what_cannot_be_had_is_null),
        cmocka_unit_test(a_block_given_back_is_overwritten),
        cmocka_unit_test(a_block_that_moves_leaves_nothing_behind),
        cmocka_unit_test(a_block_that_grows_where_it_lies_is_overwritten_to_its_end),
        cmocka_unit_test(no_core_dump_holds_it),
        cmocka_unit_test(a_secret_buffer_lies_in_it_however_it_grows),
        cmocka_unit_test(threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
