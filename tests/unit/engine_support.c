/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings_support.h"
#include "temporary.h"

const char *world_tenant(unsigned i) {
    static char texts[8][40];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "00000000-0000-0000-0000-%012u", i);
    return text;
}

/* --- the sink --- */

static void keep_message(struct world *world, const struct imd_batch *batch, const struct imd_alert *alert) {
    if (world->count == world->room) {
        world->room = world->room ? world->room * 2 : 64;
        world->messages = realloc(world->messages, world->room * sizeof *world->messages);
        if (!world->messages) abort();
    }
    world->messages[world->count++] = (struct world_message){
        .kind = batch->kind,
        .tenant = strdup(batch->settings->tenant_id),
        .source = strdup(batch->source->name),
        .id = strdup(alert->id),
        .json = strdup(alert->json),
        .stamp = alert->stamp,
        .change = alert->change,
        .at = world->api.now,
    };
}

static void pass_on(struct world *world, struct imd_batch *batch) {
    world->api.outside++;
    for (size_t i = 0; i < batch->count; i++) keep_message(world, batch, &batch->alerts[i]);
    world->api.outside--;
    imd_engine_submitted(world->engine, batch);
}

static void submit(void *context, struct imd_batch *batch) {
    struct world *world = context;
    world->batches_out++;
    batch->next = NULL;
    if (world->holds_batches) {
        *world->held_end = batch;
        world->held_end = &batch->next;
    } else {
        pass_on(world, batch);
    }
}

void world_submit_held(struct world *world) {
    for (struct imd_batch *batch; (batch = world->held);) {
        world->held = batch->next;
        pass_on(world, batch);
    }
    world->held_end = &world->held;
}

static bool acknowledged(void *context, const struct imd_batch *batch) {
    (void)batch;
    return !((struct world *)context)->acknowledges_nothing;
}

static void release(void *context, struct imd_batch *batch) {
    (void)batch;
    ((struct world *)context)->batches_out--;
}

/* --- life --- */

static void write_log(void *context, enum imd_log_level level, const char *text) {
    struct world *world = context;
    world->api.outside++;
    imd_buffer_print(&world->log, "%d %s\n", (int)level, text);
    world->api.outside--;
}

void world_init(struct world *world, const char *name, ...) {
    va_list pairs;
    memset(world, 0, sizeof *world);
    virtual_api_init(&world->api);
    memory_store_init(&world->store);
    imd_buffer_init(&world->log, 16 << 20);
    world->held_end = &world->held;
    world->settings = imd_settings_new();
    settings_put(world->settings, "clientId", SETTINGS_CLIENT);
    settings_put(world->settings, "clientSecret", "sim-secret");
    settings_put(world->settings, "loginUrl", VIRTUAL_LOGIN);
    settings_put(world->settings, "apiUrl", VIRTUAL_URL);
    va_start(pairs, name);
    for (; name; name = va_arg(pairs, const char *)) settings_put(world->settings, name, va_arg(pairs, const char *));
    va_end(pairs);
}

void world_crash(struct world *world) {
    imd_engine_free(world->engine);
    assert_int_equal(world->batches_out, 0);
    world->engine = NULL;
    world->held = NULL;
    world->held_end = &world->held;
}

void world_free(struct world *world) {
    if (world->engine) world_crash(world);
    for (size_t i = 0; i < world->count; i++) {
        free(world->messages[i].tenant);
        free(world->messages[i].source);
        free(world->messages[i].id);
        free(world->messages[i].json);
    }
    free(world->messages);
    imd_buffer_free(&world->log);
    imd_settings_release(world->settings);
    virtual_api_free(&world->api);
    memory_store_free(&world->store);
    temporary_remove();
}

void world_write_file(struct world *world, const char *text) {
    world->path = temporary_text("tenants.yaml", text);
}

void world_write_tenants(struct world *world, unsigned count, const char *extra) {
    struct imd_buffer text;
    imd_buffer_init(&text, 1 << 20);
    imd_buffer_add_text(&text, "tenants:\n");
    for (unsigned i = 1; i <= count; i++)
        imd_buffer_print(&text, "    - tenantId: %s\n%s", world_tenant(i), extra ? extra : "");
    world_write_file(world, text.data);
    imd_buffer_free(&text);
}

void world_start(struct world *world) {
    struct imd_error error = {0};
    struct imd_tenants *tenants = NULL;
    char text[2048];
    const struct imd_engine_options options = {.log = {world, write_log}, .store = &world->store.store};
    const struct imd_sink sink = {world, submit, acknowledged, release};
    world->engine = imd_engine_new_with(&options, &world->api.transport, false, 1, &error);
    assert_non_null(world->engine);
    if (imd_tenants_load(world->path, world->settings, NULL, &tenants, &error) < 0)
        fail_msg("%s", imd_error_print(&error, NULL, text, sizeof text));
    world->input =
        imd_engine_add_input(world->engine, WORLD_INPUT, world->path, world->settings, tenants, &sink, &error);
    if (!world->input) fail_msg("%s", imd_error_print(&error, NULL, text, sizeof text));
    assert_int_equal(imd_engine_start(world->engine, &error), 0);
}

void world_run(struct world *world, int64_t ms) {
    int64_t until = world->api.now + ms;
    while (world->api.now < until) {
        int64_t left = until - world->api.now;
        imd_engine_turn(world->engine, left < 250 ? (int)left : 250);
        imd_checkpointer_turn(world->engine->checkpointer, world->api.now, false);
    }
}

/* --- looking --- */

struct imd_feed *world_feed(struct world *world, unsigned tenant) {
    for (size_t i = 0; i < world->input->tenant_count; i++)
        if (!strcmp(world->input->tenants[i]->settings->tenant_id, world_tenant(tenant)))
            return world->input->tenants[i]->feeds[IMD_SOURCE_ALERTS];
    return NULL;
}

struct imd_counters *world_counters(struct world *world, unsigned tenant) {
    return &world_feed(world, tenant)->account->counters;
}

static bool is_of(const struct world_message *message, enum imd_batch_kind kind, unsigned tenant) {
    return message->kind == kind && (!tenant || !strcmp(message->tenant, world_tenant(tenant)));
}

size_t world_alerts(const struct world *world, unsigned tenant, const char *id) {
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++)
        count += is_of(&world->messages[i], IMD_BATCH_ALERTS, tenant) && (!id || !strcmp(world->messages[i].id, id));
    return count;
}

size_t world_healths(const struct world *world, unsigned tenant, const char *state) {
    char member[80];
    size_t count = 0;
    snprintf(member, sizeof member, "\"state\":\"%s\"", state ? state : "");
    for (size_t i = 0; i < world->count; i++)
        count +=
            is_of(&world->messages[i], IMD_BATCH_HEALTH, tenant) && (!state || strstr(world->messages[i].json, member));
    return count;
}

static const struct world_message *last(const struct world *world, enum imd_batch_kind kind, unsigned tenant) {
    for (size_t i = world->count; i-- > 0;)
        if (is_of(&world->messages[i], kind, tenant)) return &world->messages[i];
    return NULL;
}

const struct world_message *world_last_health(const struct world *world, unsigned tenant) {
    return last(world, IMD_BATCH_HEALTH, tenant);
}

const struct world_message *world_last_alert(const struct world *world, unsigned tenant) {
    return last(world, IMD_BATCH_ALERTS, tenant);
}

static void check_account(const struct imd_counters *counters, const char *whose) {
    uint64_t accounted =
        counters->alerts_submitted + counters->alerts_duplicate + counters->alerts_filtered + counters->alerts_rejected;
    if (counters->alerts_fetched != accounted)
        fail_msg("%s: fetched %u, accounted for %u", whose, (unsigned)counters->alerts_fetched, (unsigned)accounted);
}

void world_check_accounts(struct world *world) {
    check_account(&world->input->counters, "input");
    for (size_t i = 0; i < world->engine->account_count; i++)
        check_account(&world->engine->accounts[i]->counters, world->engine->accounts[i]->tenant);
}

unsigned world_logged(const struct world *world, const char *text) {
    unsigned count = 0;
    for (const char *line = world->log.data; line && *line; line = strchr(line, '\n') + 1) {
        const char *found = strstr(line, text);
        if (!found) break;
        count++;
        line = found;
    }
    return count;
}
