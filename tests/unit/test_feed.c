/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the objects and answers of a feed, in virtual time: alerts, updates, late ones, objects that are
 * none, throttling, faults, states, restarts. */
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

static const char *tenant(void) {
    return world_tenant(1);
}

/* Answers the next `times` requests for lists (of one tenant, if given), then none. */
static struct {
    unsigned times, asked;
    const char *tenant;
    struct virtual_answer answer;
    int64_t at[64]; /* ms of the first ones */
} script;

static void play(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (call->token || (script.tenant && strcmp(call->tenant, script.tenant) != 0)) return;
    if (script.asked < 64) script.at[script.asked] = world.api.now;
    script.asked++;
    if (!script.times) return;
    script.times--;
    *answer = script.answer;
}

static void answer_lists(unsigned times, struct virtual_answer answer) {
    memset(&script, 0, sizeof script);
    script.times = times;
    script.answer = answer;
    world.api.script = play;
}

/* --- alerts --- */

static void every_version_arrives_once(void **state) {
    (void)state;
    int64_t first = virtual_api_alert(&world.api, tenant(), "a", 100);
    world_begin(1, NULL);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
    assert_true(world_last_alert(&world, 1)->stamp == first);
    assert_int_equal(world_last_alert(&world, 1)->change, IMD_CHANGE_NEW);
    int64_t second = virtual_api_alert(&world.api, tenant(), "a", 0);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "a"), 2);
    assert_true(world_last_alert(&world, 1)->stamp == second);
    assert_int_equal(world_last_alert(&world, 1)->change, IMD_CHANGE_UPDATE);
    world_run(&world, 3 * HOURS);
    assert_int_equal(world_alerts(&world, 1, "a"), 2);
    assert_int_equal(world_counters(&world, 1)->alerts_submitted, 2);
    assert_int_equal(world_counters(&world, 1)->alerts_acknowledged, 2);
    assert_int_equal(world_counters(&world, 1)->inflight, 0);
}

static void nothing_twice_after_a_restart(void **state) {
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%u", i);
        virtual_api_alert(&world.api, tenant(), id, i);
    }
    world_begin(1, NULL);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, NULL), 300);
    for (int restart = 0; restart < 3; restart++) {
        world_crash(&world);
        world_start(&world);
        world_run(&world, 7 * HOURS); /* with a sweep */
    }
    assert_int_equal(world_alerts(&world, 1, NULL), 300);
    virtual_api_alert(&world.api, tenant(), "a7", 0);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_last_alert(&world, 1)->change, IMD_CHANGE_UPDATE);
}

static void what_was_not_committed_comes_again(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 2 * MINUTES);
    world.acknowledges_nothing = true;
    virtual_api_alert(&world.api, tenant(), "a", 0);
    world_run(&world, 10 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
    world_crash(&world);
    world.acknowledges_nothing = false;
    world_start(&world);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "a"), 2);
}

/* An id that is not remembered any more was delivered as new long ago. */
static void a_forgotten_alert_is_still_an_update(void **state) {
    (void)state;
    virtual_api_alert(&world.api, tenant(), "a", 60);
    world_begin(1, "      reconcile: 2h\n      reconcileInterval: 1h\n");
    world_run(&world, 10 * HOURS);
    assert_int_equal(imd_seen_count(world_feed(&world, 1)->seen), 0);
    virtual_api_alert(&world.api, tenant(), "a", 0);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_last_alert(&world, 1)->change, IMD_CHANGE_UPDATE);
    world_crash(&world);
    world_start(&world);
    world_run(&world, 2 * MINUTES);
    virtual_api_alert(&world.api, tenant(), "a", 0);
    virtual_api_alert(&world.api, tenant(), "b", 0);
    world_run(&world, 5 * HOURS);
    virtual_api_alert(&world.api, tenant(), "a", 0);
    world_run(&world, 2 * MINUTES);
    assert_string_equal(world_last_alert(&world, 1)->id, "a");
    assert_int_equal(world_last_alert(&world, 1)->change, IMD_CHANGE_UPDATE);
    assert_int_equal(world_alerts(&world, 1, NULL), 5);
}

static void backfill_reaches_as_far_as_it_says(void **state) {
    (void)state;
    virtual_api_alert(&world.api, tenant(), "old", 3700);
    virtual_api_alert(&world.api, tenant(), "recent", 3500);
    world_begin(1, "      backfill: 1h\n");
    world_run(&world, 8 * HOURS);
    assert_int_equal(world_alerts(&world, 1, "recent"), 1);
    assert_int_equal(world_alerts(&world, 1, "old"), 0);
}

static void backfill_0_is_only_what_is_new(void **state) {
    (void)state;
    virtual_api_alert(&world.api, tenant(), "before", 2);
    world_begin(1, "      backfill: 0\n");
    world_run(&world, 2 * MINUTES);
    virtual_api_alert(&world.api, tenant(), "after", 0);
    world_run(&world, 8 * HOURS);
    assert_int_equal(world_alerts(&world, 1, "before"), 0);
    assert_int_equal(world_alerts(&world, 1, "after"), 1);
}

/* The API's clock counts. */
static void a_wrong_clock_here_loses_nothing(void **state) {
    (void)state;
    static const int64_t offsets[] = {-30 * 86400, 30 * 86400};
    for (size_t i = 0; i < 2; i++) {
        if (i) {
            world_free(&world);
            world_set_up(state);
        }
        world.api.wall_offset = offsets[i] * GRAPH_SECOND;
        virtual_api_alert(&world.api, tenant(), "recent", 3500);
        world_begin(1, "      backfill: 1h\n");
        world_run(&world, 2 * MINUTES);
        world.api.wall_offset = 0;
        virtual_api_alert(&world.api, tenant(), "now", 0);
        world_run(&world, 2 * MINUTES);
        world.api.wall_offset = -offsets[i] * GRAPH_SECOND;
        world_crash(&world);
        world_start(&world);
        virtual_api_alert(&world.api, tenant(), "later", 0);
        world_run(&world, 2 * MINUTES);
        assert_int_equal(world_alerts(&world, 1, "recent"), 1);
        assert_int_equal(world_alerts(&world, 1, "now"), 1);
        assert_int_equal(world_alerts(&world, 1, "later"), 1);
    }
}

static void late_alerts_are_met_by_the_sweep_and_counted(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 5 * HOURS);
    virtual_api_alert(&world.api, tenant(), "late", 4 * 3600);
    virtual_api_alert(&world.api, tenant(), "within overlap", 20 * 60);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "within overlap"), 1);
    assert_int_equal(world_counters(&world, 1)->alerts_late, 0);
    world_run(&world, 2 * HOURS);
    assert_int_equal(world_alerts(&world, 1, "late"), 1);
    assert_int_equal(world_counters(&world, 1)->alerts_late, 1);
    assert_int_equal(world.input->counters.alerts_late, 1);
}

/* --- objects that are no alerts --- */

static void an_object_without_id_or_time_is_told_once_and_whole(void **state) {
    (void)state;
    static const struct {
        const char *body, *object;
    } bad[] = {
        {"{\"value\":[{\"lastUpdateDateTime\":\"2026-07-25T10:40:00Z\",\"t\":\"\\u0041\"}]}",
         "{\"lastUpdateDateTime\":\"2026-07-25T10:40:00Z\",\"t\":\"\\u0041\"}"},
        {"{\"value\":[{\"id\":\"x\"}]}", "{\"id\":\"x\"}"},
        {"{\"value\":[{\"id\":\"x\",\"lastUpdateDateTime\":\"yesterday\"}]}",
         "{\"id\":\"x\",\"lastUpdateDateTime\":\"yesterday\"}"},
        {"{\"value\":[ 17 ]}", "\"object\":17}"},
        {"{\"value\":[null]}", "\"object\":null}"},
    };
    world_begin(1, NULL);
    world_run(&world, 30 * SECONDS);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answer_lists(3, (struct virtual_answer){.body = bad[i].body});
        world_run(&world, 4 * MINUTES);
        assert_int_equal(world_healths(&world, 1, "rejected"), i + 1);
        assert_non_null(strstr(world_last_health(&world, 1)->json, bad[i].object));
        assert_int_equal(world_counters(&world, 1)->alerts_rejected, i + 1);
        assert_string_equal(world_feed(&world, 1)->health, "ok");
    }
    world_crash(&world);
    world_start(&world);
    answer_lists(1, (struct virtual_answer){.body = bad[0].body});
    world_run(&world, 1 * MINUTES);
    assert_int_equal(world_healths(&world, 1, "rejected"), sizeof bad / sizeof *bad);
}

static void another_tenants_object_stops_the_feed_and_is_not_passed_on(void **state) {
    (void)state;
    static const char *const foreign[] = {
        "{\"value\":[{\"id\":\"own\",\"tenantId\":\"00000000-0000-0000-0000-000000000001\",\"lastUpdateDateTime\":"
        "\"2026-07-25T"
        "10:40:00Z\"},{\"id\":\"foreign\",\"tenantId\":\"00000000-0000-0000-0000-000000000002\",\"lastUpdateDateTime\":"
        "\"2026-07-25T10:40:00Z\"}]}",
        "{\"value\":[{\"id\":\"foreign\",\"tenantId\":17,\"lastUpdateDateTime\":\"2026-07-25T10:40:00Z\"}]}",
        "{\"value\":[{\"id\":\"foreign\",\"tenantId\":\"a tenant id is never as long as this one 0123456789 0123456789 "
        "0123456789 0123456789 0123456789 0123456789 0123456789 "
        "0123456789\",\"lastUpdateDateTime\":\"2026-07-25T10:40:00Z\"}]}",
    };
    world_begin(2, NULL);
    world_run(&world, 30 * SECONDS);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        answer_lists(UINT32_MAX, (struct virtual_answer){.body = foreign[i]});
        script.tenant = tenant();
        world_run(&world, 10 * MINUTES);
        assert_string_equal(world_feed(&world, 1)->health, "wrong-tenant");
        assert_string_equal(world_feed(&world, 2)->health, "ok");
        assert_int_equal(script.asked, 1);
        assert_int_equal(world_alerts(&world, 0, "foreign"), 0);
        for (size_t m = 0; m < world.count; m++) assert_null(strstr(world.messages[m].json, "\"foreign\""));
        world.api.script = NULL;
        imd_engine_reload(world.engine);
        world_run(&world, 1 * MINUTES);
        assert_string_equal(world_feed(&world, 1)->health, "ok");
    }
    assert_int_equal(world_alerts(&world, 1, "own"), 1); /* stood before it on the page */
}

static void a_tenant_id_in_capitals_is_the_same(void **state) {
    (void)state;
    answer_lists(1, (struct virtual_answer){
                        .body = "{\"value\":[{\"id\":\"a\",\"tenantId\":\"AAAAAAAA-0000-0000-0000-00000000000B\","
                                "\"lastUpdateDateTime\":\"2026-07-25T10:40:00Z\"}]}"});
    world_write_file(&world, "tenants:\n    - tenantId: aaaaaaaa-0000-0000-0000-00000000000b\n");
    world_start(&world);
    world_run(&world, 10 * SECONDS);
    assert_int_equal(world_alerts(&world, 0, "a"), 1);
}

/* --- answers that are no pages --- */

static void a_page_that_is_none_is_an_error_never_an_empty_page(void **state) {
    (void)state;
    static const struct virtual_answer bad[] = {
        {.body = "<html>Sign in to the WLAN</html>", .content_type = "text/html"},
        {.body = "{\"value\":[]"},
        {.body = "{\"values\":[]}"},
        {.body = "{}"},
        {.body = "[]"},
        {.body = "null"},
        {.body = "{\"value\":null}"},
        {.body = "{\"value\":[]}{\"value\":[]}"},
        {.status = 204},
        {.status = 302},
        {.failure = IMD_FAILURE_BROKEN, .cut = 10},
        {.failure = IMD_FAILURE_TLS},
        {.hangs = true}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (i) {
            world_tear_down(state);
            world_set_up(state);
        }
        world_begin(1, NULL);
        world_run(&world, 90 * SECONDS);
        imd_time watermark = world_feed(&world, 1)->checkpoint.watermark;
        answer_lists(UINT32_MAX, bad[i]);
        virtual_api_alert(&world.api, tenant(), "a", 0);
        world_run(&world, 40 * MINUTES); /* longer than the overlap */
        assert_true(world_feed(&world, 1)->checkpoint.watermark == watermark);
        assert_string_not_equal(world_feed(&world, 1)->health, "ok");
        assert_int_equal(world_healths(&world, 1, NULL), 2);
        world.api.script = NULL;
        world_run(&world, 10 * MINUTES);
        assert_int_equal(world_alerts(&world, 1, "a"), 1);
        assert_string_equal(world_feed(&world, 1)->health, "ok");
    }
}

static void throttling_waits_as_told(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 30 * SECONDS);
    answer_lists(1, (struct virtual_answer){.status = 429, .retry_after = "200"});
    world_run(&world, 60 * SECONDS);
    imd_engine_reload(world.engine);
    world_run(&world, 300 * SECONDS);
    assert_true(script.at[1] - script.at[0] >= 200 * SECONDS);
    assert_true(script.at[1] - script.at[0] <= 210 * SECONDS);
    assert_int_equal(world_counters(&world, 1)->requests_throttled, 1);
    assert_int_equal(world_healths(&world, 1, "throttled"), 0); /* one passing fault is no news */
}

static void faults_are_retried_ever_more_slowly_and_without_end(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 30 * SECONDS);
    answer_lists(UINT32_MAX, (struct virtual_answer){.status = 500});
    world_run(&world, 24 * HOURS);
    assert_in_range(script.asked, 200, 1200);
    assert_int_equal(world_healths(&world, 1, "server-error"), 1);
    uint64_t before = script.asked;
    world_run(&world, 11 * MINUTES);
    assert_true(script.asked > before); /* at most five minutes and a request apart */
    world.api.script = NULL;
    virtual_api_alert(&world.api, tenant(), "a", 3 * 3600);
    world_run(&world, 6 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
}

static void a_link_that_is_gone_is_done_without(void **state) {
    (void)state;
    /* more of one kind and moment than a page holds: only links lead on, and they have expired */
    world.api.quirks.top_clamp = 3;
    world.api.quirks.link = GRAPH_LINK_EXPIRED;
    for (unsigned i = 0; i < 5; i++) {
        char id[20];
        snprintf(id, sizeof id, "t%u", i);
        virtual_api_version(&world.api, tenant(), id, VIRTUAL_EPOCH - 9 * GRAPH_SECOND,
                            VIRTUAL_EPOCH - 5 * GRAPH_SECOND, VIRTUAL_EPOCH, 1);
    }
    world_begin(1, NULL);
    world_run(&world, 5 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "incomplete");
    assert_true(world.api.requests < 2000);
    assert_true(world_feed(&world, 1)->checkpoint.watermark <= VIRTUAL_EPOCH - 5 * GRAPH_SECOND);
    virtual_api_alert(&world.api, tenant(), "after", 0);
    world_run(&world, 2 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, "after"), 1);
}

static unsigned links_followed;

static void links_are_gone(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (!strstr(call->url, "skip")) return;
    links_followed++;
    answer->status = script.answer.status;
}

static void a_link_answered_by_404_or_410_is_no_stall(void **state) {
    (void)state;
    static const int statuses[] = {404, 410};
    for (size_t s = 0; s < 2; s++) {
        if (s) {
            world_tear_down(state);
            world_set_up(state);
        }
        script.answer.status = statuses[s];
        links_followed = 0;
        world.api.quirks.top_clamp = 3;
        for (unsigned i = 0; i < 5; i++) {
            char id[20];
            snprintf(id, sizeof id, "t%u", i);
            virtual_api_version(&world.api, tenant(), id, VIRTUAL_EPOCH - 9 * GRAPH_SECOND,
                                VIRTUAL_EPOCH - 5 * GRAPH_SECOND, VIRTUAL_EPOCH, 1);
        }
        world.api.script = links_are_gone;
        world_begin(1, NULL);
        world_run(&world, 5 * MINUTES);
        assert_true(links_followed > 0);
        assert_string_equal(world_feed(&world, 1)->health, "incomplete");
        virtual_api_alert(&world.api, tenant(), "after", 0);
        world_run(&world, 2 * MINUTES);
        assert_int_equal(world_alerts(&world, 1, "after"), 1);
    }
}

static void pages_over_the_limit_are_asked_for_in_parts(void **state) {
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%u", i);
        int64_t stamp = VIRTUAL_EPOCH - (int64_t)i * GRAPH_SECOND;
        virtual_api_version(&world.api, tenant(), id, stamp, stamp, VIRTUAL_EPOCH, 400000);
    }
    world.api.chunk = 100000;
    world_begin(1, "      maxResponseSize: 1m\n");
    world_run(&world, 10 * MINUTES);
    assert_int_equal(world_alerts(&world, 1, NULL), 40);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    assert_int_equal(world_counters(&world, 1)->polls_failed, 0);
}

/* Two of a kind that fit no page together and cannot be asked for apart. */
static void objects_too_large_for_any_page_do_not_spin(void **state) {
    (void)state;
    world.api.quirks.link = GRAPH_LINK_MISSING;
    world.api.chunk = 100000;
    for (unsigned i = 0; i < 3; i++) {
        char id[20];
        snprintf(id, sizeof id, "a%u", i);
        virtual_api_version(&world.api, tenant(), id, VIRTUAL_EPOCH - GRAPH_SECOND, VIRTUAL_EPOCH - GRAPH_SECOND,
                            VIRTUAL_EPOCH, 600000);
    }
    world_begin(1, "      maxResponseSize: 1m\n");
    world_run(&world, 10 * MINUTES);
    assert_true(world.api.requests < 3000);
    assert_string_equal(world_feed(&world, 1)->health, "too-large");
    assert_true(world_feed(&world, 1)->checkpoint.watermark <= VIRTUAL_EPOCH - GRAPH_SECOND);
}

static void a_206_is_data_and_holds_the_watermark(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 90 * SECONDS);
    imd_time watermark = world_feed(&world, 1)->checkpoint.watermark;
    world.api.quirks.partial = true;
    virtual_api_alert(&world.api, tenant(), "a", 0);
    world_run(&world, 1 * HOURS);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
    assert_string_equal(world_feed(&world, 1)->health, "partial");
    assert_true(world_feed(&world, 1)->checkpoint.watermark == watermark);
    world.api.quirks.partial = false;
    world_run(&world, 3 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    assert_true(world_feed(&world, 1)->checkpoint.watermark > watermark);
}

/* --- states --- */

#define NO_CONSENT "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Missing application roles.\"}}"

static void a_change_of_state_is_one_message_and_one_line(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 5 * MINUTES);
    assert_int_equal(world_healths(&world, 1, NULL), 1);
    answer_lists(UINT32_MAX, (struct virtual_answer){.status = 403, .body = NO_CONSENT});
    world_run(&world, 3 * HOURS);
    assert_int_equal(world_healths(&world, 1, NULL), 2);
    assert_int_equal(world_logged(&world, "ok -> no-consent"), 1);
    assert_in_range(script.asked, 8, 14); /* re-probed slowly */
    const char *json = world_last_health(&world, 1)->json;
    static const char *const members[] = {"\"tenantId\":\"00000000-0000-0000-0000-000000000001\"",
                                          "\"source\":\"alerts\"",
                                          "\"state\":\"no-consent\"",
                                          "\"previous\":\"ok\"",
                                          "\"since\":\"2026-",
                                          "\"reason\":\"HTTP 403",
                                          "\"action\":\"let an administrator"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) assert_non_null(strstr(json, members[i]));
}

static void a_state_outlives_a_restart(void **state) {
    (void)state;
    answer_lists(UINT32_MAX, (struct virtual_answer){.status = 403, .body = NO_CONSENT});
    world_begin(1, NULL);
    world_run(&world, 1 * MINUTES);
    assert_int_equal(world_healths(&world, 1, NULL), 1);
    world_crash(&world);
    world_start(&world);
    world_run(&world, 1 * MINUTES);
    assert_int_equal(world_healths(&world, 1, NULL), 1); /* no news */
    world_crash(&world);
    world.api.script = NULL;
    world_start(&world);
    world_run(&world, 1 * MINUTES);
    assert_int_equal(world_healths(&world, 1, NULL), 2);
    assert_non_null(strstr(world_last_health(&world, 1)->json, "\"state\":\"ok\",\"previous\":\"no-consent\""));
}

static unsigned polls_on_beat, polls_off_beat;

static void count_beats(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    (void)answer;
    if (call->token || world.api.now < 2 * 60 * 1000) return; /* first polls are spread */
    *(world.api.now % 250 == 0 ? &polls_on_beat : &polls_off_beat) += 1;
}

static void regular_polls_begin_together_and_keep_their_rhythm(void **state) {
    (void)state;
    world_begin(20, NULL);
    world.api.script = count_beats;
    world_run(&world, 2 * MINUTES + 5 * HOURS);
    assert_int_equal(polls_off_beat, 0);
    assert_in_range(polls_on_beat, 20 * 300, 20 * 304); /* a beat too late each time would be 25 polls less */
}

static void silence_has_an_age(void **state) {
    (void)state;
    world_begin(2, NULL);
    world_run(&world, 5 * MINUTES);
    assert_true(world_counters(&world, 1)->success_age_seconds <= 61);
    answer_lists(UINT32_MAX, (struct virtual_answer){.status = 500});
    script.tenant = tenant();
    world_run(&world, 1 * HOURS);
    assert_true(world_counters(&world, 1)->success_age_seconds >= 3590);
    assert_true(world_counters(&world, 1)->lag_seconds >= 3590);
    assert_true(world_counters(&world, 2)->success_age_seconds <= 61);
    assert_true(world.input->counters.success_age_seconds >= 3590); /* the worst counts */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_version_arrives_once),
        TEST(nothing_twice_after_a_restart),
        TEST(what_was_not_committed_comes_again),
        TEST(a_forgotten_alert_is_still_an_update),
        TEST(backfill_reaches_as_far_as_it_says),
        TEST(backfill_0_is_only_what_is_new),
        TEST(a_wrong_clock_here_loses_nothing),
        TEST(late_alerts_are_met_by_the_sweep_and_counted),
        TEST(an_object_without_id_or_time_is_told_once_and_whole),
        TEST(another_tenants_object_stops_the_feed_and_is_not_passed_on),
        TEST(a_tenant_id_in_capitals_is_the_same),
        TEST(a_page_that_is_none_is_an_error_never_an_empty_page),
        TEST(throttling_waits_as_told),
        TEST(faults_are_retried_ever_more_slowly_and_without_end),
        TEST(a_link_that_is_gone_is_done_without),
        TEST(a_link_answered_by_404_or_410_is_no_stall),
        TEST(pages_over_the_limit_are_asked_for_in_parts),
        TEST(objects_too_large_for_any_page_do_not_spin),
        TEST(a_206_is_data_and_holds_the_watermark),
        TEST(a_change_of_state_is_one_message_and_one_line),
        TEST(a_state_outlives_a_restart),
        TEST(regular_polls_begin_together_and_keep_their_rhythm),
        TEST(silence_has_an_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
