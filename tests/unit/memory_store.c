/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct memory_store *self(struct imd_store *store) {
    return (struct memory_store *)store;
}

struct memory_feed *memory_store_find(struct memory_store *store, const struct imd_feed_name *name) {
    for (struct memory_feed *feed = store->feeds; feed; feed = feed->next)
        if (!strcmp(feed->input, name->input) && !strcmp(feed->tenant, name->tenant) &&
            !strcmp(feed->source, name->source))
            return feed;
    return NULL;
}

static struct memory_feed *find_or_add(struct memory_store *store, const struct imd_feed_name *name) {
    struct memory_feed *feed = memory_store_find(store, name);
    if (feed) return feed;
    feed = calloc(1, sizeof *feed);
    if (!feed) abort();
    snprintf(feed->input, sizeof feed->input, "%s", name->input);
    snprintf(feed->tenant, sizeof feed->tenant, "%s", name->tenant);
    snprintf(feed->source, sizeof feed->source, "%s", name->source);
    feed->checkpoint = (struct imd_checkpoint){IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE};
    feed->next = store->feeds;
    store->feeds = feed;
    return feed;
}

static int load(struct imd_store *store, const struct imd_feed_name *name, struct imd_checkpoint *checkpoint,
                bool (*each)(void *context, const struct imd_version *version), void *context,
                struct imd_error *error) {
    (void)error;
    struct memory_feed *feed = memory_store_find(self(store), name);
    *checkpoint = (struct imd_checkpoint){IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE};
    if (!feed) return 0;
    *checkpoint = feed->checkpoint;
    for (size_t i = 0; i < feed->count; i++)
        if (!each(context, &feed->versions[i])) return -1;
    return 1;
}

static void add_version(struct memory_feed *feed, const struct imd_version *version) {
    for (size_t i = 0; i < feed->count; i++)
        if (!memcmp(&feed->versions[i].id, &version->id, sizeof version->id) &&
            feed->versions[i].stamp == version->stamp)
            return;
    if (feed->count == feed->room) {
        feed->room = feed->room ? feed->room * 2 : 16;
        feed->versions = realloc(feed->versions, feed->room * sizeof *feed->versions);
        if (!feed->versions) abort();
    }
    feed->versions[feed->count++] = *version;
}

static void keep(imd_time *stored, imd_time value) {
    if (value != IMD_TIME_NONE) *stored = value;
}

static void apply(struct memory_feed *feed, const struct imd_change *change) {
    if (change->has_checkpoint) {
        keep(&feed->checkpoint.origin, change->checkpoint.origin);
        keep(&feed->checkpoint.watermark, change->checkpoint.watermark);
        keep(&feed->checkpoint.swept, change->checkpoint.swept);
        keep(&feed->checkpoint.succeeded, change->checkpoint.succeeded);
    }
    for (size_t i = 0; i < change->version_count; i++) add_version(feed, &change->versions[i]);
    if (change->forget_before == IMD_TIME_NONE) return;
    size_t kept = 0;
    for (size_t i = 0; i < feed->count; i++) {
        const struct imd_version *version = &feed->versions[i];
        imd_time last = version->stamp > version->met ? version->stamp : version->met;
        if (last >= change->forget_before) feed->versions[kept++] = *version;
    }
    feed->count = kept;
}

static int commit(struct imd_store *store, const struct imd_change *changes, size_t count, struct imd_error *error) {
    if (self(store)->failing) return imd_error_set(error, "make room", "the test's store is told to fail");
    self(store)->commits++;
    for (size_t i = 0; i < count; i++) apply(find_or_add(self(store), &changes[i].feed), &changes[i]);
    return 0;
}

static int report(struct imd_store *store, const struct imd_feed_status *statuses, size_t count,
                  struct imd_error *error) {
    (void)error;
    for (size_t i = 0; i < count; i++) {
        struct memory_feed *feed = find_or_add(self(store), &statuses[i].feed);
        snprintf(feed->state, sizeof feed->state, "%s", statuses[i].state);
    }
    return 0;
}

static int list(struct imd_store *store,
                bool (*each)(void *context, const struct imd_feed_status *status,
                             const struct imd_checkpoint *checkpoint, uint64_t versions),
                void *context, struct imd_error *error) {
    (void)error;
    for (struct memory_feed *feed = self(store)->feeds; feed; feed = feed->next) {
        struct imd_feed_status status = {.feed = {feed->input, feed->tenant, feed->source},
                                         .state = feed->state[0] ? feed->state : NULL,
                                         .since = IMD_TIME_NONE};
        if (!each(context, &status, &feed->checkpoint, feed->count)) return 0;
    }
    return 0;
}

static bool owned(struct imd_store *store) {
    (void)store;
    return true;
}

static struct memory_token *find_token(struct memory_store *store, const char *tenant, const char *client) {
    for (unsigned i = 0; i < store->token_count; i++)
        if (!strcmp(store->tokens[i].tenant, tenant) && !strcmp(store->tokens[i].client, client)) return &store->tokens[i];
    return NULL;
}

static int put_token(struct imd_store *store, const char *tenant, const char *client_id, const char *token,
                     struct imd_error *error) {
    if (self(store)->failing) return imd_error_set(error, "make room", "the test's store is told to fail");
    struct memory_token *place = find_token(self(store), tenant, client_id);
    if (!place) {
        if (self(store)->token_count == sizeof self(store)->tokens / sizeof *self(store)->tokens) abort();
        place = &self(store)->tokens[self(store)->token_count++];
    }
    snprintf(place->tenant, sizeof place->tenant, "%s", tenant);
    snprintf(place->client, sizeof place->client, "%s", client_id);
    snprintf(place->text, sizeof place->text, "%s", token);
    return 0;
}

static int get_token(struct imd_store *store, const char *tenant, const char *client_id, char **token,
                     struct imd_error *error) {
    (void)error;
    struct memory_token *place = find_token(self(store), tenant, client_id);
    *token = place ? strdup(place->text) : NULL;
    return 0;
}

static const struct imd_store_operations operations = {.load = load, .commit = commit, .report = report, .list = list,
                                                       .put_token = put_token, .get_token = get_token,
                                                       .owned = owned};

void memory_store_init(struct memory_store *store) {
    memset(store, 0, sizeof *store);
    store->store.operations = &operations;
}

void memory_store_free(struct memory_store *store) {
    for (struct memory_feed *feed; (feed = store->feeds);) {
        store->feeds = feed->next;
        free(feed->versions);
        free(feed);
    }
}
