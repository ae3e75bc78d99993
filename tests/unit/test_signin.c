/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in the life of an engine: got once, renewed in time, asked for by one request at a time, and never trusted
 * when they are another tenant's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "one_world.h"
#include "temporary.h"

/* A script that answers so many of the requests it is for, then none. */
static struct {
    bool token;
    unsigned times, matched;
    struct virtual_answer answer;
} script;

static void play(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (call->token != script.token) return;
    script.matched++;
    if (!script.times) return;
    script.times--;
    *answer = script.answer;
}

static void answer_tokens(unsigned times, struct virtual_answer answer) {
    memset(&script, 0, sizeof script);
    script.token = true;
    script.times = times;
    script.answer = answer;
    world.api.script = play;
}

/* --- one token for all --- */

static void a_token_serves_until_it_has_to_be_renewed(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 50 * MINUTES);
    assert_int_equal(world.api.token_requests, 1);
    assert_true(world.api.requests > 45);
    world_run(&world, 10 * HOURS);
    assert_int_equal(world_counters(&world, 1)->requests_failed, 0); /* none was used too long */
    assert_in_range(world.api.token_requests, 11, 12);
    assert_int_equal(world.input->counters.tokens_issued, world.api.token_requests);
}

static void feeds_of_one_api_share_one_request(void **state) {
    (void)state;
    world.api.latency = 2000;
    world_begin(3, "      sources: [alerts, incidents]\n");
    world_run(&world, 30 * SECONDS);
    assert_int_equal(world.api.token_requests, 3);
    assert_int_equal(world.api.tokens_at_once_most, 1);
    for (unsigned tenant = 1; tenant <= 3; tenant++) assert_string_equal(world_feed(&world, tenant)->health, "ok");
}

static void short_lived_tokens_are_renewed_at_four_fifths(void **state) {
    (void)state;
    world.api.token_lifetime = 100;
    world_begin(1, NULL);
    world_run(&world, 1 * HOURS);
    assert_int_equal(world_counters(&world, 1)->requests_failed, 0);
    assert_in_range(world.api.token_requests, 28, 61);
}

/* --- renewal in trouble --- */

static void while_a_renewal_fails_the_old_token_serves(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 50 * MINUTES);
    answer_tokens(1000, (struct virtual_answer){.status = 503});
    world_run(&world, 8 * MINUTES); /* renewal is due at 55 minutes */
    assert_true(world.input->counters.tokens_failed > 0);
    assert_int_equal(world_counters(&world, 1)->polls_failed, 0);
    world_run(&world, 10 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "server-error");
    assert_int_equal(world_feed(&world, 1)->paging.top, 1000); /* the API itself has no trouble with large pages */
    script.times = 0;
    world_run(&world, 10 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

static void a_renewal_that_hangs_holds_nothing_up(void **state) {
    (void)state;
    world_begin(1, "      requestTimeout: 300\n");
    world_run(&world, 54 * MINUTES + 30 * SECONDS);
    answer_tokens(1, (struct virtual_answer){.hangs = true});
    uint64_t polls = world_counters(&world, 1)->polls;
    while (!script.matched) world_run(&world, 1 * SECONDS);
    virtual_api_alert(&world.api, world_tenant(1), "now", 0);
    world_run(&world, 65 * SECONDS);
    assert_int_equal(world_alerts(&world, 1, "now"), 1);
    assert_int_equal(world.api.token_requests, 2); /* still the one that hangs */
    world_run(&world, 2 * MINUTES);
    assert_true(world_counters(&world, 1)->polls >= polls + 2);
    assert_int_equal(world_counters(&world, 1)->polls_failed, 0);
}

static void a_secret_that_cannot_be_read_does_not_spoil_a_good_token(void **state) {
    (void)state;
    char extra[200];
    snprintf(extra, sizeof extra, "      clientSecretFile: %s\n", temporary_text("secret", "s\n"));
    world_begin(1, extra);
    world_run(&world, 50 * MINUTES);
    remove(temporary_path("secret"));
    world_run(&world, 8 * MINUTES);
    assert_int_equal(world_counters(&world, 1)->polls_failed, 0);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    world_run(&world, 10 * MINUTES); /* now it has expired */
    assert_string_equal(world_feed(&world, 1)->health, "credential");
    assert_non_null(strstr(world_last_health(&world, 1)->json, "clientSecretFile"));
    temporary_text("secret", "s\n");
    imd_engine_reload(world.engine);
    world_run(&world, 5 * SECONDS);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

/* --- a token that is refused --- */

static unsigned lists_asked;
static char list_urls[8][600];

static void note_lists(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    (void)answer;
    if (!call->token) snprintf(list_urls[lists_asked++ % 8], sizeof list_urls[0], "%s", call->url);
}

static void a_401_renews_the_token_once_and_repeats_the_page(void **state) {
    (void)state;
    world_begin(1, NULL);
    world_run(&world, 90 * SECONDS);
    virtual_api_revoke_tokens(&world.api);
    virtual_api_alert(&world.api, world_tenant(1), "a", 1);
    world.api.script = note_lists;
    lists_asked = 0;
    uint64_t polls = world_counters(&world, 1)->polls;
    world_run(&world, 40 * SECONDS);
    assert_int_equal(world_counters(&world, 1)->polls, polls + 1);
    assert_int_equal(world_counters(&world, 1)->polls_failed, 0);
    assert_int_equal(world.api.token_requests, 2);
    assert_true(lists_asked >= 2);
    assert_string_equal(list_urls[0], list_urls[1]);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
}

static void an_api_that_refuses_every_token_is_not_hammered(void **state) {
    (void)state;
    world_begin(1, NULL);
    memset(&script, 0, sizeof script);
    script.times = UINT32_MAX;
    script.answer.status = 401;
    world.api.script = play;
    world_run(&world, 1 * HOURS);
    assert_string_equal(world_feed(&world, 1)->health, "unauthorized");
    assert_int_equal(world_healths(&world, 1, "unauthorized"), 1);
    assert_true(world.api.requests < 200);
    script.times = 0;
    world_run(&world, 10 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

static void delay_incidents(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (strstr(call->url, "incidents") && !script.matched++) answer->delay = 5000;
}

/* Two feeds are asking with the old token; the second refusal is no word about the new one. */
static void a_late_401_does_not_cost_the_new_token(void **state) {
    (void)state;
    world_begin(1, "      sources: [alerts, incidents]\n");
    world_run(&world, 55 * SECONDS);
    virtual_api_revoke_tokens(&world.api);
    memset(&script, 0, sizeof script);
    world.api.script = delay_incidents;
    world_run(&world, 60 * SECONDS);
    assert_int_equal(world.api.token_requests, 2);
    assert_int_equal(world.input->counters.polls_failed, 0);
}

/* --- trouble that lasts, and throttling --- */

#define WRONG_SECRET "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}"

static void a_wrong_secret_is_tried_again_slowly(void **state) {
    (void)state;
    answer_tokens(UINT32_MAX, (struct virtual_answer){.status = 401, .body = WRONG_SECRET});
    world_begin(1, NULL);
    world_run(&world, 5 * HOURS);
    assert_in_range(script.matched, 10, 21);
    assert_int_equal(world_healths(&world, 1, NULL), 1);
    assert_int_equal(world_healths(&world, 1, "credential"), 1);
    assert_int_equal(world_logged(&world, "starting -> credential"), 1);
    assert_null(strstr(world.log.data, "sim-secret"));
}

static void a_hup_tries_again_at_once(void **state) {
    (void)state;
    answer_tokens(UINT32_MAX, (struct virtual_answer){.status = 401, .body = WRONG_SECRET});
    world_begin(1, NULL);
    world_run(&world, 1 * MINUTES);
    script.times = 0;
    imd_engine_reload(world.engine);
    world_run(&world, 2 * SECONDS);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    assert_non_null(strstr(world_last_health(&world, 1)->json, "\"previous\":\"credential\""));
}

static void a_hup_tries_again_also_what_was_out_of_reach(void **state) {
    (void)state;
    answer_tokens(UINT32_MAX, (struct virtual_answer){.failure = IMD_FAILURE_CONNECT});
    world_begin(1, NULL);
    world_run(&world, 2 * HOURS); /* the waits have grown to minutes */
    assert_string_equal(world_feed(&world, 1)->health, "unreachable");
    script.times = 0;
    imd_engine_reload(world.engine);
    world_run(&world, 2 * SECONDS);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

static void throttled_sign_in_waits_as_told_hup_or_not(void **state) {
    (void)state;
    answer_tokens(1,
                  (struct virtual_answer){
                      .status = 429, .body = "Too Many Requests", .content_type = "text/plain", .retry_after = "100"});
    world_begin(1, NULL);
    world_run(&world, 50 * SECONDS);
    assert_int_equal(script.matched, 1);
    imd_engine_reload(world.engine);
    world_run(&world, 49 * SECONDS);
    assert_int_equal(script.matched, 1);
    world_run(&world, 40 * SECONDS);
    assert_int_equal(script.matched, 2);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

/* --- other tenants' tokens --- */

static void a_token_of_another_tenant_is_never_used(void **state) {
    (void)state;
    virtual_api_alert(&world.api, world_tenant(1), "a", 1);
    world.api.token_tenant = "99999999-0000-0000-0000-000000000001";
    world_begin(1, NULL);
    world_run(&world, 1 * HOURS);
    assert_int_equal(world.api.requests, world.api.token_requests); /* nothing was asked with it */
    assert_int_equal(world_alerts(&world, 0, NULL), 0);
    assert_string_equal(world_feed(&world, 1)->health, "wrong-tenant");
    assert_true(world.api.token_requests <= 6);
    world.api.token_tenant = NULL;
    imd_engine_reload(world.engine);
    world_run(&world, 10 * SECONDS);
    assert_int_equal(world_alerts(&world, 1, "a"), 1);
}

static void a_tenant_named_by_domain_keeps_the_tenant_of_its_first_token(void **state) {
    (void)state;
    const char *first = "aaaaaaaa-0000-0000-0000-000000000001", *other = "bbbbbbbb-0000-0000-0000-000000000002";
    world.api.token_tenant = first;
    virtual_api_alert(&world.api, first, "own", 1);
    world_write_file(&world, "tenants:\n    - tenantId: contoso.example\n");
    graph_data_domain(&world.api.data, graph_data_find(&world.api.data, first), "contoso.example");
    world_start(&world);
    world_run(&world, 10 * SECONDS);
    assert_int_equal(world_alerts(&world, 0, "own"), 1);
    /* an object of somebody else, while the tenant's token is being renewed */
    virtual_api_version(&world.api, other, "foreign", virtual_api_time(&world.api), virtual_api_time(&world.api), 0, 1);
    graph_data_domain(&world.api.data, graph_data_find(&world.api.data, other), "other.example");
    world.api.token_tenant = other;
    virtual_api_revoke_tokens(&world.api);
    world_run(&world, 5 * MINUTES);
    assert_string_equal(world.input->tenants[0]->feeds[0]->health, "wrong-tenant");
    assert_int_equal(world_alerts(&world, 0, NULL), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_token_serves_until_it_has_to_be_renewed),
        TEST(feeds_of_one_api_share_one_request),
        TEST(short_lived_tokens_are_renewed_at_four_fifths),
        TEST(while_a_renewal_fails_the_old_token_serves),
        TEST(a_renewal_that_hangs_holds_nothing_up),
        TEST(a_secret_that_cannot_be_read_does_not_spoil_a_good_token),
        TEST(a_401_renews_the_token_once_and_repeats_the_page),
        TEST(an_api_that_refuses_every_token_is_not_hammered),
        TEST(a_late_401_does_not_cost_the_new_token),
        TEST(a_wrong_secret_is_tried_again_slowly),
        TEST(a_hup_tries_again_at_once),
        TEST(a_hup_tries_again_also_what_was_out_of_reach),
        TEST(throttled_sign_in_waits_as_told_hup_or_not),
        TEST(a_token_of_another_tenant_is_never_used),
        TEST(a_tenant_named_by_domain_keeps_the_tenant_of_its_first_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
