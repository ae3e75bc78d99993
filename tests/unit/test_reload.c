/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants file changes while the engine runs, and tenants do not disturb each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "one_world.h"
#include "settings_support.h"

/* An alert for each of `count` tenants. */
static void make_alerts(unsigned count, const char *id) {
    for (unsigned i = 1; i <= count; i++) virtual_api_alert(&world.api, world_tenant(i), id, 0);
}

static void all_have(unsigned from, unsigned count, const char *id) {
    for (unsigned i = from; i < from + count; i++)
        if (world_alerts(&world, i, id) != 1)
            fail_msg("tenant %u has %s %zu times", i, id, world_alerts(&world, i, id));
}

/* --- the file --- */

static void a_changed_file_is_taken_over_without_a_signal(void **state) {
    (void)state;
    make_alerts(4, "a");
    world_begin(3, NULL);
    world_run(&world, 2 * MINUTES);
    all_have(1, 3, "a");
    world_write_tenants(&world, 4, NULL);
    world_run(&world, 10 * SECONDS);
    all_have(4, 1, "a");
    world_run(&world, 2 * MINUTES);
    all_have(1, 4, "a"); /* those that stayed were not told again */
    assert_int_equal(world.api.token_requests, 4);
    assert_int_equal(world_logged(&world, "read again, 4 tenants (3 before)"), 1);
}

static void who_is_taken_out_is_polled_no_more(void **state) {
    (void)state;
    world_begin(3, NULL);
    world_run(&world, 2 * MINUTES);
    world_write_tenants(&world, 2, NULL);
    world_run(&world, 10 * SECONDS);
    make_alerts(3, "after");
    world_run(&world, 10 * MINUTES);
    all_have(1, 2, "after");
    assert_int_equal(world_alerts(&world, 3, NULL), 0);
    /* and is where it was when it comes back */
    world_write_tenants(&world, 3, NULL);
    world_run(&world, 2 * MINUTES);
    all_have(1, 3, "after");
}

static void new_settings_count_from_the_next_request(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 5 * MINUTES);
    world_write_tenants(&world, 1, "      pollInterval: 10\n      tenantName: Renamed\n");
    world_run(&world, 5 * SECONDS);
    uint64_t polls = world_counters(&world, 1)->polls;
    world_run(&world, 5 * MINUTES);
    assert_in_range(world_counters(&world, 1)->polls - polls, 28, 36);
    assert_string_equal(world_feed(&world, 1)->tenant->settings->tenant_name, "Renamed");
}

static void a_new_credential_gets_a_new_token(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 2 * MINUTES);
    world_write_tenants(&world, 1, "      clientSecret: another\n");
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world.api.token_requests, 2);
}

static void an_error_in_the_file_changes_nothing_and_is_told_once(void **state) {
    (void)state;
    static const char *const bad[] = {"tenants:\n    - tenantId: [\n", "", "tenants: []\n",
                                      "tenants:\n    - tenantId: not a guid\n",
                                      "tenants:\n    - tenantID: x\n      nonsense: 1\n"};
    world_begin(2, NULL);
    world_run(&world, 2 * MINUTES);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%zu", i);
        world_write_file(&world, bad[i]);
        world_run(&world, 10 * SECONDS);
        make_alerts(2, id);
        world_run(&world, 2 * MINUTES);
        all_have(1, 2, id);
        assert_int_equal(world_logged(&world, "the tenants stay as they were"), i + 1);
    }
    unlink(world.path);
    make_alerts(2, "gone");
    world_run(&world, 2 * MINUTES);
    all_have(1, 2, "gone");
}

static void slow_api(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    (void)call;
    answer->delay = 3000;
}

/* At any moment: during sign-in, in the middle of a page, parked. */
static void a_reload_at_any_moment_repeats_and_loses_nothing(void **state) {
    (void)state;
    world.api.script = slow_api;
    world.api.latency = 10;
    settings_put(world.settings, "pageSize", "3");
    for (unsigned i = 0; i < 20; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%u", i);
        make_alerts(3, id);
        world.api.now += 1000;
    }
    world_begin(3, NULL);
    for (int i = 0; i < 60; i++) {
        world_run(&world, 1100 + i * 37 % 900);
        world_write_tenants(&world, i % 3 ? 3 : 2, i % 2 ? "      tenantName: A\n" : "      tenantName: B\n");
        imd_engine_reload(world.engine);
    }
    world.api.script = NULL;
    world_write_tenants(&world, 3, NULL);
    world_run(&world, 10 * MINUTES);
    for (unsigned i = 0; i < 20; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%u", i);
        all_have(1, 3, id);
    }
}

static void a_reload_is_no_burst(void **state) {
    (void)state;
    world_begin(200, NULL);
    world_run(&world, 5 * MINUTES + 20 * SECONDS);
    unsigned requests = world.api.requests;
    imd_engine_reload(world.engine);
    world_run(&world, 1 * SECONDS);
    assert_true(world.api.requests - requests < 150); /* a second's worth of a minute's, where all run in a row */
    world_run(&world, 59 * SECONDS);
    assert_in_range(world.api.requests - requests, 200, 210);
}

struct seen_feeds {
    unsigned count;
    uint64_t polls;
};

static void look(void *context, const struct imd_settings *settings, const struct imd_source *source,
                 struct imd_counters *counters) {
    struct seen_feeds *seen = context;
    (void)settings;
    (void)source;
    seen->count++;
    seen->polls += imd_count_read(counters->polls);
}

static void statistics_see_the_feeds_there_are(void **state) {
    (void)state;
    struct seen_feeds seen = {0};
    world_begin(5, NULL);
    world_run(&world, 1 * MINUTES);
    imd_engine_each_feed(world.engine, world.input, look, &seen);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.polls, world.input->counters.polls);
    world_write_tenants(&world, 2, NULL);
    world_run(&world, 10 * SECONDS);
    seen = (struct seen_feeds){0};
    imd_engine_each_feed(world.engine, world.input, look, &seen);
    assert_int_equal(seen.count, 2);
}

/* --- isolation --- */

static const char *trouble;
static struct virtual_answer trouble_answer;

static void trouble_one(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (strcmp(call->tenant, trouble) == 0) *answer = trouble_answer;
}

/* Alerts of the others arrive as soon as ever. */
static void one_tenants_trouble_delays_no_other(void **state) {
    (void)state;
    static const struct virtual_answer troubles[] = {
        {.hangs = true},
        {.status = 429, .retry_after = "900"},
        {.status = 500},
        {.failure = IMD_FAILURE_CONNECT},
        {.status = 401},
        {.status = 200, .body = "<html>"},
        {.delay = 50000},
        {.status = 403, .body = "{}"},
        {.status = 200,
         .body = "{\"value\":[{\"id\":\"x\",\"tenantId\":\"y\",\"lastUpdateDateTime\":\"2026-01-01T00:00:00Z\"}]}"}};
    static char name[40];
    snprintf(name, sizeof name, "%s", world_tenant(3));
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        if (i) {
            world_tear_down(state);
            world_set_up(state);
        }
        trouble = name;
        trouble_answer = troubles[i];
        world.api.script = trouble_one;
        world_begin(20, NULL);
        world_run(&world, 2 * MINUTES);
        for (int round = 0; round < 5; round++) {
            char id[20];
            snprintf(id, sizeof id, "a%d", round);
            make_alerts(20, id);
            world_run(&world, 61 * SECONDS); /* a poll's interval, and its requests */
            all_have(1, 2, id);
            all_have(4, 17, id);
        }
        world.api.script = NULL;
        imd_engine_reload(world.engine);
        world_run(&world, 20 * MINUTES);
        all_have(1, 20, "a4");
    }
}

static void a_flood_of_one_tenant_delays_no_other(void **state) {
    (void)state;
    settings_put(world.settings, "pageSize", "10");
    for (unsigned i = 0; i < 3000; i++) {
        char id[20];
        snprintf(id, sizeof id, "f%u", i);
        int64_t stamp = VIRTUAL_EPOCH - (int64_t)(3001 - i) * GRAPH_SECOND;
        virtual_api_version(&world.api, world_tenant(1), id, stamp, stamp, VIRTUAL_EPOCH, 1);
    }
    world_begin(5, NULL);
    world_run(&world, 10 * SECONDS);
    assert_true(world_alerts(&world, 1, NULL) < 3000); /* it goes on */
    make_alerts(5, "a");
    world_run(&world, 61 * SECONDS);
    all_have(2, 4, "a");
    world_run(&world, 20 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, NULL), 3001);
}

static void latency_is_shared_not_added(void **state) {
    (void)state;
    world.api.latency = 200;
    make_alerts(200, "a");
    world_begin(200, NULL);
    world_run(&world, 3 * SECONDS); /* one after the other it would take 80 s */
    all_have(1, 200, "a");
    assert_true(world.api.most_at_once > 50);
    assert_true(world.api.most_at_once <= 256);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_changed_file_is_taken_over_without_a_signal),
        TEST(who_is_taken_out_is_polled_no_more),
        TEST(new_settings_count_from_the_next_request),
        TEST(a_new_credential_gets_a_new_token),
        TEST(an_error_in_the_file_changes_nothing_and_is_told_once),
        TEST(a_reload_at_any_moment_repeats_and_loses_nothing),
        TEST(a_reload_is_no_burst),
        TEST(statistics_see_the_feeds_there_are),
        TEST(one_tenants_trouble_delays_no_other),
        TEST(a_flood_of_one_tenant_delays_no_other),
        TEST(latency_is_shared_not_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
