/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants of an input: made from its file, and made anew when the file changes. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../base/fault.h"
#include "internal.h"

#define RELOAD_AGAIN_MS 30000
#define START_SPREAD_MS 5 /* per feed: first polls come one after the other */

/* --- making --- */

static bool wants(const struct imd_settings *settings, int source) {
    return (settings->sources & (1u << source)) != 0;
}

static int add_feed(struct imd_tenant *tenant, int source, int64_t delay, struct imd_error *error) {
    struct imd_engine *engine = tenant->input->engine;
    tenant->feeds[source] = imd_feed_new(tenant, &imd_sources[source], error);
    if (!tenant->feeds[source]) return -1;
    if (!imd_heap_reserve(&engine->due, engine->account_count)) {
        imd_feed_free(tenant->feeds[source]);
        tenant->feeds[source] = NULL;
        return imd_error_set(error, "free memory", "no memory for a feed");
    }
    tenant->input->feed_count++;
    imd_feed_schedule(tenant->feeds[source], delay);
    return 0;
}

static int compare_feeds(const void *a, const void *b) {
    const struct imd_feed *left = *(struct imd_feed *const *)a, *right = *(struct imd_feed *const *)b;
    int order = strcmp(left->tenant->settings->tenant_id, right->tenant->settings->tenant_id);
    return order ? order : (int)left->source->id - (int)right->source->id;
}

/* The feeds of an input in an order in which they can be found. NULL when memory is short. */
static struct imd_feed **sort_feeds(const struct imd_engine_input *input) {
    struct imd_feed **feeds = malloc((input->feed_count + 1) * sizeof(struct imd_feed *));
    size_t count = 0;
    if (!feeds) return NULL;
    for (size_t i = 0; i < input->tenant_count; i++)
        for (int source = 0; source < IMD_SOURCE_COUNT; source++)
            if (input->tenants[i]->feeds[source]) feeds[count++] = input->tenants[i]->feeds[source];
    qsort(feeds, count, sizeof(struct imd_feed *), compare_feeds);
    return feeds;
}

static struct imd_feed *find_feed(struct imd_feed **feeds, size_t count, const char *tenant_id,
                                  const struct imd_source *source) {
    struct imd_settings settings = {.tenant_id = (char *)tenant_id};
    struct imd_tenant tenant = {.settings = &settings};
    struct imd_feed wanted = {.tenant = &tenant, .source = source}, *key = &wanted;
    struct imd_feed **found = bsearch(&key, feeds, count, sizeof(struct imd_feed *), compare_feeds);
    return found ? *found : NULL;
}

/* Feeds that stay keep what they know; tokens stay where the credential does. */
static void take_over(struct imd_tenant *tenant, struct imd_feed **old, size_t old_count) {
    for (int source = 0; source < IMD_SOURCE_COUNT; source++) {
        if (!wants(tenant->settings, source)) continue;
        struct imd_feed *feed = find_feed(old, old_count, tenant->settings->tenant_id, &imd_sources[source]);
        if (!feed) continue;
        struct imd_tenant *from = feed->tenant;
        imd_tenant_inherit(tenant, from);
        from->feeds[source] = NULL;
        imd_feed_move(feed, tenant);
        tenant->feeds[source] = feed;
    }
}

static void free_tenants(struct imd_tenant **tenants, size_t count) {
    for (size_t i = 0; i < count; i++) imd_tenant_free(tenants[i]);
    free(tenants);
}

static size_t count_feeds(struct imd_tenant *const *tenants, size_t count) {
    size_t feeds = 0;
    for (size_t i = 0; i < count; i++)
        for (int source = 0; source < IMD_SOURCE_COUNT; source++) feeds += tenants[i]->feeds[source] != NULL;
    return feeds;
}

/* Makes the feeds that are still missing; the first polls are spread over the interval. */
static int add_feeds(struct imd_tenant *tenant, size_t *position, struct imd_error *error) {
    struct imd_engine *engine = tenant->input->engine;
    int64_t interval = tenant->settings->poll_interval * 1000;
    for (int source = 0; source < IMD_SOURCE_COUNT; source++) {
        if (!wants(tenant->settings, source) || tenant->feeds[source]) continue;
        int64_t spread = (int64_t)(*position)++ * START_SPREAD_MS;
        int64_t delay = spread < interval ? spread : imd_engine_jitter(engine, interval);
        if (add_feed(tenant, source, delay, error) < 0) return -1;
    }
    return 0;
}

/* One line for each source that is deprecated, however many tenants use it and however often their file changes. */
static void warn_deprecated(struct imd_engine_input *input) {
    for (int source = 0; source < IMD_SOURCE_COUNT; source++) {
        size_t users = 0;
        if (!imd_sources[source].deprecation || (input->warned_sources & 1u << source)) continue;
        for (size_t i = 0; i < input->tenant_count; i++) users += input->tenants[i]->feeds[source] != NULL;
        if (!users) continue;
        input->warned_sources |= 1u << source;
        imd_log_print(&input->engine->log, IMD_LOG_WARNING, "input %s: source %s, used by %zu tenant%s: %s", input->name,
                      imd_sources[source].name, users, users == 1 ? "" : "s", imd_sources[source].deprecation);
    }
}

int imd_input_make_tenants(struct imd_engine_input *input, struct imd_tenants *settings, struct imd_error *error) {
    struct imd_engine *engine = input->engine;
    struct imd_tenant **tenants = calloc(settings->count + 1, sizeof *tenants);
    struct imd_feed **old = sort_feeds(input);
    size_t made = 0, old_count = input->feed_count, position = 0;
    for (; tenants && made < settings->count; made++) {
        tenants[made] = imd_tenant_new(input, settings->items[made]);
        if (!tenants[made]) break;
    }
    if (!tenants || !old || made < settings->count) {
        free_tenants(tenants, made);
        free(old);
        return imd_error_set(error, "free memory", "no memory for the tenants");
    }
    pthread_mutex_lock(&engine->feeds_lock);
    for (size_t i = 0; i < made; i++) take_over(tenants[i], old, old_count);
    struct imd_tenant **former = input->tenants;
    size_t former_count = input->tenant_count;
    input->tenants = tenants;
    input->tenant_count = made;
    input->feed_count = count_feeds(tenants, made);
    int result = 0;
    for (size_t i = 0; i < made && result == 0; i++) result = add_feeds(tenants[i], &position, error);
    free_tenants(former, former_count);
    pthread_mutex_unlock(&engine->feeds_lock);
    free(old);
    warn_deprecated(input);
    return result;
}

/* --- watching the file --- */

static bool look_at_file(struct imd_engine_input *input) {
    struct stat now;
    if (stat(input->tenants_file, &now) < 0) return false; /* being replaced, or gone: what runs goes on */
    bool changed = input->file_seen.size != now.st_size || input->file_seen.seconds != now.st_mtim.tv_sec ||
                   input->file_seen.nanoseconds != now.st_mtim.tv_nsec || input->file_seen.inode != now.st_ino;
    input->file_seen.size = now.st_size;
    input->file_seen.seconds = now.st_mtim.tv_sec;
    input->file_seen.nanoseconds = now.st_mtim.tv_nsec;
    input->file_seen.inode = now.st_ino;
    return changed;
}

static void reload(struct imd_engine_input *input) {
    struct imd_engine *engine = input->engine;
    struct imd_tenants *tenants = NULL;
    struct imd_error error = {0};
    char text[2048];
    size_t before = input->tenant_count;
    const char *consequence = "the tenants stay as they were";
    int result = imd_tenants_load(input->tenants_file, input->settings, &engine->log, &tenants, &error);
    IMD_FAULT_POINT("at-reload");
    bool good = result == 0;
    if (good) result = imd_input_make_tenants(input, tenants, &error);
    IMD_FAULT_POINT("after-reload");
    imd_tenants_free(tenants);
    if (result < 0 && (good || imd_error_is_memory(&error))) { /* not the fault of who wrote the file */
        consequence = "some tenants are not polled as the file says; it is read again soon";
        input->file_seen.inode = 0;
        input->file_checked_at = engine->now + RELOAD_AGAIN_MS;
    }
    if (result < 0)
        imd_log_print(&engine->log, IMD_LOG_ERROR, "input %s: %s", input->name,
                      imd_error_print(&error, consequence, text, sizeof text));
    else
        imd_log_print(&engine->log, IMD_LOG_INFO, "input %s: %s read again, %zu tenants (%zu before)", input->name,
                      input->tenants_file, input->tenant_count, before);
}

/* What an operator may have mended is tried at once. */
static void retry_all(struct imd_engine_input *input) {
    for (size_t i = 0; i < input->tenant_count; i++) {
        struct imd_tenant *tenant = input->tenants[i];
        imd_tenant_retry_now(tenant);
        for (int source = 0; source < IMD_SOURCE_COUNT; source++) {
            struct imd_feed *feed = tenant->feeds[source];
            if (feed && feed->failures && feed->state == IMD_FEED_WAITING && !feed->throttled)
                imd_feed_schedule(feed, imd_engine_jitter(input->engine, (int64_t)input->feed_count));
        }
    }
}

void imd_input_watch(struct imd_engine_input *input, bool now) {
    if (now || input->engine->now >= input->file_checked_at) {
        input->file_checked_at = input->engine->now + IMD_RELOAD_CHECK_MS;
        if (input->tenants_file && (look_at_file(input) || now)) reload(input);
    }
    if (now) retry_all(input);
}

void imd_input_note_file(struct imd_engine_input *input) {
    if (input->tenants_file) look_at_file(input);
}

/* --- finding, for the time between sort and unsort --- */

int imd_input_sort(struct imd_engine_input *input) {
    input->sorted = sort_feeds(input);
    return input->sorted ? 0 : -1;
}

struct imd_feed *imd_input_find_feed(struct imd_engine_input *input, const char *tenant_id, const char *source_name) {
    const struct imd_source *source = imd_source_find(source_name);
    return source ? find_feed(input->sorted, input->feed_count, tenant_id, source) : NULL;
}

void imd_input_unsort(struct imd_engine_input *input) {
    free(input->sorted);
    input->sorted = NULL;
}

void imd_input_close(struct imd_engine_input *input) {
    input->closed = true;
    free_tenants(input->tenants, input->tenant_count);
    input->tenants = NULL;
    input->tenant_count = input->feed_count = 0;
}

void imd_engine_input_free(struct imd_engine_input *input) {
    imd_settings_release(input->settings);
    free(input->tenants_file);
    free(input->name);
    free(input);
}
