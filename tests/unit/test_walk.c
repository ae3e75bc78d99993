/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of walk.h, one by one: which request follows which page, when a walk is done, and what it may say it has
 * reached. Pages are made by hand; for whole walks see test_walk_habits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/walk.h"

#define LOWER INT64_C(1000)

static const struct imd_source *const alerts = &imd_sources[IMD_SOURCE_ALERTS];
static struct imd_error error;

/* Enough evidence that the API obeys the order. */
static struct imd_paging trusting(void) {
    return (struct imd_paging){.ceiling = 1000, .top = 5, .trust = 1000, .tie_stamp = IMD_TIME_NONE};
}

static struct imd_paging untried(void) {
    return (struct imd_paging){.ceiling = 1000, .top = 5, .tie_stamp = IMD_TIME_NONE};
}

static struct imd_walk begin(struct imd_paging *paging) {
    struct imd_walk walk;
    assert_true(imd_walk_begin(&walk, alerts, paging, LOWER));
    return walk;
}

struct more {
    const char *link;
    bool foreign, known; /* known: met before */
    int64_t total;       /* -1: not told */
};

static const struct more nothing_more = {.total = -1};

/* A page with these stamps, the created times 500 before them. */
static enum imd_walk_step page_with(struct imd_walk *walk, struct more more, unsigned count, const imd_time *stamps) {
    imd_walk_page_begin(walk);
    for (unsigned i = 0; i < count; i++)
        imd_walk_object(walk, stamps[i], stamps[i] == IMD_TIME_NONE ? stamps[i] : stamps[i] - 500, !more.known);
    return imd_walk_page_end(walk, more.link, more.foreign, more.total, &error);
}

#define PAGE(walk, more, ...) \
    page_with(walk, more, sizeof((imd_time[]){__VA_ARGS__}) / sizeof(imd_time), (imd_time[]){__VA_ARGS__})
#define EMPTY(walk, more) page_with(walk, more, 0, NULL)

static void asks_ordered(const struct imd_walk *walk, imd_time from) {
    struct imd_walk_query query = imd_walk_query(walk);
    assert_true(query.ordered);
    assert_null(query.next_link);
    assert_int_equal(query.region.from, from);
    assert_int_equal(query.region.to, IMD_TIME_NONE);
}

static void asks_region(const struct imd_walk *walk, imd_time from, imd_time to) {
    struct imd_walk_query query = imd_walk_query(walk);
    assert_false(query.ordered);
    assert_null(query.next_link);
    assert_int_equal(query.region.from, from);
    assert_int_equal(query.region.to, to);
}

static void asks_link(const struct imd_walk *walk, const char *link) {
    assert_non_null(imd_walk_query(walk).next_link);
    assert_string_equal(imd_walk_query(walk).next_link, link);
}

/* --- whole pages --- */

static void a_walk_begins_ordered_at_its_lower_bound(void **state) {
    (void)state;
    struct imd_paging paging = untried();
    struct imd_walk walk = begin(&paging);
    asks_ordered(&walk, LOWER);
    assert_int_equal(imd_walk_query(&walk).top, 5);
    assert_int_equal(imd_walk_reached(&walk), LOWER);
    imd_walk_end(&walk);
}

static void an_empty_page_without_a_link_is_the_end(void **state) {
    (void)state;
    struct imd_paging paging = untried();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(EMPTY(&walk, nothing_more), IMD_WALK_DONE);
    imd_walk_end(&walk);
}

static void a_page_smaller_than_one_seen_before_is_whole(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    paging.widest = 4;
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003), IMD_WALK_DONE);
    imd_walk_end(&walk);
    /* as wide as the widest: a lower ceiling than the one asked for may have cut it off */
    walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004), IMD_WALK_MORE);
    imd_walk_end(&walk);
    /* pages once were larger, but now fewer are asked for */
    paging.top = 3;
    walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003), IMD_WALK_MORE);
    imd_walk_end(&walk);
}

static void one_object_is_whole_unless_one_was_asked_for(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001), IMD_WALK_DONE);
    imd_walk_end(&walk);
    paging.top = 1;
    walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001), IMD_WALK_MORE);
    asks_ordered(&walk, 1001);
    imd_walk_end(&walk);
}

static void a_link_or_a_count_says_that_more_follows(void **state) {
    (void)state;
    static const struct more signs[] = {
        {.link = "https://a/next", .total = -1}, {.foreign = true, .total = -1}, {.total = 2}};
    for (size_t i = 0; i < 3; i++) {
        struct imd_paging paging = trusting();
        paging.widest = 100;
        struct imd_walk walk = begin(&paging);
        assert_int_equal(PAGE(&walk, signs[i], 1001), IMD_WALK_MORE);
        asks_ordered(&walk, 1001); /* the link itself is not followed: the cursor is better */
        imd_walk_end(&walk);
    }
}

/* --- in order --- */

static void the_cursor_moves_to_the_last_stamp_never_beyond(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1004), IMD_WALK_MORE);
    asks_ordered(&walk, 1004);
    assert_int_equal(imd_walk_reached(&walk), 1004);
    assert_int_equal(PAGE(&walk, nothing_more, 1004, 1004, 1005), IMD_WALK_DONE);
    imd_walk_end(&walk);
}

static void order_is_trusted_only_after_evidence(void **state) {
    (void)state;
    struct imd_paging paging = untried();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005), IMD_WALK_MORE);
    asks_region(&walk, LOWER, 1003); /* not trusted yet: the page serves to split what is left */
    assert_int_equal(paging.trust, 6);
    assert_false(paging.unordered);
    imd_walk_end(&walk);
    for (int i = 0; i < 4; i++) { /* each bit halves the odds of chance: 5! is 120 */
        walk = begin(&paging);
        PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005);
        imd_walk_end(&walk);
    }
    walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005), IMD_WALK_MORE);
    asks_ordered(&walk, 1005);
    imd_walk_end(&walk);
}

static void what_was_met_before_and_ties_are_no_evidence(void **state) {
    (void)state;
    struct imd_paging paging = untried();
    struct imd_walk walk = begin(&paging);
    PAGE(&walk, ((struct more){.known = true, .total = -1}), 1001, 1002, 1003, 1004, 1005);
    assert_int_equal(paging.trust, 0);
    imd_walk_end(&walk);
    walk = begin(&paging);
    PAGE(&walk, nothing_more, 1001, 1001, 1001, 1001, 1001);
    assert_int_equal(paging.trust, 0);
    imd_walk_end(&walk);
}

static void a_page_out_of_order_ends_the_trust(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005);
    assert_int_equal(PAGE(&walk, nothing_more, 1006, 1005, 1007), IMD_WALK_MORE);
    asks_region(&walk, 1005, IMD_TIME_NONE); /* on from what was reached in order */
    assert_true(paging.unordered);
    imd_walk_end(&walk);
    walk = begin(&paging);
    asks_region(&walk, LOWER, IMD_TIME_NONE); /* also at later polls */
    imd_walk_end(&walk);
}

static void objects_below_the_cursor_end_the_trust(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 900, 901, 1002), IMD_WALK_MORE);
    asks_region(&walk, LOWER, IMD_TIME_NONE);
    imd_walk_end(&walk);
}

static void a_refused_order_is_done_without(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005);
    assert_true(imd_walk_order_refused(&walk));
    asks_region(&walk, 1005, IMD_TIME_NONE);
    assert_false(imd_walk_order_refused(&walk)); /* it was not asked for */
    imd_walk_end(&walk);
}

static void objects_without_a_stamp_are_counted_but_order_nothing(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, IMD_TIME_NONE, 1001, IMD_TIME_NONE, 1002, 1003), IMD_WALK_MORE);
    asks_ordered(&walk, 1003);
    imd_walk_end(&walk);
    /* a whole page of them says nothing of what follows: only a link leads on */
    walk = begin(&paging);
    assert_int_equal(
        PAGE(&walk, nothing_more, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE),
        IMD_WALK_FAILED);
    assert_true(error.what[0]);
    imd_walk_end(&walk);
}

/* --- ties --- */

static void a_page_of_one_stamp_becomes_a_region_and_is_remembered(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    PAGE(&walk, nothing_more, 1001, 1002, 1002, 1002, 1002);
    assert_int_equal(PAGE(&walk, nothing_more, 1002, 1002, 1002, 1002, 1002), IMD_WALK_MORE);
    asks_region(&walk, 1002, 1003);
    assert_int_equal(imd_walk_reached(&walk), 1002);
    assert_int_equal(PAGE(&walk, nothing_more, 1002, 1002), IMD_WALK_MORE);
    asks_ordered(&walk, 1003); /* resolved: on behind it */
    assert_int_equal(EMPTY(&walk, nothing_more), IMD_WALK_DONE);
    assert_int_equal(paging.tie_stamp, 1002);
    assert_int_equal(paging.tie_count, 5);
    imd_walk_end(&walk);
}

/* A tie as large as the API's hidden ceiling: whatever came since stands behind it and is cut off. */
static void behind_a_known_tie_the_walk_goes_on(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    paging.top = 1000;
    paging.widest = 3;
    paging.tie_stamp = 1001;
    paging.tie_count = 3;
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1001, 1001), IMD_WALK_MORE);
    asks_ordered(&walk, 1001);
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1001, 1001), IMD_WALK_MORE);
    asks_ordered(&walk, 1002); /* not proved again, but not the end either */
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1006), IMD_WALK_DONE);
    imd_walk_end(&walk);
}

static void a_tie_that_grew_is_proved_again(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    paging.tie_stamp = LOWER;
    paging.tie_count = 3;
    paging.widest = 3;
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, LOWER, LOWER, LOWER, LOWER), IMD_WALK_MORE);
    asks_region(&walk, LOWER, LOWER + 1);
    imd_walk_end(&walk);
}

static void a_tie_out_of_reach_holds_the_watermark_and_is_not_remembered(void **state) {
    (void)state;
    struct imd_paging paging = {.ceiling = 2, .top = 2, .trust = 1000, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(&paging);
    const imd_time ties[2] = {LOWER + 7, LOWER + 9};
    enum imd_walk_step step = IMD_WALK_MORE;
    /* an API that knows of no creation time, partition or link, and cuts off after two: two ties, each out of reach */
    for (int i = 0; i < 2000 && step == IMD_WALK_MORE; i++) {
        struct imd_walk_query query = imd_walk_query(&walk);
        imd_walk_page_begin(&walk);
        for (int tie = 0, room = 2; tie < 2; tie++)
            for (int object = 0; object < 3 && room; object++)
                if (ties[tie] >= query.region.from &&
                    (query.region.to == IMD_TIME_NONE || ties[tie] < query.region.to)) {
                    imd_walk_object(&walk, ties[tie], IMD_TIME_NONE, false);
                    room--;
                }
        step = imd_walk_page_end(&walk, NULL, false, -1, &error);
    }
    assert_int_equal(step, IMD_WALK_DONE);
    assert_int_equal(walk.hold, LOWER + 7);
    assert_int_equal(imd_walk_reached(&walk), LOWER + 7);
    assert_int_equal(paging.tie_stamp, IMD_TIME_NONE);
    imd_walk_end(&walk);
}

/* --- regions --- */

static void a_region_is_halved_oldest_first(void **state) {
    (void)state;
    struct imd_paging paging = untried();
    paging.unordered = true;
    struct imd_walk walk = begin(&paging);
    asks_region(&walk, LOWER, IMD_TIME_NONE);
    assert_int_equal(PAGE(&walk, nothing_more, 1030, 1010, 1020, 1040, 1050), IMD_WALK_MORE);
    asks_region(&walk, LOWER, 1026);
    assert_int_equal(imd_walk_reached(&walk), LOWER);
    assert_int_equal(PAGE(&walk, nothing_more, 1020, 1010), IMD_WALK_MORE);
    asks_region(&walk, 1026, IMD_TIME_NONE);
    assert_int_equal(imd_walk_reached(&walk), 1026);
    assert_int_equal(PAGE(&walk, nothing_more, 1030, 1040, 1050), IMD_WALK_DONE);
    imd_walk_end(&walk);
}

/* One stamp: a region of its own, then by creation time, then by each partition, then larger pages, then given up. */
static void ties_are_split_by_all_there_is(void **state) {
    (void)state;
    struct imd_paging paging = {.ceiling = 4, .top = 2, .unordered = true, .widest = 2, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(&paging);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005), IMD_WALK_MORE);
    asks_region(&walk, LOWER, 1005);
    assert_int_equal(EMPTY(&walk, nothing_more), IMD_WALK_MORE);
    asks_region(&walk, 1005, 1006);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005), IMD_WALK_MORE);
    assert_int_equal(imd_walk_query(&walk).region.created_to, 505);
    assert_int_equal(EMPTY(&walk, nothing_more), IMD_WALK_MORE);
    assert_int_equal(imd_walk_query(&walk).region.created_from, 505);
    assert_int_equal(imd_walk_query(&walk).region.created_to, 506);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005), IMD_WALK_MORE);
    assert_true(imd_walk_query(&walk).region.value[0] >= 0);
    assert_int_equal(imd_walk_query(&walk).region.value[1], -1);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005), IMD_WALK_MORE);
    assert_true(imd_walk_query(&walk).region.value[1] >= 0);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005), IMD_WALK_MORE);
    assert_int_equal(imd_walk_query(&walk).top, 4);
    assert_int_equal(walk.hold, IMD_TIME_NONE);
    assert_int_equal(PAGE(&walk, nothing_more, 1005, 1005, 1005, 1005), IMD_WALK_MORE);
    assert_int_equal(walk.hold, 1005); /* the rest goes on, the watermark stays */
    enum imd_walk_step step = IMD_WALK_MORE;
    for (int i = 0; i < 1000 && step == IMD_WALK_MORE; i++) step = EMPTY(&walk, nothing_more);
    assert_int_equal(step, IMD_WALK_DONE);
    assert_int_equal(walk.hold, 1005);
    imd_walk_end(&walk);
}

/* Whatever is asked, the newest objects come: what the API has below them is unknown. */
static void where_the_filter_is_not_obeyed_nothing_is_claimed(void **state) {
    (void)state;
    struct imd_paging paging = {.ceiling = 3, .top = 3, .unordered = true, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(&paging);
    enum imd_walk_step step = IMD_WALK_MORE;
    for (int i = 0; i < 3000 && step == IMD_WALK_MORE; i++) step = PAGE(&walk, nothing_more, 2003, 2002, 2001);
    assert_int_equal(step, IMD_WALK_DONE);
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
}

static void open_regions_are_bounded(void **state) {
    (void)state;
    struct imd_paging paging = {.ceiling = 2, .top = 2, .unordered = true, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(&paging);
    enum imd_walk_step step = IMD_WALK_MORE;
    for (unsigned pages = 0; pages < 100000 && step == IMD_WALK_MORE;
         pages++) { /* always more, as far apart as can be */
        struct imd_walk_query query = imd_walk_query(&walk);
        imd_time from = query.region.from, to = query.region.to == IMD_TIME_NONE ? INT64_MAX / 4 : query.region.to;
        imd_time created = query.region.created_to == IMD_TIME_NONE ? INT64_MAX / 4 : query.region.created_to;
        imd_walk_page_begin(&walk);
        imd_walk_object(&walk, from, query.region.created_from == IMD_TIME_NONE ? 0 : query.region.created_from, false);
        imd_walk_object(&walk, to - 1, created - 1, false);
        step = imd_walk_page_end(&walk, NULL, false, 100, &error);
        assert_true(walk.region_count <= IMD_WALK_REGIONS_MAX);
    }
    assert_int_equal(step, IMD_WALK_MORE);
    assert_int_equal(imd_walk_reached(&walk), LOWER);
    imd_walk_end(&walk);
}

/* --- links --- */

/* Two objects that tie in all a query can tell apart; only links lead on. */
static struct imd_walk begin_stuck(struct imd_paging *paging) {
    *paging = (struct imd_paging){.ceiling = 2, .top = 2, .unordered = true, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(paging);
    walk.regions[0] = (struct imd_region){LOWER, LOWER + 1, LOWER - 500, LOWER - 499, {0, 0}};
    return walk;
}

static struct more link_to(const char *link, bool known) {
    return (struct more){.link = link, .known = known, .total = -1};
}

static void links_are_followed_until_a_round_brings_nothing_new(void **state) {
    (void)state;
    struct imd_paging paging;
    struct imd_walk walk = begin_stuck(&paging);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(PAGE(&walk, link_to("https://a/2", round), LOWER, LOWER), IMD_WALK_MORE);
        asks_link(&walk, "https://a/2");
        assert_int_equal(PAGE(&walk, link_to("https://a/3", round), LOWER, LOWER), IMD_WALK_MORE);
        asks_link(&walk, "https://a/3");
        assert_int_equal(PAGE(&walk, link_to(NULL, round), LOWER), round ? IMD_WALK_DONE : IMD_WALK_MORE);
        if (!round) asks_region(&walk, LOWER, LOWER + 1); /* offsets may have shifted meanwhile: once more */
    }
    assert_int_equal(walk.hold, IMD_TIME_NONE);
    imd_walk_end(&walk);
}

static void links_that_always_bring_something_new_are_given_up(void **state) {
    (void)state;
    struct imd_paging paging;
    struct imd_walk walk = begin_stuck(&paging);
    enum imd_walk_step step = IMD_WALK_MORE;
    unsigned pages = 0;
    for (; step == IMD_WALK_MORE && pages < 1000; pages++)
        step = PAGE(&walk, link_to(pages % 2 ? NULL : "https://a/2", false), LOWER, LOWER);
    assert_int_equal(step, IMD_WALK_DONE);
    assert_int_equal(pages, 2 * IMD_WALK_CHAIN_ROUNDS);
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
}

/* Links in a circle of any length: the rest of the region is out of reach, everything else is not. */
static void a_loop_of_links_is_met_and_left(void **state) {
    (void)state;
    for (unsigned circle = 1; circle <= 40; circle++) {
        struct imd_paging paging;
        struct imd_walk walk = begin_stuck(&paging);
        enum imd_walk_step step = IMD_WALK_MORE;
        unsigned pages = 0;
        for (; step == IMD_WALK_MORE && pages < 500; pages++) {
            char link[40];
            snprintf(link, sizeof link, "https://a/%u", pages % circle);
            step = PAGE(&walk, link_to(link, false), LOWER, LOWER);
        }
        assert_int_equal(step, IMD_WALK_DONE);
        assert_true(pages <= 4 * circle + 4);
        assert_int_equal(walk.hold, LOWER);
        imd_walk_end(&walk);
    }
}

static void a_chain_of_links_is_bounded(void **state) {
    (void)state;
    struct imd_paging paging;
    struct imd_walk walk = begin_stuck(&paging);
    enum imd_walk_step step = IMD_WALK_MORE;
    unsigned pages = 0;
    for (; step == IMD_WALK_MORE && pages < 2 * IMD_WALK_LINKS_MAX; pages++) {
        char link[40];
        snprintf(link, sizeof link, "https://a/%u", pages);
        step = PAGE(&walk, link_to(link, false), LOWER, LOWER);
    }
    assert_int_equal(pages, IMD_WALK_LINKS_MAX + 1);
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
}

static void a_refused_link_is_done_without(void **state) {
    (void)state;
    struct imd_paging paging;
    struct imd_walk walk = begin_stuck(&paging);
    assert_false(imd_walk_link_refused(&walk));
    assert_int_equal(PAGE(&walk, link_to("https://a/2", false), LOWER, LOWER), IMD_WALK_MORE);
    asks_link(&walk, "https://a/2");
    assert_true(imd_walk_link_refused(&walk));
    asks_region(&walk, LOWER, LOWER + 1);
    assert_int_equal(PAGE(&walk, link_to("https://a/2", true), LOWER, LOWER), IMD_WALK_DONE); /* and not tried again */
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
}

static void a_foreign_link_is_not_followed_but_believed(void **state) {
    (void)state;
    struct imd_paging paging;
    struct imd_walk walk = begin_stuck(&paging);
    assert_int_equal(PAGE(&walk, ((struct more){.foreign = true, .total = -1}), LOWER), IMD_WALK_DONE);
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
    /* in the middle of a chain */
    walk = begin_stuck(&paging);
    PAGE(&walk, link_to("https://a/2", false), LOWER, LOWER);
    assert_int_equal(PAGE(&walk, ((struct more){.foreign = true, .total = -1}), LOWER), IMD_WALK_DONE);
    assert_int_equal(walk.hold, LOWER);
    imd_walk_end(&walk);
}

static void empty_pages_with_a_link_are_passed(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    assert_int_equal(EMPTY(&walk, link_to("https://a/2", false)), IMD_WALK_MORE);
    asks_link(&walk, "https://a/2");
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002, 1003, 1004, 1005), IMD_WALK_MORE);
    asks_ordered(&walk, 1005);
    assert_int_equal(EMPTY(&walk, link_to("https://a/3", false)), IMD_WALK_MORE);
    assert_int_equal(EMPTY(&walk, link_to("https://a/3", false)), IMD_WALK_FAILED); /* goes round */
    assert_int_equal(imd_walk_reached(&walk), 1005);
    imd_walk_end(&walk);
    paging.unordered = true;
    walk = begin(&paging);
    assert_int_equal(EMPTY(&walk, link_to("https://a/2", false)), IMD_WALK_MORE);
    asks_link(&walk, "https://a/2");
    assert_int_equal(PAGE(&walk, nothing_more, 1001, 1002), IMD_WALK_DONE);
    imd_walk_end(&walk);
}

/* --- page sizes --- */

static void a_page_that_is_too_large_is_asked_for_in_parts(void **state) {
    (void)state;
    struct imd_paging paging = trusting();
    struct imd_walk walk = begin(&paging);
    EMPTY(&walk, link_to("https://a/2", false));
    assert_true(imd_walk_shrink(&walk, 2));
    asks_ordered(&walk, LOWER); /* the link would bring the same again */
    assert_int_equal(imd_walk_query(&walk).top, 2);
    assert_false(imd_walk_shrink(&walk, 2));
    assert_true(imd_walk_shrink(&walk, 0));
    assert_int_equal(imd_walk_query(&walk).top, 1);
    assert_false(imd_walk_shrink(&walk, 0));
    imd_walk_end(&walk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_begins_ordered_at_its_lower_bound),
        cmocka_unit_test(an_empty_page_without_a_link_is_the_end),
        cmocka_unit_test(a_page_smaller_than_one_seen_before_is_whole),
        cmocka_unit_test(one_object_is_whole_unless_one_was_asked_for),
        cmocka_unit_test(a_link_or_a_count_says_that_more_follows),
        cmocka_unit_test(the_cursor_moves_to_the_last_stamp_never_beyond),
        cmocka_unit_test(order_is_trusted_only_after_evidence),
        cmocka_unit_test(what_was_met_before_and_ties_are_no_evidence),
        cmocka_unit_test(a_page_out_of_order_ends_the_trust),
        cmocka_unit_test(objects_below_the_cursor_end_the_trust),
        cmocka_unit_test(a_refused_order_is_done_without),
        cmocka_unit_test(objects_without_a_stamp_are_counted_but_order_nothing),
        cmocka_unit_test(a_page_of_one_stamp_becomes_a_region_and_is_remembered),
        cmocka_unit_test(behind_a_known_tie_the_walk_goes_on),
        cmocka_unit_test(a_tie_that_grew_is_proved_again),
        cmocka_unit_test(a_tie_out_of_reach_holds_the_watermark_and_is_not_remembered),
        cmocka_unit_test(a_region_is_halved_oldest_first),
        cmocka_unit_test(ties_are_split_by_all_there_is),
        cmocka_unit_test(where_the_filter_is_not_obeyed_nothing_is_claimed),
        cmocka_unit_test(open_regions_are_bounded),
        cmocka_unit_test(links_are_followed_until_a_round_brings_nothing_new),
        cmocka_unit_test(links_that_always_bring_something_new_are_given_up),
        cmocka_unit_test(a_loop_of_links_is_met_and_left),
        cmocka_unit_test(a_chain_of_links_is_bounded),
        cmocka_unit_test(a_refused_link_is_done_without),
        cmocka_unit_test(a_foreign_link_is_not_followed_but_believed),
        cmocka_unit_test(empty_pages_with_a_link_are_passed),
        cmocka_unit_test(a_page_that_is_too_large_is_asked_for_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
