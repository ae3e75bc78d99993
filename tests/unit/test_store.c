/* SPDX-License-Identifier: Apache-2.0 */
/* The state store, as its users see it: what was committed is loaded, listed, forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "growth.h"
#include "store_support.h"

static struct imd_store *reopen(struct imd_store *store, const struct place *place) {
    store->operations->close(store);
    return open_store(place->path, true);
}

static void an_unknown_feed_loads_as_nothing(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct loaded loaded;

    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.found, 0);
    assert_int_equal(loaded.count, 0);
    assert_int_equal(loaded.checkpoint.origin, IMD_TIME_NONE);
    assert_int_equal(loaded.checkpoint.watermark, IMD_TIME_NONE);
    assert_int_equal(loaded.checkpoint.swept, IMD_TIME_NONE);
    assert_int_equal(loaded.checkpoint.succeeded, IMD_TIME_NONE);
    store->operations->close(store);
}

static void what_was_committed_is_there_after_reopening(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_version versions[2] = {{digest(1), 100, 110}, {digest(1), 105, 110}};
    struct imd_change change = {contoso, true, {1, -2, 3, INT64_MAX}, versions, 2, IMD_TIME_NONE};
    struct loaded loaded;

    must_commit(store, &change, 1);
    store = reopen(store, place);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.found, 1);
    assert_int_equal(loaded.checkpoint.origin, 1);
    assert_int_equal(loaded.checkpoint.watermark, -2);
    assert_int_equal(loaded.checkpoint.swept, 3);
    assert_int_equal(loaded.checkpoint.succeeded, INT64_MAX);
    assert_int_equal(loaded.count, 2);
    assert_memory_equal(&loaded.versions[0].id, &versions[0].id, sizeof(struct imd_digest));
    assert_int_equal(loaded.versions[0].stamp + loaded.versions[1].stamp, 205);
    assert_int_equal(loaded.versions[1].met, 110);
    store->operations->close(store);
}

static void times_that_are_not_given_stay_as_they_were(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_change change = {.feed = contoso, .has_checkpoint = true, .forget_before = IMD_TIME_NONE};
    struct loaded loaded;

    change.checkpoint = (struct imd_checkpoint){1, 2, 3, 4};
    must_commit(store, &change, 1);
    change.checkpoint = (struct imd_checkpoint){IMD_TIME_NONE, 20, IMD_TIME_NONE, IMD_TIME_NONE};
    must_commit(store, &change, 1);
    change.has_checkpoint = false;
    change.checkpoint = (struct imd_checkpoint){9, 9, 9, 9};
    must_commit(store, &change, 1);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.checkpoint.origin, 1);
    assert_int_equal(loaded.checkpoint.watermark, 20);
    assert_int_equal(loaded.checkpoint.swept, 3);
    assert_int_equal(loaded.checkpoint.succeeded, 4);
    store->operations->close(store);
}

static void a_version_that_is_there_already_stays(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_version version = {digest(1), 100, 110};
    struct imd_change change = {
        .feed = contoso, .versions = &version, .version_count = 1, .forget_before = IMD_TIME_NONE};
    struct loaded loaded;

    must_commit(store, &change, 1);
    version.met = 999;
    must_commit(store, &change, 1);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, 1);
    assert_int_equal(loaded.versions[0].met, 110);
    store->operations->close(store);
}

static void feeds_are_told_apart_by_input_tenant_and_source(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_feed_name names[4] = {{"a", "b", "c"}, {"a", "b", "x"}, {"a", "x", "c"}, {"x", "b", "c"}};
    struct loaded loaded;
    unsigned i;

    for (i = 0; i < 4; i++) assert_int_equal(commit_version(store, &names[i], i, 100 + (imd_time)i, NULL), 0);
    for (i = 0; i < 4; i++) {
        struct imd_digest expected = digest(i);

        load_feed(store, &names[i], &loaded);
        assert_int_equal(loaded.checkpoint.watermark, 100 + i);
        assert_int_equal(loaded.count, 1);
        assert_memory_equal(&loaded.versions[0].id, &expected, sizeof(expected));
    }
    store->operations->close(store);
}

static void forgetting_goes_by_the_later_of_stamp_and_meeting(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_version versions[4] = {
        {digest(1), 10, 20}, {digest(2), 20, 10}, {digest(3), 10, 10}, {digest(4), -5, IMD_TIME_NONE}};
    struct imd_change add = {.feed = contoso, .versions = versions, .version_count = 4, .forget_before = IMD_TIME_NONE};
    struct imd_change other = {
        .feed = fabrikam, .versions = versions, .version_count = 4, .forget_before = IMD_TIME_NONE};
    struct imd_change forget = {.feed = contoso, .forget_before = 20};
    struct loaded loaded;

    must_commit(store, &add, 1);
    must_commit(store, &other, 1);
    must_commit(store, &forget, 1);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, 2);
    load_feed(store, &fabrikam, &loaded);
    assert_int_equal(loaded.count, 4);
    forget.forget_before = 21;
    must_commit(store, &forget, 1);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.found, 1);
    assert_int_equal(loaded.count, 0);
    store->operations->close(store);
}

static void a_long_history_is_forgotten_in_bounded_parts(void **state) {
    enum { HISTORY = 2 * IMD_STORE_FORGET_MAX + 1 };
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_version *versions = calloc(HISTORY, sizeof(*versions));
    struct imd_change change = {
        .feed = contoso, .versions = versions, .version_count = HISTORY, .forget_before = IMD_TIME_NONE};
    struct loaded loaded;
    unsigned i;

    assert_non_null(versions);
    for (i = 0; i < HISTORY; i++) versions[i] = (struct imd_version){digest(i), i, i};
    must_commit(store, &change, 1);
    change.version_count = 0;
    change.forget_before = HISTORY;
    for (i = 1; i <= 3; i++) {
        must_commit(store, &change, 1);
        load_feed(store, &contoso, &loaded);
        assert_int_equal(loaded.count, i < 3 ? HISTORY - i * IMD_STORE_FORGET_MAX : 0);
    }
    free(versions);
    store->operations->close(store);
}

static void a_commit_that_adds_much_forgets_as_much(void **state) {
    enum { HISTORY = 5 * IMD_STORE_FORGET_MAX };
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_version *versions = calloc(2 * HISTORY, sizeof(*versions));
    struct imd_change change = {
        .feed = contoso, .versions = versions, .version_count = HISTORY, .forget_before = IMD_TIME_NONE};
    struct loaded loaded;
    unsigned i;

    assert_non_null(versions);
    for (i = 0; i < 2 * HISTORY; i++) versions[i] = (struct imd_version){digest(i), i, i};
    must_commit(store, &change, 1);
    change.versions = versions + HISTORY;
    change.forget_before = HISTORY;
    must_commit(store, &change, 1);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, HISTORY);
    free(versions);
    store->operations->close(store);
}

static bool take_one(void *context, const struct imd_version *version) {
    (void)version;
    return ++*(int *)context < 2;
}

static void a_load_that_is_broken_off_is_an_error_that_names_the_tenant(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_checkpoint checkpoint;
    struct imd_error error = {0};
    struct loaded loaded;
    int taken = 0;
    unsigned i;

    for (i = 0; i < 3; i++) assert_int_equal(commit_version(store, &contoso, i, 1, NULL), 0);
    assert_int_equal(store->operations->load(store, &contoso, &checkpoint, take_one, &taken, &error), -1);
    assert_int_equal(taken, 2);
    assert_string_equal(error.tenant, TENANT);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, 3);
    assert_int_equal(store->operations->load(store, &contoso, &checkpoint, NULL, NULL, NULL), 1);
    store->operations->close(store);
}

struct listing {
    char text[1024];
    int most;
};

static bool write_down(void *context, const struct imd_feed_status *status, const struct imd_checkpoint *checkpoint,
                       uint64_t versions) {
    struct listing *listing = context;
    size_t length = strlen(listing->text);

    snprintf(listing->text + length, sizeof(listing->text) - length, "%s/%s/%s %s '%s' %lld %lld %llu\n",
             status->feed.input, status->feed.tenant, status->feed.source, status->state ? status->state : "-",
             status->reason ? status->reason : "-", status->since == IMD_TIME_NONE ? -1 : (long long)status->since,
             checkpoint->watermark == IMD_TIME_NONE ? -1 : (long long)checkpoint->watermark,
             (unsigned long long)versions);
    return --listing->most > 0;
}

static void feeds_are_listed_in_order_with_state_and_checkpoint(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_feed_status statuses[3] = {{{"in", "b", "alerts"}, "failing", "no consent", 7},
                                          {{"in", "a", "incidents"}, NULL, NULL, IMD_TIME_NONE},
                                          {{"in", "b", "alerts"}, "healthy", "", 8}};
    struct imd_feed_name quiet = {"in", "c", "alerts"};
    struct listing listing = {.most = 10};

    assert_int_equal(store->operations->report(store, statuses, 3, NULL), 0);
    assert_int_equal(commit_version(store, &statuses[0].feed, 1, 55, NULL), 0);
    assert_int_equal(commit_version(store, &statuses[0].feed, 2, 56, NULL), 0);
    assert_int_equal(commit_version(store, &quiet, 1, 9, NULL), 0);
    assert_int_equal(store->operations->list(store, write_down, &listing, NULL), 0);
    assert_string_equal(listing.text,
                        "in/a/incidents - '-' -1 -1 0\n"
                        "in/b/alerts healthy '' 8 56 2\n"
                        "in/c/alerts - '-' -1 9 1\n");
    listing = (struct listing){.most = 1};
    assert_int_equal(store->operations->list(store, write_down, &listing, NULL), 0);
    assert_string_equal(listing.text, "in/a/incidents - '-' -1 -1 0\n");
    store->operations->close(store);
}

static void refresh_tokens_are_replaced_and_survive(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    struct imd_error error = {0};
    char *token = NULL, *large;

    assert_int_equal(store->operations->get_token(store, TENANT, "app", &token, NULL), 0);
    assert_null(token);
    assert_int_equal(store->operations->put_token(store, TENANT, "app", "first", NULL), 0);
    assert_int_equal(store->operations->put_token(store, TENANT, "app", "second", NULL), 0);
    assert_int_equal(store->operations->put_token(store, TENANT, "other", "third", NULL), 0);
    store = reopen(store, place);
    assert_int_equal(store->operations->get_token(store, TENANT, "app", &token, NULL), 0);
    assert_string_equal(token, "second");
    free(token);

    large = calloc(1, 64 * 1024 + 2);
    assert_non_null(large);
    memset(large, 's', 64 * 1024 + 1);
    assert_int_equal(store->operations->put_token(store, TENANT, "app", large, &error), -1);
    assert_null(strstr(error.what, "sss"));
    assert_string_equal(error.tenant, TENANT);
    free(large);
    store->operations->close(store);
}

static void an_old_refresh_token_leaves_no_trace_in_the_closed_state(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    size_t length;
    char *bytes;

    assert_int_equal(store->operations->put_token(store, TENANT, "app", "OLD-REFRESH-TOKEN", NULL), 0);
    assert_int_equal(store->operations->put_token(store, TENANT, "app", "another", NULL), 0);
    store->operations->close(store);
    assert_false(exists(beside(place, "state.db-wal")));
    bytes = read_whole(place->path, &length);
    assert_null(memmem(bytes, length, "OLD-REFRESH-TOKEN", 17));
    free(bytes);
}

enum { FEW = 1000, MANY = FEW * GROWTH_TIMES };

static struct imd_store *with_feeds(const char *path, unsigned feeds) {
    struct imd_store *store = open_store(path, true);
    struct imd_version versions[3] = {{digest(1), 1, 1}, {digest(2), 2, 2}, {digest(3), 3, 3}};
    struct imd_change *changes = calloc(feeds, sizeof(*changes));
    char(*tenants)[40] = calloc(feeds, sizeof(*tenants));

    assert_true(changes != NULL && tenants != NULL);
    for (unsigned i = 0; i < feeds; i++) {
        snprintf(tenants[i], sizeof(tenants[i]), "00000000-0000-0000-0000-%012u", i);
        changes[i] = (struct imd_change){{"in", tenants[i], "alerts"}, true, {1, i, 1, 1}, versions, 3, IMD_TIME_NONE};
    }
    must_commit(store, changes, feeds);
    free(tenants);
    free(changes);
    store->operations->close(store);
    return open_store(path, true);
}

static void load_all(void *context, unsigned feeds) {
    struct imd_store *const *stores = context;
    struct loaded loaded;

    for (unsigned i = 0; i < feeds; i++) {
        char tenant[40];
        snprintf(tenant, sizeof(tenant), "00000000-0000-0000-0000-%012u", i);
        load_feed(stores[feeds > FEW], &(struct imd_feed_name){"in", tenant, "alerts"}, &loaded);
        assert_int_equal(loaded.count, 3);
        assert_int_equal(loaded.checkpoint.watermark, i);
    }
}

static void the_time_to_load_a_feed_does_not_grow_with_their_number(void **state) {
    struct place *place = *state;
    struct imd_store *stores[] = {with_feeds(place->path, FEW), with_feeds(beside(place, "many.db"), MANY)};

    assert_true(growth(load_all, stores, FEW) < GROWTH_MAX);
    stores[0]->operations->close(stores[0]);
    stores[1]->operations->close(stores[1]);
}

#define in_a_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_place(an_unknown_feed_loads_as_nothing),
        in_a_place(what_was_committed_is_there_after_reopening),
        in_a_place(times_that_are_not_given_stay_as_they_were),
        in_a_place(a_version_that_is_there_already_stays),
        in_a_place(feeds_are_told_apart_by_input_tenant_and_source),
        in_a_place(forgetting_goes_by_the_later_of_stamp_and_meeting),
        in_a_place(a_long_history_is_forgotten_in_bounded_parts),
        in_a_place(a_commit_that_adds_much_forgets_as_much),
        in_a_place(a_load_that_is_broken_off_is_an_error_that_names_the_tenant),
        in_a_place(feeds_are_listed_in_order_with_state_and_checkpoint),
        in_a_place(refresh_tokens_are_replaced_and_survive),
        in_a_place(an_old_refresh_token_leaves_no_trace_in_the_closed_state),
        in_a_place(the_time_to_load_a_feed_does_not_grow_with_their_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
