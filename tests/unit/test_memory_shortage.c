/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the engine fails once, one run after the other: nothing crashes, leaks, gets lost or comes twice,
 * and the next poll makes up for it. Linked with wrappers around malloc and its kin. */
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

static unsigned long countdown; /* the allocation that fails, 0: none */
static unsigned exempt;         /* code of the test is running */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void) {
    return countdown && !exempt && !world.api.outside && --countdown == 0;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text) {
    return fails() ? NULL : __real_strdup(text);
}

/* --- the store is the test's, too --- */

static const struct imd_store_operations *real_store;

struct loading {
    bool (*each)(void *context, const struct imd_version *version);
    void *context;
};

static bool each_of_engine(void *context, const struct imd_version *version) {
    struct loading *loading = context;
    exempt--;
    bool more = loading->each(loading->context, version);
    exempt++;
    return more;
}

static int load(struct imd_store *store, const struct imd_feed_name *feed, struct imd_checkpoint *checkpoint,
                bool (*each)(void *context, const struct imd_version *version), void *context,
                struct imd_error *error) {
    struct loading loading = {each, context};
    exempt++;
    int result = real_store->load(store, feed, checkpoint, each_of_engine, &loading, error);
    exempt--;
    return result;
}

static int commit(struct imd_store *store, const struct imd_change *changes, size_t count, struct imd_error *error) {
    exempt++;
    int result = real_store->commit(store, changes, count, error);
    exempt--;
    return result;
}

static int report(struct imd_store *store, const struct imd_feed_status *statuses, size_t count,
                  struct imd_error *error) {
    exempt++;
    int result = real_store->report(store, statuses, count, error);
    exempt--;
    return result;
}

/* --- one run --- */

#define ALERTS 30
#define RUN_MS (70 * SECONDS) /* two polls of each tenant */

static unsigned alerts_made;

static void make_alerts(void) {
    for (unsigned tenant = 1; tenant <= 2; tenant++)
        for (unsigned i = 0; i < ALERTS; i++) {
            char id[20];
            snprintf(id, sizeof id, "a%u", alerts_made + i);
            virtual_api_alert(&world.api, world_tenant(tenant), id, i / 4);
        }
    alerts_made += ALERTS;
}

static void begin(void) {
    static struct imd_store_operations operations;
    world_init(&world, "pageSize", "7", NULL);
    real_store = world.store.store.operations;
    operations = *real_store;
    operations.load = load;
    operations.commit = commit;
    operations.report = report;
    world.store.store.operations = &operations;
    alerts_made = 0;
    make_alerts();
    world_write_tenants(&world, 2, NULL);
}

/* Everything arrived, once, and all is well. */
static void check(unsigned long n) {
    world_check_accounts(&world);
    for (unsigned tenant = 1; tenant <= 2; tenant++) {
        for (unsigned i = 0; i < alerts_made; i++) {
            char id[20];
            snprintf(id, sizeof id, "a%u", i);
            size_t times = world_alerts(&world, tenant, id);
            if (times != 1) fail_msg("allocation %lu failed: %s of tenant %u came %zu times", n, id, tenant, times);
        }
        if (strcmp(world_feed(&world, tenant)->health, "ok") != 0)
            fail_msg("allocation %lu failed: tenant %u is %s", n, tenant, world_feed(&world, tenant)->health);
    }
    assert_int_equal(world.input->load.alerts, 0);
    assert_int_equal(world.input->load.bytes, 0);
    assert_int_equal(world.input->load.queued_bytes, 0);
}

/* Under a sanitizer, which takes its time, only some allocations fail, so many apart. */
static unsigned stride(void) {
    return getenv("IMD_SLOW") ? 23 : 1;
}

/* Whether the n-th allocation of these ms was reached; then time to recover. */
static bool run_with_failure(unsigned long n, int64_t ms) {
    countdown = n;
    world_run(&world, ms);
    bool failed = countdown == 0;
    countdown = 0;
    world_run(&world, 5 * MINUTES);
    return failed;
}

static void polls_make_up_for_any_failed_allocation(void **state) {
    (void)state;
    unsigned long n = 1;
    for (bool failed = true; failed; n += stride()) {
        begin();
        world_start(&world);
        failed = run_with_failure(n, RUN_MS);
        check(n);
        world_free(&world);
    }
    print_message("up to allocation %lu\n", n);
}

static bool reject_now;

static void send_bad_object(void *context, const struct virtual_call *call, struct virtual_answer *answer) {
    (void)context;
    if (call->token || !reject_now) return;
    answer->body = "{\"value\":[{\"no\":\"id\"},{\"no\":\"time\",\"id\":\"x\"}]}";
}

static void rejected_objects_are_told_whatever_fails(void **state) {
    (void)state;
    unsigned long n = 1;
    for (bool failed = true; failed; n += stride()) {
        begin();
        world_start(&world);
        world_run(&world, 2 * MINUTES);
        world.api.script = send_bad_object;
        reject_now = true;
        failed = run_with_failure(n, RUN_MS);
        reject_now = false;
        world_run(&world, 20 * MINUTES);
        check(n);
        assert_int_equal(world_healths(&world, 1, "rejected"), 2);
        world_free(&world);
    }
    print_message("up to allocation %lu\n", n);
}

/* A reload that fails for want of memory is made up for without anybody's help. */
static void a_reload_may_fail_and_is_made_up_for(void **state) {
    (void)state;
    unsigned long n = 1;
    for (bool failed = true; failed; n += stride()) {
        begin();
        world_write_tenants(&world, 1, NULL);
        world_start(&world);
        world_run(&world, 2 * MINUTES);
        world_write_tenants(&world, 2, "      tenantName: Now there are two\n");
        imd_engine_reload(world.engine);
        failed = run_with_failure(n, RUN_MS);
        if (!world_feed(&world, 2)) fail_msg("allocation %lu failed: tenant 2 is not there", n);
        check(n);
        world_free(&world);
    }
    print_message("up to allocation %lu\n", n);
}

/* --- starting --- */

static void ignore_batch(void *context, struct imd_batch *batch) {
    (void)context;
    (void)batch;
}

static bool is_acknowledged(void *context, const struct imd_batch *batch) {
    (void)context;
    (void)batch;
    return true;
}

static bool try_start(struct imd_tenants *tenants) {
    struct imd_error error = {0};
    const struct imd_engine_options options = {.store = &world.store.store};
    const struct imd_sink sink = {NULL, ignore_batch, is_acknowledged, ignore_batch};
    struct imd_engine *engine = imd_engine_new_with(&options, &world.api.transport, false, 1, &error);
    struct imd_engine_input *input = NULL;
    if (engine)
        input = imd_engine_add_input(engine, WORLD_INPUT, world.path, world.settings, tenants, &sink, &error);
    else
        imd_tenants_free(tenants);
    bool started = input && imd_engine_start(engine, &error) == 0;
    if (!started) assert_true(error.what[0]);
    imd_engine_free(engine);
    return started;
}

static void a_start_without_memory_is_an_error(void **state) {
    (void)state;
    bool started = false;
    begin();
    for (unsigned long n = 1; !started; n++) {
        struct imd_tenants *tenants = NULL;
        struct imd_error error = {0};
        assert_int_equal(imd_tenants_load(world.path, world.settings, NULL, &tenants, &error), 0);
        countdown = n;
        started = try_start(tenants);
        countdown = 0;
    }
    world_free(&world);
}

/* --- the real transport --- */

static unsigned done;

static void count_done(struct imd_request *request) {
    assert_null(request->handle);
    assert_int_not_equal(request->response.failure, IMD_FAILURE_NONE);
    done++;
}

static enum imd_flow take_all(struct imd_request *request, const char *bytes, size_t length) {
    (void)request;
    (void)bytes;
    (void)length;
    return IMD_FLOW_CONTINUE;
}

/* Nobody listens there, so each request fails one way or the other, once. */
static void requests_without_memory_end_as_failures(void **state) {
    (void)state;
    struct imd_error error;
    struct imd_settings *settings = settings_with(NULL, NULL);
    for (unsigned long n = 1; n < 60; n++)
        for (int cancelled = 0; cancelled < 2; cancelled++) {
            struct imd_request requests[3];
            struct imd_transport *http = imd_http_new(4, NULL, &error);
            assert_non_null(http);
            done = 0;
            for (int i = 0; i < 3; i++) {
                requests[i] = (struct imd_request){.settings = settings,
                                                   .url = "http://127.0.0.1:1/",
                                                   .headers = {"A: b"},
                                                   .data = take_all,
                                                   .done = count_done};
                countdown = n;
                http->operations->start(http, &requests[i]);
                countdown = 0;
                assert_non_null(requests[i].handle);
            }
            if (cancelled) http->operations->cancel(http, &requests[1]);
            for (int i = 0; i < 200 && done < 3u - (unsigned)cancelled; i++) http->operations->poll(http, 50);
            assert_int_equal(done, 3 - cancelled);
            http->operations->free(http);
        }
    imd_settings_release(settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polls_make_up_for_any_failed_allocation),
        cmocka_unit_test(rejected_objects_are_told_whatever_fails),
        cmocka_unit_test(a_reload_may_fail_and_is_made_up_for),
        cmocka_unit_test(a_start_without_memory_is_an_error),
        cmocka_unit_test(requests_without_memory_end_as_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
