/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in with more than a secret, in the life of an engine: refresh tokens that are rotated, both ends of a crash, one
 * managed identity for many tenants, and what is told in good time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64url.h"
#include "one_world.h"
#include "settings_support.h"
#include "temporary.h"

#define DAY INT64_C(86400)
#define IDENTITY "22222222-2222-3333-4444-555555555555"

/* The authorization server of a test: what it was sent last, and what it answers. */
static struct {
    char redeemed[64]; /* refresh token, or assertion */
    unsigned asked, identity_asked;
    const char *next;  /* the refresh token it gives out; NULL: none */
    const char *dead;  /* the one it refuses */
    char body[1024];
    int identity_status;
} server;

static int begin(void **state) {
    memset(&server, 0, sizeof server);
    world_set_up(state);
    /* A token that the API knows, whoever gave it out. */
    snprintf(world.api.tokens[0].tenant, sizeof world.api.tokens[0].tenant, "%s", world_tenant(1));
    world.api.tokens[0].expires = INT64_MAX;
    world.api.token_count = 1;
    return 0;
}

static int end(void **state) {
    unsetenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    return world_tear_down(state);
}

/* The value of a field of a form. */
static void take_field(const char *form, const char *name, char *out, size_t size) {
    const char *place = strstr(form, name);
    out[0] = 0;
    if (!place) return;
    place += strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(place, "&"), place);
}

static const char *token_body(const char *refresh_token) {
    struct imd_buffer payload;
    char claims[128];
    imd_buffer_init(&payload, 512);
    snprintf(claims, sizeof claims, "{\"tid\":\"%s\"}", world_tenant(1));
    assert_true(imd_base64url_add(&payload, claims, strlen(claims)));
    snprintf(server.body, sizeof server.body,
             "{\"token_type\":\"Bearer\",\"expires_in\":\"3600\",\"access_token\":\"e30.%s.0\"%s%s%s}", payload.data,
             refresh_token ? ",\"refresh_token\":\"" : "", refresh_token ? refresh_token : "", refresh_token ? "\"" : "");
    imd_buffer_free(&payload);
    return server.body;
}

static void serve(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (!call->token) return;
    if (strstr(call->url, "/metadata/identity/")) {
        server.identity_asked++;
        answer->status = server.identity_status ? server.identity_status : 200;
        answer->body = answer->status == 200 ? token_body(NULL) : "{}";
        return;
    }
    server.asked++;
    take_field(call->body, strstr(call->body, "grant_type=refresh_token") ? "&refresh_token=" : "&client_assertion=",
               server.redeemed, sizeof server.redeemed);
    if (server.dead && strcmp(server.redeemed, server.dead) == 0) {
        answer->status = 400;
        answer->body = "{\"error\":\"invalid_grant\",\"error_codes\":[700082]}";
        return;
    }
    if (!server.next) return;
    answer->status = 200;
    answer->body = token_body(server.next);
}

static void start_refreshing(void) {
    char extra[512];
    world.api.script = serve;
    snprintf(extra, sizeof extra, "      refreshTokenFile: %s\n", temporary_text("refresh", "first\n"));
    world_begin(1, extra);
}

/* --- refresh tokens --- */

static void each_sign_in_redeems_the_newest_token(void **state) {
    (void)state;
    server.next = "second";
    start_refreshing();
    world_run(&world, 10 * SECONDS);
    assert_string_equal(server.redeemed, "first");
    assert_string_equal(world_feed(&world, 1)->health, "ok");
    server.next = "third";
    world_run(&world, 70 * MINUTES);
    assert_string_equal(server.redeemed, "second");
    assert_non_null(strstr(world.store.tokens[0].text, " third"));
    assert_int_equal(world.store.token_count, 1);
}

static void the_new_token_is_durable_before_a_crash_can_come(void **state) {
    (void)state;
    server.next = "second";
    start_refreshing();
    world_run(&world, 10 * SECONDS);
    world_crash(&world);
    server.next = "third";
    world_start(&world);
    world_run(&world, 10 * SECONDS);
    assert_string_equal(server.redeemed, "second");
}

/* The crash came before the store had it: the server gave out a token that nobody knows. */
static void the_former_token_serves_where_the_new_one_was_lost(void **state) {
    (void)state;
    server.next = "second";
    world.store.failing = true;
    start_refreshing();
    world_run(&world, 10 * SECONDS);
    assert_string_equal(world_feed(&world, 1)->health, "ok"); /* the access token is good all the same */
    assert_int_equal(world_logged(&world, "the former refresh token stays in use"), 1);
    world_crash(&world);
    world.store.failing = false;
    world_start(&world);
    world_run(&world, 10 * SECONDS);
    assert_string_equal(server.redeemed, "first");
    assert_non_null(strstr(world.store.tokens[0].text, " second"));
}

static void a_stored_token_that_is_refused_gives_way_to_the_file_s(void **state) {
    (void)state;
    server.next = "second";
    start_refreshing();
    world_run(&world, 10 * SECONDS);
    world_crash(&world);
    server.dead = "second";
    server.next = "third";
    world_start(&world);
    world_run(&world, 10 * SECONDS);
    assert_string_equal(server.redeemed, "first");
    assert_int_equal(server.asked, 3);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

static void a_new_token_in_the_file_replaces_the_stored_ones(void **state) {
    (void)state;
    server.next = "second";
    start_refreshing();
    world_run(&world, 10 * SECONDS);
    temporary_text("refresh", "signed-in-again");
    server.next = "fourth";
    world_run(&world, 70 * MINUTES);
    assert_string_equal(server.redeemed, "signed-in-again");
    server.next = "fifth";
    world_run(&world, 70 * MINUTES);
    assert_string_equal(server.redeemed, "fourth");
}

static void a_refused_token_is_told_and_left_alone_for_a_while(void **state) {
    (void)state;
    server.dead = "first";
    start_refreshing();
    world_run(&world, 5 * MINUTES);
    assert_string_equal(world_feed(&world, 1)->health, "credential");
    assert_int_equal(server.asked, 1);
    assert_non_null(strstr(world_last_health(&world, 1)->json, "sign-in is not valid any more"));
    assert_int_equal(world_logged(&world, "first"), 0);
}

/* --- managed identity --- */

static void start_identity(unsigned tenants, const char *client) {
    char extra[256];
    world.api.script = serve;
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    snprintf(extra, sizeof extra, "      managedIdentity: %s\n", client);
    world_begin(tenants, extra);
}

static void many_tenants_ask_for_the_identity_s_token_once(void **state) {
    (void)state;
    world.api.latency = 500;
    start_identity(20, IDENTITY);
    world_run(&world, 30 * SECONDS);
    assert_int_equal(server.identity_asked, 1);
    assert_int_equal(server.asked, 20);
    for (unsigned tenant = 1; tenant <= 20; tenant++) assert_string_equal(world_feed(&world, tenant)->health, "ok");
    world_run(&world, 3 * HOURS);
    assert_in_range(server.identity_asked, 3, 5); /* renewed as it gets old */
}

static void a_busy_endpoint_is_asked_again_for_all_at_once(void **state) {
    (void)state;
    server.identity_status = 429;
    start_identity(20, IDENTITY);
    world_run(&world, 30 * SECONDS);
    unsigned asked = server.identity_asked;
    assert_in_range(asked, 2, 8); /* not twenty times as often */
    server.identity_status = 0;
    world_run(&world, 5 * MINUTES);
    for (unsigned tenant = 1; tenant <= 20; tenant++) assert_string_equal(world_feed(&world, tenant)->health, "ok");
}

static void an_engine_may_end_while_all_wait_for_the_identity(void **state) {
    (void)state;
    world.api.latency = 20000;
    start_identity(5, IDENTITY);
    world_run(&world, 2 * SECONDS);
    assert_int_equal(server.identity_asked, 1);
    world_crash(&world);
    world_begin(1, "      managedIdentity: " IDENTITY "\n");
    world_run(&world, 1 * SECONDS);
    world_write_tenants(&world, 0, "");
    world_write_file(&world, "tenants:\n- tenantId: 00000000-0000-0000-0000-000000000002\n  managedIdentity: " IDENTITY "\n");
    imd_engine_reload(world.engine); /* the one that waits is taken away */
    world_run(&world, 60 * SECONDS);
    assert_string_equal(world_feed(&world, 2)->health, "ok");
}

static void a_token_that_the_api_refuses_is_not_taken_from_the_cache_again(void **state) {
    (void)state;
    start_identity(1, IDENTITY);
    world_run(&world, 10 * SECONDS);
    unsigned asked = server.identity_asked;
    world.api.tokens[1].revoked = true; /* the app's token; the identity has to prove it anew */
    world_run(&world, 2 * MINUTES);
    assert_true(server.identity_asked > asked);
    assert_string_equal(world_feed(&world, 1)->health, "ok");
}

/* --- notices --- */

static void the_end_of_a_certificate_is_told_30_14_7_and_1_days_before(void **state) {
    (void)state;
    static const struct {
        int64_t left;
        unsigned lines;
    } steps[] = {{31 * DAY, 0}, {30 * DAY, 1}, {29 * DAY, 1}, {15 * DAY, 1}, {14 * DAY, 2}, {8 * DAY, 2},
                 {7 * DAY, 3},  {2 * DAY, 3},  {1 * DAY, 4},  {3600, 4}};
    const int64_t expires = 1800000000;
    start_refreshing();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        imd_notice_expiry(world.engine, "/app.crt", expires, expires - steps[i].left);
        assert_int_equal(world_logged(&world, "'/app.crt' is good until"), steps[i].lines);
    }
    assert_int_equal(world_logged(&world, "2027-01-15 08:00 UTC, 30 days from now"), 1);
    assert_int_equal(world_logged(&world, "24 hours from now"), 1);
    imd_notice_expiry(world.engine, "/app.crt", expires + 400 * DAY, expires); /* a new one */
    assert_int_equal(world_logged(&world, "is good until"), 4);
    imd_notice_expiry(world.engine, "/app.crt", expires + 400 * DAY, expires + 390 * DAY);
    assert_int_equal(world_logged(&world, "is good until"), 5); /* late, but once */
    imd_notice_expiry(world.engine, "/other.crt", expires, expires - DAY);
    assert_int_equal(world_logged(&world, "'/other.crt' is good until"), 1);
}

static void roles_beyond_the_least_are_told_once_for_each_tenant(void **state) {
    (void)state;
    start_refreshing();
    struct imd_tenant *tenant = world_feed(&world, 1)->tenant;
    imd_notice_roles(tenant, IMD_API_GRAPH, "SecurityAlert.Read.All");
    imd_notice_roles(tenant, IMD_API_GRAPH, "");
    assert_int_equal(world_logged(&world, "roles that its sources do not need"), 0);
    imd_notice_roles(tenant, IMD_API_GRAPH, "SecurityAlert.Read.All Mail.Read SecurityAlert.Read.Al");
    imd_notice_roles(tenant, IMD_API_GRAPH, "SecurityAlert.Read.All Mail.Read");
    assert_int_equal(world_logged(&world, "do not need: Mail.Read, SecurityAlert.Read.Al; they need SecurityAlert.Read.All alone"),
                     1);
    assert_int_equal(world_logged(&world, "roles that its sources do not need"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_sign_in_redeems_the_newest_token, begin, end),
        cmocka_unit_test_setup_teardown(the_new_token_is_durable_before_a_crash_can_come, begin, end),
        cmocka_unit_test_setup_teardown(the_former_token_serves_where_the_new_one_was_lost, begin, end),
        cmocka_unit_test_setup_teardown(a_stored_token_that_is_refused_gives_way_to_the_file_s, begin, end),
        cmocka_unit_test_setup_teardown(a_new_token_in_the_file_replaces_the_stored_ones, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_token_is_told_and_left_alone_for_a_while, begin, end),
        cmocka_unit_test_setup_teardown(many_tenants_ask_for_the_identity_s_token_once, begin, end),
        cmocka_unit_test_setup_teardown(a_busy_endpoint_is_asked_again_for_all_at_once, begin, end),
        cmocka_unit_test_setup_teardown(an_engine_may_end_while_all_wait_for_the_identity, begin, end),
        cmocka_unit_test_setup_teardown(a_token_that_the_api_refuses_is_not_taken_from_the_cache_again, begin, end),
        cmocka_unit_test_setup_teardown(the_end_of_a_certificate_is_told_30_14_7_and_1_days_before, begin, end),
        cmocka_unit_test_setup_teardown(roles_beyond_the_least_are_told_once_for_each_tenant, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
