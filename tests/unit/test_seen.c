/* SPDX-License-Identifier: Apache-2.0 */
/* The seen-set: new, update or duplicate, the same as a plain list would answer, in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "engine/seen.h"

/* The home slot comes from the first bytes: few values there make long runs, 0xff lets them wrap around the end. */
static struct imd_digest digest(unsigned home, unsigned number) {
    struct imd_digest made = {{0}};

    memset(made.bytes, (int)home, 4);
    memcpy(made.bytes + 8, &number, sizeof(number));
    return made;
}

static struct imd_version version(unsigned home, unsigned number, imd_time stamp, imd_time met) {
    return (struct imd_version){digest(home, number), stamp, met};
}

static void add(struct imd_seen **seen, struct imd_version added) {
    assert_true(imd_seen_add(seen, &added));
}

static void an_empty_set_knows_nothing(void **state) {
    struct imd_seen *seen = NULL;
    struct imd_digest id = digest(1, 1);

    (void)state;
    assert_int_equal(imd_seen_find(seen, &id, 1, 1), IMD_SEEN_NEW);
    imd_seen_remove(seen, &id, 1);
    imd_seen_forget(&seen, 100);
    assert_int_equal(imd_seen_count(seen), 0);
    imd_seen_free(seen);
}

static void versions_of_one_id_are_updates_of_each_other(void **state) {
    struct imd_seen *seen = NULL;
    struct imd_digest id = digest(1, 1), other = digest(1, 2);

    (void)state;
    add(&seen, version(1, 1, 100, 100));
    assert_int_equal(imd_seen_find(seen, &id, 100, 101), IMD_SEEN_DUPLICATE);
    assert_int_equal(imd_seen_find(seen, &id, 101, 101), IMD_SEEN_UPDATE);
    assert_int_equal(imd_seen_find(seen, &id, 99, 101), IMD_SEEN_UPDATE);
    assert_int_equal(imd_seen_find(seen, &other, 100, 101), IMD_SEEN_NEW);
    add(&seen, version(1, 1, 101, 101));
    assert_int_equal(imd_seen_find(seen, &id, 101, 102), IMD_SEEN_DUPLICATE);
    imd_seen_remove(seen, &id, 100);
    assert_int_equal(imd_seen_find(seen, &id, 100, 102), IMD_SEEN_UPDATE);
    imd_seen_remove(seen, &id, 101);
    assert_int_equal(imd_seen_find(seen, &id, 100, 102), IMD_SEEN_NEW);
    imd_seen_free(seen);
}

static void adding_twice_counts_once(void **state) {
    struct imd_seen *seen = NULL;

    (void)state;
    add(&seen, version(1, 1, 100, 100));
    add(&seen, version(1, 1, 100, 200));
    assert_int_equal(imd_seen_count(seen), 1);
    imd_seen_free(seen);
}

static void what_is_met_again_is_kept_longer(void **state) {
    struct imd_seen *seen = NULL;
    struct imd_digest first = digest(1, 1), second = digest(2, 2), third = digest(3, 3);

    (void)state;
    add(&seen, version(1, 1, 10, 20));
    add(&seen, version(2, 2, 10, 20));
    add(&seen, version(3, 3, 40, IMD_TIME_NONE));
    assert_int_equal(imd_seen_find(seen, &first, 10, 30), IMD_SEEN_DUPLICATE);
    assert_int_equal(imd_seen_find(seen, &first, 10, 5), IMD_SEEN_DUPLICATE);
    imd_seen_forget(&seen, 20);
    assert_int_equal(imd_seen_count(seen), 3);
    imd_seen_forget(&seen, 30);
    assert_int_equal(imd_seen_count(seen), 2);
    assert_int_equal(imd_seen_find(seen, &second, 10, 1), IMD_SEEN_NEW);
    assert_int_equal(imd_seen_find(seen, &first, 10, 1), IMD_SEEN_DUPLICATE);
    imd_seen_forget(&seen, 31);
    assert_int_equal(imd_seen_find(seen, &third, 40, 1), IMD_SEEN_DUPLICATE);
    imd_seen_forget(&seen, 41);
    assert_null(seen);
}

static void memory_stays_within_64_bytes_a_version_and_comes_back(void **state) {
    enum { MANY = 100000 };
    struct imd_seen *seen = NULL;
    unsigned i;

    (void)state;
    for (i = 0; i < MANY; i++) {
        uint32_t spread = i * 2654435761u;
        struct imd_version added = version(0, i, i, i);

        memcpy(added.id.bytes, &spread, sizeof(spread));
        add(&seen, added);
        if (i >= 64) assert_true(malloc_usable_size(seen) <= 64 * (size_t)(i + 1) + 64);
    }
    imd_seen_forget(&seen, MANY - 1000);
    assert_int_equal(imd_seen_count(seen), 1000);
    assert_true(malloc_usable_size(seen) <= 64 * 1000 + 64);
    imd_seen_free(seen);
}

/* --- the same answers as a plain list, after any operations --- */

#define MODEL_MAX 300

struct model {
    struct imd_version versions[MODEL_MAX];
    size_t count;
};

static size_t find_in(const struct model *model, const struct imd_version *wanted, bool *knows_id) {
    size_t i, found = model->count;

    *knows_id = false;
    for (i = 0; i < model->count; i++) {
        if (memcmp(&model->versions[i].id, &wanted->id, sizeof(wanted->id)) != 0) continue;
        *knows_id = true;
        if (model->versions[i].stamp == wanted->stamp) found = i;
    }
    return found;
}

static enum imd_seen_answer expected_answer(struct model *model, const struct imd_version *wanted, imd_time now) {
    bool knows_id;
    size_t at = find_in(model, wanted, &knows_id);

    if (at == model->count) return knows_id ? IMD_SEEN_UPDATE : IMD_SEEN_NEW;
    if (now > model->versions[at].met) model->versions[at].met = now;
    return IMD_SEEN_DUPLICATE;
}

static void forget_in(struct model *model, imd_time before) {
    size_t i = 0;

    while (i < model->count) {
        const struct imd_version *at = &model->versions[i];

        if ((at->stamp > at->met ? at->stamp : at->met) < before) {
            model->versions[i] = model->versions[--model->count];
        } else {
            i++;
        }
    }
}

static void do_one(struct imd_seen **seen, struct model *model, unsigned *seed, imd_time now) {
    static const unsigned homes[] = {0x00, 0x01, 0x7f, 0xfe, 0xff};
    struct imd_version one = version(homes[rand_r(seed) % 5], (unsigned)rand_r(seed) % 40, now - rand_r(seed) % 4, now);
    int choice = rand_r(seed) % 100;
    bool knows_id;
    size_t at = find_in(model, &one, &knows_id);

    if (choice < 45 && model->count < MODEL_MAX) {
        add(seen, one);
        if (at == model->count) model->versions[model->count++] = one;
    } else if (choice < 70) {
        assert_int_equal(imd_seen_find(*seen, &one.id, one.stamp, now), expected_answer(model, &one, now));
    } else if (choice < 97 && model->count > 0) {
        if (choice < 90) one = model->versions[at = (size_t)rand_r(seed) % model->count];
        imd_seen_remove(*seen, &one.id, one.stamp);
        if (at < model->count) model->versions[at] = model->versions[--model->count];
    } else {
        imd_time before = now - rand_r(seed) % 200;

        imd_seen_forget(seen, before);
        forget_in(model, before);
    }
}

static void any_operations_answer_as_a_list_does(void **state) {
    unsigned seed, round, i;

    (void)state;
    for (seed = 1; seed <= 200; seed++) {
        struct imd_seen *seen = NULL;
        struct model model = {.count = 0};
        unsigned random = seed;

        for (round = 0; round < 1000; round++) {
            do_one(&seen, &model, &random, (imd_time)round);
            if (imd_seen_count(seen) != model.count) fail_msg("seed %u, operation %u: the counts differ", seed, round);
        }
        for (i = 0; i < model.count; i++) {
            if (imd_seen_find(seen, &model.versions[i].id, model.versions[i].stamp, 0) != IMD_SEEN_DUPLICATE) {
                fail_msg("seed %u: a version got lost", seed);
            }
        }
        imd_seen_free(seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_knows_nothing),
        cmocka_unit_test(versions_of_one_id_are_updates_of_each_other),
        cmocka_unit_test(adding_twice_counts_once),
        cmocka_unit_test(what_is_met_again_is_kept_longer),
        cmocka_unit_test(memory_stays_within_64_bytes_a_version_and_comes_back),
        cmocka_unit_test(any_operations_answer_as_a_list_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
