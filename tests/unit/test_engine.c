/* SPDX-License-Identifier: Apache-2.0 */
/* The engine with all its threads: its own, the checkpoints', a sink's, and those that read statistics, reload and
 * stop. */
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

#include "one_world.h"

#define TENANTS 8u
#define EACH 120u

/* Of the world its API, store and file; engine and sink are of this file. */
static struct imd_engine *engine;
static struct imd_engine_input *input;

/* --- a sink with a thread, as a submitter is --- */

struct sink {
    pthread_mutex_t lock;
    struct imd_batch *first, **end;
    bool stopping;
    unsigned delivered; /* atomic; alerts */
    bool acknowledging; /* atomic */
    unsigned released;  /* atomic; batches */
    pthread_t thread;
};

static struct sink sink;

static void submit(void *context, struct imd_batch *batch) {
    (void)context;
    batch->next = NULL;
    pthread_mutex_lock(&sink.lock);
    *sink.end = batch;
    sink.end = &batch->next;
    pthread_mutex_unlock(&sink.lock);
}

static bool acknowledged(void *context, const struct imd_batch *batch) {
    (void)context;
    (void)batch;
    return __atomic_load_n(&sink.acknowledging, __ATOMIC_ACQUIRE);
}

static void release(void *context, struct imd_batch *batch) {
    (void)context;
    (void)batch;
    __atomic_add_fetch(&sink.released, 1, __ATOMIC_ACQ_REL);
}

static struct imd_batch *take(bool *stopping) {
    pthread_mutex_lock(&sink.lock);
    struct imd_batch *batch = sink.first;
    if (batch) sink.first = batch->next;
    if (!sink.first) sink.end = &sink.first;
    *stopping = sink.stopping;
    pthread_mutex_unlock(&sink.lock);
    return batch;
}

static void nap(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void *run_sink(void *context) {
    (void)context;
    for (bool stopping = false; !stopping;) {
        struct imd_batch *batch = take(&stopping);
        if (!batch) {
            nap(1);
        } else if (stopping) {
            imd_engine_abandoned(engine, batch);
        } else {
            if (batch->kind == IMD_BATCH_ALERTS)
                __atomic_add_fetch(&sink.delivered, (unsigned)batch->count, __ATOMIC_ACQ_REL);
            imd_engine_submitted(engine, batch);
        }
    }
    return NULL;
}

static void stop_sink(void) {
    pthread_mutex_lock(&sink.lock);
    sink.stopping = true;
    pthread_mutex_unlock(&sink.lock);
    pthread_join(sink.thread, NULL);
    bool stopping;
    for (struct imd_batch *batch; (batch = take(&stopping));) imd_engine_abandoned(engine, batch);
}

/* --- life --- */

static void begin(void) {
    struct imd_error error = {0};
    struct imd_tenants *tenants = NULL;
    const struct imd_engine_options options = {.store = &world.store.store};
    const struct imd_sink contract = {NULL, submit, acknowledged, release};
    memset(&sink, 0, sizeof sink);
    pthread_mutex_init(&sink.lock, NULL);
    sink.end = &sink.first;
    sink.acknowledging = true;
    world_init(&world, "maxInFlight", "400", "pageSize", "20", "pollInterval", "10", "reconcile", "30d",
               NULL); /* time flies here: nothing is to be forgotten */
    for (unsigned tenant = 1; tenant <= TENANTS; tenant++)
        for (unsigned i = 0; i < EACH; i++) {
            char id[20];
            snprintf(id, sizeof id, "a%u", i);
            virtual_api_alert(&world.api, world_tenant(tenant), id, i);
        }
    world_write_tenants(&world, TENANTS, NULL);
    engine = imd_engine_new_with(&options, &world.api.transport, true, 1, &error);
    assert_non_null(engine);
    assert_int_equal(imd_tenants_load(world.path, world.settings, NULL, &tenants, &error), 0);
    input = imd_engine_add_input(engine, WORLD_INPUT, world.path, world.settings, tenants, &contract, &error);
    assert_non_null(input);
    assert_int_equal(imd_engine_start(engine, &error), 0);
    assert_int_equal(pthread_create(&sink.thread, NULL, run_sink, NULL), 0);
}

static void end(void) {
    imd_engine_free(engine);
    engine = NULL;
    pthread_mutex_destroy(&sink.lock);
    world_free(&world);
}

static size_t stored(void) {
    size_t count = 0;
    for (unsigned tenant = 1; tenant <= TENANTS; tenant++) {
        struct memory_feed *feed =
            memory_store_find(&world.store, &(struct imd_feed_name){WORLD_INPUT, world_tenant(tenant), "alerts"});
        count += feed ? feed->count : 0;
    }
    return count;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *run_engine(void *context) {
    (void)context;
    imd_engine_run(engine, NULL, NULL);
    return NULL;
}

static void look(void *context, const struct imd_settings *settings, const struct imd_source *source,
                 struct imd_counters *counters) {
    (void)source;
    *(uint64_t *)context += imd_count_read(counters->alerts_submitted) + (settings->tenant_id != NULL);
}

/* --- tests --- */

static void every_thread_at_once(void **state) {
    (void)state;
    pthread_t running;
    begin();
    assert_int_equal(pthread_create(&running, NULL, run_engine, NULL), 0);
    int64_t until = now_ms() + 60000;
    uint64_t seen = 0;
    for (unsigned i = 0; imd_count_read(input->counters.alerts_acknowledged) < TENANTS * EACH && now_ms() < until;
         i++) {
        imd_engine_each_feed(engine, input, look, &seen);
        if (i % 20 == 0) imd_engine_reload(engine);
        nap(5);
    }
    int64_t stopped = now_ms();
    imd_engine_stop(engine);
    pthread_join(running, NULL);
    assert_true(now_ms() - stopped < 2000);
    assert_true(seen > 0);
    stop_sink();
    assert_int_equal(__atomic_load_n(&sink.delivered, __ATOMIC_ACQUIRE), TENANTS * EACH);
    assert_int_equal(stored(), TENANTS * EACH); /* what was acknowledged by the end is committed */
    end();
}

static bool stop_after_a_second(void *context) {
    return now_ms() > *(int64_t *)context + 1000;
}

static void the_end_with_open_receipts_commits_nothing_of_them(void **state) {
    (void)state;
    begin();
    sink.acknowledging = false;
    int64_t began = now_ms();
    imd_engine_run(engine, stop_after_a_second, &began);
    assert_true(now_ms() - began < 3000);
    assert_true(imd_count_read(input->counters.alerts_submitted) > 0);
    stop_sink();
    assert_int_equal(stored(), 0);
    assert_int_equal(__atomic_load_n(&sink.released, __ATOMIC_ACQUIRE), 0);
    end();
    assert_true(__atomic_load_n(&sink.released, __ATOMIC_ACQUIRE) > 0);
}

static void a_stop_before_the_run_is_not_lost(void **state) {
    (void)state;
    begin();
    imd_engine_stop(engine);
    imd_engine_run(engine, NULL, NULL);
    stop_sink();
    end();
}

static void an_engine_may_end_without_having_run(void **state) {
    (void)state;
    begin();
    stop_sink();
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_at_once),
        cmocka_unit_test(the_end_with_open_receipts_commits_nothing_of_them),
        cmocka_unit_test(a_stop_before_the_run_is_not_lost),
        cmocka_unit_test(an_engine_may_end_without_having_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
