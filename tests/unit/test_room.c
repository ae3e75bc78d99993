/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure: what is out and not acknowledged is bounded, whoever has room goes on, and standing still is visible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "one_world.h"
#include "settings_support.h"

static int begin(void **state) {
    (void)state;
    world_init(&world, "maxInFlight", "100", "pageSize", "10", NULL);
    return 0;
}

static void add_alerts(unsigned tenant, unsigned count, size_t padding) {
    for (unsigned i = 0; i < count; i++) {
        char id[30];
        snprintf(id, sizeof id, "t%u-a%u", tenant, i);
        int64_t stamp = virtual_api_time(&world.api) - (int64_t)(1 + count - i) * GRAPH_SECOND;
        virtual_api_version(&world.api, world_tenant(tenant), id, stamp, stamp, virtual_api_time(&world.api), padding);
    }
}

static void all_arrive_once(unsigned tenants, unsigned each) {
    for (unsigned tenant = 1; tenant <= tenants; tenant++)
        for (unsigned i = 0; i < each; i++) {
            char id[30];
            snprintf(id, sizeof id, "t%u-a%u", tenant, i);
            assert_int_equal(world_alerts(&world, tenant, id), 1);
        }
}

static void what_is_not_acknowledged_is_bounded(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world.acknowledges_nothing = true;
    world_begin(1, NULL);
    world_run(&world, 1 * HOURS);
    assert_in_range(world_alerts(&world, 1, NULL), 100, 100 + 10); /* and a page */
    assert_int_equal(world_counters(&world, 1)->inflight, world_alerts(&world, 1, NULL));
    unsigned requests = world.api.requests;
    world_run(&world, 10 * HOURS);
    assert_in_range(world.api.requests, requests,
                    requests + 12); /* tokens at most: nothing is asked for that has no room */
    world.acknowledges_nothing = false;
    world_run(&world, 3 * MINUTES);
    all_arrive_once(1, 500);
    assert_int_equal(world_counters(&world, 1)->inflight, 0);
    assert_int_equal(world.input->load.alerts, 0);
    assert_int_equal(world.input->load.bytes, 0);
    assert_int_equal(world.input->load.queued_bytes, 0);
}

static void a_store_that_fails_is_back_pressure_too(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world.store.failing = true;
    world_begin(1, NULL);
    world_run(&world, 1 * HOURS);
    assert_in_range(world_alerts(&world, 1, NULL), 100, 100 + 10);
    assert_int_equal(world_logged(&world, "checkpoints wait"), 1);
    world.store.failing = false;
    world_run(&world, 5 * MINUTES);
    all_arrive_once(1, 500);
    assert_int_equal(world_logged(&world, "checkpoints are written again"), 1);
}

static void one_feed_leaves_half_of_the_room_to_others(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world.acknowledges_nothing = true;
    world_begin(2, NULL);
    world_run(&world, 10 * MINUTES);
    assert_in_range(world_alerts(&world, 1, NULL), 50, 50 + 10);
    add_alerts(2, 20, 1);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 2, NULL), 20);
    world.acknowledges_nothing = false;
    world_run(&world, 5 * MINUTES);
    all_arrive_once(1, 500);
    all_arrive_once(2, 20);
}

static bool is_parked(unsigned tenant) {
    return world_feed(&world, tenant)->state == IMD_FEED_PARKED;
}

/* Where there is less room than all want, each gets its turn. */
static void who_waits_longest_comes_first(void **state) {
    (void)state;
    for (unsigned tenant = 1; tenant <= 5; tenant++) add_alerts(tenant, 400, 1);
    world_begin(5, NULL);
    for (int i = 0; i < 60; i++) { /* an output that acknowledges now and then */
        world.acknowledges_nothing = true;
        world_run(&world, 20 * SECONDS);
        world.acknowledges_nothing = false;
        world_run(&world, 20);
        world.acknowledges_nothing = true;
        if (i == 6)
            for (unsigned tenant = 1; tenant <= 5; tenant++) assert_true(world_alerts(&world, tenant, NULL) >= 40);
    }
    world.acknowledges_nothing = false;
    world_run(&world, 10 * MINUTES);
    all_arrive_once(5, 400);
}

static void outputs_that_stand_still_are_a_state(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world_begin(2, NULL);
    world.acknowledges_nothing = true;
    world_run(&world, 50 * SECONDS);
    assert_true(is_parked(1));
    const char *before = world_feed(&world, 1)->health;
    assert_int_equal(world_healths(&world, 1, "output-blocked"), 0);
    world_run(&world, 3 * HOURS);
    assert_string_equal(world_feed(&world, 1)->health, "output-blocked");
    assert_int_equal(world_healths(&world, 1, "output-blocked"), 1);
    assert_int_equal(world_logged(&world, "-> output-blocked"), 1);
    assert_int_equal(world_healths(&world, 2, "output-blocked"), 0); /* it has nothing to pass on and goes on */
    world.acknowledges_nothing = false;
    world_run(&world, 2 * SECONDS);
    assert_string_equal(world_feed(&world, 1)->health, before);
    world_run(&world, 2 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    all_arrive_once(1, 500);
}

/* The outputs are well: whoever looks after them must not be sent to look for a fault there. */
static void a_state_that_cannot_be_written_is_another_one(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world_begin(2, NULL);
    world.store.failing = true;
    world_run(&world, 5 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "state-blocked");
    assert_int_equal(world_healths(&world, 1, "state-blocked"), 1);
    assert_int_equal(world_healths(&world, 1, "output-blocked"), 0);
    assert_non_null(strstr(world_last_health(&world, 1)->json, "state file"));
    world.store.failing = false;
    world_run(&world, 3 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    all_arrive_once(1, 500);
}

static void a_blocked_output_is_remembered_over_a_restart(void **state) {
    (void)state;
    add_alerts(1, 500, 1);
    world_begin(1, NULL);
    world.acknowledges_nothing = true;
    world_run(&world, 5 * MINUTES);
    world_crash(&world);
    world.acknowledges_nothing = false;
    world_start(&world);
    assert_string_equal(world_feed(&world, 1)->health, "output-blocked");
    world_run(&world, 3 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    assert_non_null(strstr(world_last_health(&world, 1)->json, "\"previous\":\"output-blocked\""));
}

/* A sink that takes nothing: a transfer is held up in the middle, and goes on where it stood. */
static void transfers_pause_while_the_sink_is_behind(void **state) {
    (void)state;
    settings_put(world.settings, "maxInFlight", "10000");
    settings_put(world.settings, "pageSize", "1000");
    world.api.chunk = 16000;
    for (unsigned tenant = 1; tenant <= 4; tenant++) add_alerts(tenant, 60, 100000);
    world.holds_batches = true;
    world_begin(4, NULL);
    world_run(&world, 30 * MINUTES);
    assert_in_range(world.input->load.queued_bytes, IMD_QUEUED_PAUSE, IMD_QUEUED_PAUSE + 4 * (2u << 20));
    assert_non_null(world.input->paused);
    assert_int_equal(world_alerts(&world, 0, NULL), 0);
    assert_int_equal(world.input->counters.requests_failed, 0);
    for (int i = 0; i < 10; i++) {
        world_submit_held(&world);
        world_run(&world, 10 * SECONDS);
    }
    assert_true(world.api.resumed > 0);
    world.holds_batches = false;
    world_submit_held(&world);
    world_run(&world, 3 * MINUTES);
    all_arrive_once(4, 60);
    assert_int_equal(world.input->counters.requests_failed, 0);
    assert_null(world.input->paused);
}

static void a_reload_may_find_transfers_paused(void **state) {
    (void)state;
    settings_put(world.settings, "maxInFlight", "10000");
    world.api.chunk = 16000;
    settings_put(world.settings, "pageSize", "1000");
    for (unsigned tenant = 1; tenant <= 3; tenant++) add_alerts(tenant, 60, 100000);
    world.holds_batches = true;
    world_begin(3, NULL);
    world_run(&world, 5 * MINUTES);
    assert_non_null(world.input->paused);
    world_write_tenants(&world, 2, NULL); /* one of them goes */
    imd_engine_reload(world.engine);
    world_run(&world, 5 * MINUTES);
    world.holds_batches = false;
    world_submit_held(&world);
    world_run(&world, 10 * MINUTES);
    all_arrive_once(2, 60);
    assert_null(world.input->paused);
}

static void the_end_may_come_while_all_is_blocked(void **state) {
    (void)state;
    settings_put(world.settings, "maxInFlight", "10000");
    settings_put(world.settings, "pageSize", "1000");
    world.api.chunk = 16000;
    for (unsigned tenant = 1; tenant <= 3; tenant++) add_alerts(tenant, 60, 100000);
    world.holds_batches = true;
    world_begin(3, NULL);
    world_run(&world, 5 * MINUTES);
    for (struct imd_batch *batch; (batch = world.held);) { /* as a submitter does that has to stop */
        world.held = batch->next;
        imd_engine_abandoned(world.engine, batch);
    }
    world_crash(&world);
    world.holds_batches = false;
    world_start(&world);
    world_run(&world, 5 * MINUTES);
    all_arrive_once(3, 60);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_acknowledged_is_bounded),        TEST(a_store_that_fails_is_back_pressure_too),
        TEST(one_feed_leaves_half_of_the_room_to_others), TEST(who_waits_longest_comes_first),
        TEST(outputs_that_stand_still_are_a_state),       TEST(a_state_that_cannot_be_written_is_another_one),
        TEST(a_blocked_output_is_remembered_over_a_restart),
        TEST(transfers_pause_while_the_sink_is_behind),   TEST(a_reload_may_find_transfers_paused),
        TEST(the_end_may_come_while_all_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
