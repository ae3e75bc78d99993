/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: committed in the order of each feed, after acknowledgement and never before, whatever sinks and store
 * do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "engine/checkpoint.h"
#include "memory_store.h"
#include "settings_support.h"

#define BYTES 100 /* of each alert */

static struct imd_settings *settings;
static struct memory_store store;
static struct imd_store_operations operations; /* the store's, with counting */
static unsigned changes_asked, committed_calls;
static struct imd_buffer log_text;
static struct imd_counters counters;
static struct imd_load load;
static struct imd_checkpointer *checkpointer;
static struct imd_account *first, *second;
static imd_time next_stamp;

/* What a sink keeps of a batch. */
struct receipt {
    bool closed; /* atomic */
    bool released;
    struct imd_batch *batch;
};

static bool acknowledged(void *context, const struct imd_batch *batch) {
    (void)context;
    const struct receipt *receipt = batch->receipt;
    return __atomic_load_n(&receipt->closed, __ATOMIC_ACQUIRE);
}

static void release(void *context, struct imd_batch *batch) {
    (void)context;
    struct receipt *receipt = batch->receipt;
    if (!receipt) return;
    assert_false(receipt->released);
    receipt->released = true;
    batch->receipt = NULL;
}

static const struct imd_sink sink = {.acknowledged = acknowledged, .release = release};

static int count_changes(struct imd_store *given, const struct imd_change *changes, size_t count,
                         struct imd_error *error) {
    static int (*commit)(struct imd_store *, const struct imd_change *, size_t, struct imd_error *);
    struct memory_store plain;
    if (!commit) {
        memory_store_init(&plain);
        commit = plain.store.operations->commit;
    }
    changes_asked += (unsigned)count;
    return commit(given, changes, count, error);
}

static void note_commit(void *context) {
    (void)context;
    committed_calls++;
}

static void write_log(void *context, enum imd_log_level level, const char *text) {
    (void)context;
    imd_buffer_print(&log_text, "%d %s\n", (int)level, text);
}

static const struct imd_log logging = {.write = write_log};

static int begin(void **state) {
    (void)state;
    settings = settings_with(NULL, NULL);
    memory_store_init(&store);
    operations = *store.store.operations;
    operations.commit = count_changes;
    store.store.operations = &operations;
    changes_asked = committed_calls = 0;
    memset(&counters, 0, sizeof counters);
    memset(&load, 0, sizeof load);
    imd_buffer_init(&log_text, 1 << 20);
    checkpointer = imd_checkpointer_new(&store.store, &logging, note_commit, NULL);
    first = imd_account_new("in", "first", "alerts", &counters, &load);
    second = imd_account_new("in", "second", "alerts", &counters, &load);
    next_stamp = 1;
    return checkpointer && first && second ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    imd_checkpointer_free(checkpointer);
    imd_account_release(first);
    imd_account_release(second);
    memory_store_free(&store);
    imd_buffer_free(&log_text);
    imd_settings_release(settings);
    return 0;
}

static struct imd_delivery *make(struct imd_account *account, size_t count) {
    struct imd_delivery *delivery = calloc(1, sizeof *delivery);
    assert_non_null(delivery);
    delivery->batch.kind = count ? IMD_BATCH_ALERTS : IMD_BATCH_HEALTH;
    delivery->batch.settings = imd_settings_share(settings);
    delivery->batch.source = &imd_sources[0];
    delivery->account = imd_account_share(account);
    delivery->forget_before = IMD_TIME_NONE;
    if (!count) return delivery;
    delivery->sink = &sink;
    delivery->batch.alerts = calloc(count, sizeof *delivery->batch.alerts);
    delivery->versions = calloc(count, sizeof *delivery->versions);
    assert_true(delivery->batch.alerts && delivery->versions);
    for (size_t i = 0; i < count; i++) {
        delivery->batch.alerts[i].json = strdup("{}");
        delivery->versions[i].stamp = delivery->versions[i].met = next_stamp++;
    }
    delivery->batch.count = delivery->version_count = count;
    delivery->batch.bytes = count * BYTES;
    imd_count(load.alerts, count);
    imd_count(load.bytes, delivery->batch.bytes);
    imd_count(load.queued_bytes, delivery->batch.bytes);
    imd_count(account->alerts, count);
    return delivery;
}

/* Hands alerts to the sink: tracked, not submitted. */
static void hand_over(struct imd_account *account, size_t count, struct receipt *receipt) {
    struct imd_delivery *delivery = make(account, count);
    *receipt = (struct receipt){.batch = &delivery->batch};
    delivery->batch.receipt = receipt;
    imd_checkpointer_track(checkpointer, delivery);
}

static void submit(struct receipt *receipt) {
    imd_checkpointer_submitted(checkpointer, receipt->batch);
}

static void close_receipt(struct receipt *receipt) {
    __atomic_store_n(&receipt->closed, true, __ATOMIC_RELEASE);
}

static void mark(struct imd_account *account, imd_time watermark, imd_time forget_before) {
    struct imd_delivery *delivery = make(account, 0);
    delivery->has_checkpoint = true;
    delivery->checkpoint = (struct imd_checkpoint){IMD_TIME_NONE, watermark, IMD_TIME_NONE, IMD_TIME_NONE};
    delivery->forget_before = forget_before;
    imd_checkpointer_track(checkpointer, delivery);
}

static void flush(void) {
    imd_checkpointer_turn(checkpointer, 0, true);
}

static size_t stored(const char *tenant) {
    struct memory_feed *feed = memory_store_find(&store, &(struct imd_feed_name){"in", tenant, "alerts"});
    return feed ? feed->count : 0;
}

static imd_time watermark_of(const char *tenant) {
    struct memory_feed *feed = memory_store_find(&store, &(struct imd_feed_name){"in", tenant, "alerts"});
    return feed ? feed->checkpoint.watermark : IMD_TIME_NONE;
}

/* --- acknowledgement --- */

static void nothing_is_committed_before_it_is_acknowledged(void **state) {
    (void)state;
    struct receipt receipt;
    hand_over(first, 3, &receipt);
    flush();
    assert_int_equal(stored("first"), 0);
    close_receipt(&receipt); /* closed, but not all of it submitted: proves nothing */
    flush();
    assert_int_equal(stored("first"), 0);
    submit(&receipt);
    flush();
    assert_int_equal(stored("first"), 3);
    assert_true(receipt.released);
    assert_int_equal(committed_calls, 1);
}

static void a_later_batch_waits_for_an_earlier_one_of_its_feed_only(void **state) {
    (void)state;
    struct receipt a, b, other;
    hand_over(first, 2, &a);
    hand_over(first, 3, &b);
    hand_over(second, 1, &other);
    submit(&a), submit(&b), submit(&other);
    close_receipt(&b);
    close_receipt(&other);
    flush();
    assert_int_equal(stored("first"), 0);
    assert_int_equal(stored("second"), 1);
    assert_false(b.released);
    close_receipt(&a);
    flush();
    assert_int_equal(stored("first"), 5);
    struct memory_feed *feed = memory_store_find(&store, &(struct imd_feed_name){"in", "first", "alerts"});
    for (size_t i = 1; i < feed->count; i++) assert_true(feed->versions[i - 1].stamp < feed->versions[i].stamp);
}

static void a_watermark_stays_behind_what_was_delivered_before_it(void **state) {
    (void)state;
    struct receipt a, b;
    hand_over(first, 1, &a);
    mark(first, 1000, IMD_TIME_NONE);
    hand_over(first, 1, &b);
    mark(first, 2000, IMD_TIME_NONE);
    submit(&a), submit(&b);
    flush();
    assert_true(watermark_of("first") == IMD_TIME_NONE);
    close_receipt(&b);
    flush();
    assert_true(watermark_of("first") == IMD_TIME_NONE);
    close_receipt(&a);
    flush();
    assert_true(watermark_of("first") == 2000);
}

static void an_abandoned_batch_blocks_its_feed_for_good(void **state) {
    (void)state;
    static struct receipt a, b, other;
    hand_over(first, 2, &a);
    hand_over(first, 1, &b);
    mark(first, 1000, IMD_TIME_NONE);
    hand_over(second, 1, &other);
    submit(&b), submit(&other);
    imd_checkpointer_abandoned(checkpointer, a.batch);
    close_receipt(&a), close_receipt(&b), close_receipt(&other);
    for (int i = 0; i < 3; i++) flush();
    assert_int_equal(stored("first"), 0);
    assert_true(watermark_of("first") == IMD_TIME_NONE);
    assert_int_equal(stored("second"), 1);
    assert_false(a.released);
}

static void what_is_out_at_the_end_is_released_without_a_commit(void **state) {
    (void)state;
    struct receipt a, b, c;
    hand_over(first, 2, &a); /* with the sink */
    hand_over(second, 2, &b);
    submit(&b); /* not acknowledged */
    struct imd_account *third = imd_account_new("in", "third", "alerts", &counters, &load);
    hand_over(third, 1, &c);
    submit(&c);
    close_receipt(&c);
    store.failing = true;
    flush(); /* acknowledged, not committed */
    imd_account_release(third);
    imd_checkpointer_free(checkpointer);
    checkpointer = NULL;
    assert_true(a.released && b.released && c.released);
    assert_int_equal(stored("first") + stored("second") + stored("third"), 0);
}

/* --- commits --- */

static void commits_are_a_second_apart(void **state) {
    (void)state;
    struct receipt receipts[5];
    for (int i = 0; i < 5; i++) {
        hand_over(first, 1, &receipts[i]);
        submit(&receipts[i]);
        close_receipt(&receipts[i]);
        imd_checkpointer_turn(checkpointer, i * 300, false);
    }
    assert_int_equal(store.commits, 2);
    assert_int_equal(stored("first"), 5);
}

static void a_failed_commit_is_repeated_and_nothing_given_up(void **state) {
    (void)state;
    struct receipt a, b;
    store.failing = true;
    hand_over(first, 2, &a);
    submit(&a);
    close_receipt(&a);
    int64_t now = 0;
    unsigned asked = 0;
    for (; now < 600000; now += 100) {
        imd_checkpointer_turn(checkpointer, now, false);
        if (now == 300000) {
            asked = changes_asked;
            hand_over(first, 1, &b);
            submit(&b);
            close_receipt(&b);
        }
    }
    assert_in_range(asked, 8, 20); /* 1, 2, 4 ... 30 seconds apart */
    assert_int_equal(committed_calls, 0);
    assert_int_equal(load.alerts, 3); /* still out, so that polling stops */
    assert_int_equal(first->alerts, 3);
    assert_non_null(strstr(log_text.data, "checkpoints wait"));
    assert_null(strstr(strstr(log_text.data, "checkpoints wait") + 1, "checkpoints wait"));
    store.failing = false;
    for (int64_t until = now + 31000; now < until; now += 100) imd_checkpointer_turn(checkpointer, now, false);
    assert_int_equal(stored("first"), 3);
    assert_int_equal(load.alerts, 0);
    assert_non_null(strstr(log_text.data, "written again"));
}

static void a_commit_may_be_of_any_size(void **state) {
    (void)state;
    static struct receipt receipts[10000];
    for (size_t i = 0; i < 10000; i++) {
        hand_over(i % 2 ? first : second, 1, &receipts[i]);
        submit(&receipts[i]);
        close_receipt(&receipts[i]);
    }
    flush();
    assert_int_equal(changes_asked, 10000);
    assert_int_equal(load.alerts, 0);
}

/* While a disk is full for days, feeds without alerts mark their progress again and again. */
static void marks_that_cannot_be_written_do_not_pile_up(void **state) {
    (void)state;
    struct receipt receipt;
    store.failing = true;
    for (imd_time i = 1; i <= 1000; i++) {
        mark(first, i, i % 10 ? IMD_TIME_NONE : i);
        mark(second, i, IMD_TIME_NONE);
        flush();
    }
    hand_over(second, 1, &receipt);
    submit(&receipt);
    close_receipt(&receipt);
    flush();
    mark(second, 2000, IMD_TIME_NONE);
    flush();
    changes_asked = 0;
    store.failing = false;
    flush();
    assert_in_range(changes_asked, 3, 8);
    assert_true(watermark_of("first") == 1000);
    assert_true(watermark_of("second") == 2000);
    assert_int_equal(stored("second"), 1);
}

/* --- books --- */

static void the_books_follow_a_batch(void **state) {
    (void)state;
    struct receipt receipt;
    hand_over(first, 4, &receipt);
    assert_int_equal(load.queued_bytes, 4 * BYTES);
    assert_int_equal(counters.alerts_submitted, 0);
    submit(&receipt);
    assert_int_equal(load.queued_bytes, 0);
    assert_int_equal(load.bytes, 4 * BYTES);
    assert_int_equal(counters.alerts_submitted, 4);
    assert_int_equal(first->counters.alerts_submitted, 4);
    assert_int_equal(counters.inflight, 4);
    close_receipt(&receipt);
    store.failing = true;
    flush();
    assert_int_equal(counters.alerts_acknowledged, 4);
    assert_int_equal(counters.inflight, 0);
    assert_int_equal(load.alerts, 4);
    store.failing = false;
    flush();
    assert_int_equal(load.alerts, 0);
    assert_int_equal(load.bytes, 0);
    assert_int_equal(first->alerts, 0);
    assert_int_equal(first->counters.alerts_acknowledged, 4);
}

static void an_account_outlives_its_feed_while_something_is_out(void **state) {
    (void)state;
    struct imd_account *account = imd_account_new("in", "gone", "alerts", &counters, &load);
    struct receipt receipt;
    hand_over(account, 1, &receipt);
    imd_checkpointer_report(checkpointer, account, "ok", "", 5);
    imd_account_release(account);
    submit(&receipt);
    close_receipt(&receipt);
    flush();
    flush();
    assert_int_equal(stored("gone"), 1);
}

/* --- reports --- */

static const char *state_of(const char *tenant) {
    struct memory_feed *feed = memory_store_find(&store, &(struct imd_feed_name){"in", tenant, "alerts"});
    return feed ? feed->state : "";
}

static void the_latest_state_is_written_with_the_next_commit(void **state) {
    (void)state;
    imd_checkpointer_turn(checkpointer, 0, false);
    imd_checkpointer_report(checkpointer, first, "throttled", "why", 1);
    imd_checkpointer_report(checkpointer, first, "ok", NULL, 2);
    imd_checkpointer_turn(checkpointer, 500, false);
    assert_string_equal(state_of("first"), "");
    imd_checkpointer_turn(checkpointer, 1000, false);
    assert_string_equal(state_of("first"), "ok");
    char longest[1000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    imd_checkpointer_report(checkpointer, second, "credential", longest, 3);
    flush();
    assert_string_equal(state_of("second"), "credential");
}

static void a_state_is_written_also_while_alerts_are_out(void **state) {
    (void)state;
    struct receipt receipt;
    hand_over(first, 1, &receipt);
    submit(&receipt);
    imd_checkpointer_report(checkpointer, first, "throttled", "why", 1);
    flush();
    assert_string_equal(state_of("first"), "throttled");
    assert_int_equal(stored("first"), 0);
    close_receipt(&receipt);
    flush();
}

static void states_of_thousands_are_written_at_once(void **state) {
    (void)state;
    static struct imd_account *accounts[600];
    char name[20];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "t%d", i);
        accounts[i] = imd_account_new("in", name, "alerts", &counters, &load);
        imd_checkpointer_report(checkpointer, accounts[i], "ok", "reason", i);
    }
    flush();
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_string_equal(state_of(name), "ok");
        imd_account_release(accounts[i]);
    }
}

/* --- threads --- */

#define THREADED 2000

static struct receipt receipts[THREADED];
static unsigned handed_over; /* atomic */

static void *run_checkpoints(void *context) {
    imd_checkpointer_run(context);
    return NULL;
}

/* Submits and acknowledges behind the feeder, in bursts. */
static void *run_sink(void *context) {
    (void)context;
    const struct timespec moment = {0, 200000};
    for (unsigned done = 0; done < THREADED;) {
        unsigned until = __atomic_load_n(&handed_over, __ATOMIC_ACQUIRE), from = done;
        for (; done < until; done++) submit(&receipts[done]);
        nanosleep(&moment, NULL);
        for (unsigned i = until; i-- > from;) close_receipt(&receipts[i]); /* the later ones first */
    }
    return NULL;
}

static bool ignore_version(void *context, const struct imd_version *version) {
    (void)context;
    (void)version;
    return true;
}

static void all_threads_together_commit_everything_once(void **state) {
    (void)state;
    pthread_t committing, submitting;
    handed_over = 0;
    assert_int_equal(pthread_create(&committing, NULL, run_checkpoints, checkpointer), 0);
    assert_int_equal(pthread_create(&submitting, NULL, run_sink, NULL), 0);
    for (unsigned i = 0; i < THREADED; i++) {
        struct imd_checkpoint checkpoint;
        struct imd_error error;
        hand_over(i % 3 ? first : second, 1 + i % 3, &receipts[i]);
        __atomic_store_n(&handed_over, i + 1, __ATOMIC_RELEASE);
        if (i % 50 == 0) {
            mark(first, i, IMD_TIME_NONE);
            imd_checkpointer_report(checkpointer, second, i % 100 ? "ok" : "throttled", "why", i);
            const struct imd_feed_name name = {"in", "first", "alerts"};
            assert_true(imd_checkpointer_load(checkpointer, &name, &checkpoint, ignore_version, NULL, &error) >= 0);
        }
    }
    pthread_join(submitting, NULL);
    imd_checkpointer_stop(checkpointer); /* with the last ones not committed yet */
    pthread_join(committing, NULL);
    assert_int_equal(stored("first") + stored("second"), counters.alerts_submitted);
    assert_int_equal(counters.alerts_acknowledged, counters.alerts_submitted);
    assert_int_equal(load.alerts, 0);
    assert_int_equal(load.queued_bytes, 0);
    assert_true(watermark_of("first") == (THREADED - 1) / 50 * 50);
}

static void stopping_does_not_wait_for_what_is_open(void **state) {
    (void)state;
    pthread_t committing;
    static struct receipt open, closed;
    struct timespec began, ended;
    assert_int_equal(pthread_create(&committing, NULL, run_checkpoints, checkpointer), 0);
    hand_over(first, 1, &open);
    hand_over(second, 1, &closed);
    submit(&open), submit(&closed);
    close_receipt(&closed);
    clock_gettime(CLOCK_MONOTONIC, &began);
    imd_checkpointer_stop(checkpointer);
    pthread_join(committing, NULL);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 < 500);
    assert_int_equal(stored("first"), 0);
    assert_int_equal(stored("second"), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_committed_before_it_is_acknowledged),
        TEST(a_later_batch_waits_for_an_earlier_one_of_its_feed_only),
        TEST(a_watermark_stays_behind_what_was_delivered_before_it),
        TEST(an_abandoned_batch_blocks_its_feed_for_good),
        TEST(what_is_out_at_the_end_is_released_without_a_commit),
        TEST(commits_are_a_second_apart),
        TEST(a_failed_commit_is_repeated_and_nothing_given_up),
        TEST(a_commit_may_be_of_any_size),
        TEST(marks_that_cannot_be_written_do_not_pile_up),
        TEST(the_books_follow_a_batch),
        TEST(an_account_outlives_its_feed_while_something_is_out),
        TEST(the_latest_state_is_written_with_the_next_commit),
        TEST(a_state_is_written_also_while_alerts_are_out),
        TEST(states_of_thousands_are_written_at_once),
        TEST(all_threads_together_commit_everything_once),
        TEST(stopping_does_not_wait_for_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
