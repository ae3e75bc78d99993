/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of requests, in virtual time: never above its share of the quota in any window, and never stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/budget.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

/* Asks as often as is allowed for `hours` from `now` on; notes each request's time. */
static size_t ask_always(unsigned per_minute, unsigned per_hour, int64_t now, int64_t until, int64_t *times,
                         size_t room) {
    struct imd_budget budget = {0};
    size_t count = 0;
    while (now < until && count < room) {
        int64_t wait = imd_budget_wait(&budget, per_minute, per_hour, 80, now);
        assert_true(wait >= 0 && wait <= HOUR + 10 * MINUTE);
        if (wait == 0) {
            imd_budget_spend(&budget, now);
            times[count++] = now;
            now += 3; /* an API that answers at once */
        }
        now += wait;
    }
    return count;
}

static size_t most_within(const int64_t *times, size_t count, int64_t window) {
    size_t most = 0;
    for (size_t first = 0, last = 0; last < count; last++) {
        while (times[last] - times[first] >= window) first++;
        if (last - first + 1 > most) most = last - first + 1;
    }
    return most;
}

static void check(unsigned per_minute, unsigned per_hour, int64_t start) {
    enum { ROOM = 200000 };
    int64_t *times = malloc(ROOM * sizeof *times);
    assert_non_null(times);
    size_t count = ask_always(per_minute, per_hour, start, start + 5 * HOUR, times, ROOM);
    if (per_minute) assert_in_range(most_within(times, count, MINUTE), 1, per_minute * 8 / 10);
    if (per_hour) assert_in_range(most_within(times, count, HOUR), 1, per_hour * 8 / 10);
    /* Most of the share can be used: a slot is lost in each window. */
    if (per_hour)
        assert_true(count >= 4 * (per_hour * 8 / 10));
    else
        assert_true(count >= 4 * 60 * (per_minute * 8 / 10) * 6 / 7);
    free(times);
}

static void a_busy_feed_stays_below_its_share_of_the_quota(void **state) {
    (void)state;
    for (int64_t start = 0; start < 20000; start += 1777) {
        check(150, 0, start);
        check(100, 1500, start);
        check(50, 1500, start);
    }
}

static void no_quota_is_no_limit(void **state) {
    (void)state;
    struct imd_budget budget = {0};
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(imd_budget_wait(&budget, 0, 0, 80, i), 0);
        imd_budget_spend(&budget, i);
    }
}

static void a_poll_a_minute_never_waits(void **state) {
    (void)state;
    struct imd_budget budget = {0};
    for (int64_t now = 12345; now < 100 * HOUR; now += MINUTE) {
        assert_int_equal(imd_budget_wait(&budget, 150, 1500, 80, now), 0);
        imd_budget_spend(&budget, now);
    }
}

static void a_long_pause_gives_the_whole_budget_back(void **state) {
    (void)state;
    struct imd_budget budget = {0};
    for (int i = 0; i < 120; i++) imd_budget_spend(&budget, 5000);
    assert_int_equal(imd_budget_wait(&budget, 150, 0, 80, 5000), 65000);
    assert_int_equal(imd_budget_wait(&budget, 150, 0, 80, 69999), 1);
    assert_int_equal(imd_budget_wait(&budget, 150, 0, 80, 70000), 0);
    imd_budget_spend(&budget, 1000000);
    assert_int_equal(budget.minute.spent[0] + budget.minute.spent[1] + budget.minute.spent[2] + budget.minute.spent[3] +
                         budget.minute.spent[4] + budget.minute.spent[5] + budget.minute.spent[6],
                     1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_feed_stays_below_its_share_of_the_quota),
        cmocka_unit_test(no_quota_is_no_limit),
        cmocka_unit_test(a_poll_a_minute_never_waits),
        cmocka_unit_test(a_long_pause_gives_the_whole_budget_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
