/* SPDX-License-Identifier: Apache-2.0 */
/* What the tenants hold. */
#include "graph_data.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_buffer.h"
#include "graph_slice.h"
#include "graph_time.h"

void graph_data_init(struct graph_data *data, graph_data_watch *watch, void *context) {
    memset(data, 0, sizeof *data);
    data->watch = watch;
    data->watch_context = context;
}

static void empty_version(struct graph_version *version) {
    free(version->bytes);
    version->bytes = NULL;
    for (size_t i = 0; i < GRAPH_PROPERTIES_MAX; i++) {
        free(version->values[i].text);
        version->values[i].text = NULL;
    }
}

static void free_version(struct graph_version *version) {
    if (version != NULL) {
        empty_version(version);
        free(version->changed_text);
        free(version);
    }
}

static void free_object(struct graph_object *object) {
    for (struct graph_version *version = object->current, *older; version != NULL; version = older) {
        older = version->older;
        free_version(version);
    }
    for (struct graph_version *version = object->waiting, *next; version != NULL; version = next) {
        next = version->next_waiting;
        free_version(version);
    }
    free(object->id);
    free(object);
}

static void free_feed(struct graph_feed *feed) {
    for (size_t i = 0; i < feed->pending_count; i++) {
        free_version(feed->pending[i]);
    }
    for (size_t i = 0; i < feed->object_count; i++) {
        free_object(feed->objects[i]);
    }
    free(feed->pending);
    free(feed->objects);
    graph_map_free(&feed->by_id);
}

void graph_data_free(struct graph_data *data) {
    for (size_t i = 0; i < data->tenant_count; i++) {
        struct graph_tenant *tenant = data->tenants[i];
        for (int source = 0; source < GRAPH_SOURCES; source++) {
            free_feed(&tenant->feeds[source]);
        }
        free(tenant->id);
        free(tenant->domain);
        free(tenant);
    }
    free(data->tenants);
    graph_map_free(&data->by_name);
}

static char *lower(const char *text) {
    char *copy = graph_copy(text, strlen(text));
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    return copy;
}

struct graph_tenant *graph_data_find(const struct graph_data *data, const char *name) {
    char *key = lower(name);
    struct graph_tenant *tenant = graph_map_find(&data->by_name, key);
    free(key);
    return tenant;
}

struct graph_tenant *graph_data_tenant(struct graph_data *data, const char *id) {
    struct graph_tenant *tenant = graph_data_find(data, id);
    if (tenant != NULL) {
        return tenant;
    }
    tenant = graph_alloc(sizeof *tenant);
    tenant->id = lower(id);
    tenant->number = (unsigned)data->tenant_count + 1;
    for (int source = 0; source < GRAPH_SOURCES; source++) {
        tenant->feeds[source].tenant = tenant;
        tenant->feeds[source].source = source;
    }
    if (data->tenant_count == data->tenant_size) {
        data->tenant_size = data->tenant_size * 2 + 16;
        data->tenants = graph_grow(data->tenants, data->tenant_size * sizeof *data->tenants);
    }
    data->tenants[data->tenant_count++] = tenant;
    graph_map_add(&data->by_name, tenant->id, tenant);
    return tenant;
}

void graph_data_domain(struct graph_data *data, struct graph_tenant *tenant, const char *domain) {
    if (tenant->domain == NULL && graph_data_find(data, domain) == NULL) {
        tenant->domain = lower(domain);
        graph_map_add(&data->by_name, tenant->domain, tenant);
    }
}

/* --- versions --- */

static bool read_time(struct graph_slice object, const char *name, int64_t *time, char **text) {
    char *value = graph_slice_text(graph_slice_member(object, name));
    bool valid = value != NULL && graph_time_parse(value, strlen(value), time);
    if (valid && text != NULL) {
        *text = value;
    } else {
        free(value);
    }
    return valid;
}

/* NULL if it is null or absent. A filter may name the property with a capital letter in front ("InvestigationId"). */
static char *property_text(struct graph_slice object, const struct graph_property *property) {
    char name[40];
    snprintf(name, sizeof name, "%c%s", tolower((unsigned char)property->name[0]), property->name + 1);
    struct graph_slice value = graph_slice_member(object, name);
    if (property->type == GRAPH_NUMBER) {
        return value.bytes != NULL && *value.bytes != 'n' ? graph_copy(value.bytes, value.length) : NULL;
    }
    return graph_slice_text(value);
}

static struct graph_version *read_version(const struct graph_source *source, struct graph_slice object,
                                          const char **problem) {
    struct graph_version *version = graph_alloc(sizeof *version);
    if (!read_time(object, source->changed, &version->changed, &version->changed_text)) {
        *problem = "the object has no readable time of its last update";
        free_version(version);
        return NULL;
    }
    if (!read_time(object, source->created, &version->created, NULL)) {
        version->created = version->changed;
    }
    for (size_t i = 0; i < source->property_count; i++) {
        char *text = property_text(object, &source->properties[i]);
        version->values[i].text = text;
        if (text != NULL && source->properties[i].type == GRAPH_TIME &&
            !graph_time_parse(text, strlen(text), &version->values[i].time)) {
            free(text);
            version->values[i].text = NULL;
        }
    }
    version->bytes = graph_copy(object.bytes, object.length);
    version->length = object.length;
    version->visible_at = version->replaced_at = GRAPH_NEVER;
    return version;
}

static struct graph_object *find_object(struct graph_feed *feed, char *id) {
    struct graph_object *object = graph_map_find(&feed->by_id, id);
    if (object != NULL) {
        free(id);
        return object;
    }
    object = graph_alloc(sizeof *object);
    object->id = id;
    object->feed = feed;
    if (feed->object_count == feed->object_size) {
        feed->object_size = feed->object_size * 2 + 16;
        feed->objects = graph_grow(feed->objects, feed->object_size * sizeof *feed->objects);
    }
    feed->objects[feed->object_count++] = object;
    graph_map_add(&feed->by_id, object->id, object);
    return object;
}

/* False, and the version is gone, if it was overtaken: one as new became visible before it. */
static bool show(struct graph_data *data, struct graph_version *version, int64_t now) {
    struct graph_object *object = version->object;
    if (object->current != NULL && version->changed <= object->current->changed) {
        free_version(version);
        return false;
    }
    version->visible_at = now;
    version->older = object->current;
    if (version->older != NULL) {
        version->older->replaced_at = now;
        empty_version(version->older);
    }
    object->current = version;
    if (data->watch != NULL) {
        data->watch(data->watch_context, version);
    }
    return true;
}

static void wait_for_time(struct graph_feed *feed, struct graph_version *version) {
    if (feed->pending_count == feed->pending_size) {
        feed->pending_size = feed->pending_size * 2 + 16;
        feed->pending = graph_grow(feed->pending, feed->pending_size * sizeof(struct graph_version *));
    }
    size_t at = feed->pending_count++;
    while (at > 0 && feed->pending[at - 1]->visible_at > version->visible_at) {
        feed->pending[at] = feed->pending[at - 1];
        at--;
    }
    feed->pending[at] = version;
}

static void wait_for_service(struct graph_version *version) {
    struct graph_version **last = &version->object->waiting;
    while (*last != NULL) {
        last = &(*last)->next_waiting;
    }
    *last = version;
}

bool graph_data_add(struct graph_data *data, struct graph_feed *feed, const char *bytes, size_t length,
                    int64_t visible_at, int64_t now, unsigned flags, const char **problem) {
    const struct graph_source *source = &graph_sources[feed->source];
    struct graph_slice object = graph_slice_value(bytes, length);
    char *id = graph_slice_text(graph_slice_member(object, source->id));
    if (id == NULL) {
        *problem = "the object has no id";
        return false;
    }
    struct graph_version *version = read_version(source, object, problem);
    if (version == NULL) {
        free(id);
        return false;
    }
    version->object = find_object(feed, id);
    version->object->fixed = version->object->fixed || (flags & GRAPH_FIXED) != 0;
    version->sequence = ++data->sequence;
    version->visible_at = visible_at;
    bool first = version->object->versions++ == 0;
    if (first || version->changed > version->object->newest) {
        version->object->newest = version->changed;
    }
    if ((flags & GRAPH_AFTER_SERVED) != 0 && !first) {
        wait_for_service(version);
    } else if (visible_at > now) {
        wait_for_time(feed, version);
    } else {
        show(data, version, now);
    }
    return true;
}

void graph_data_advance_feed(struct graph_data *data, struct graph_feed *feed, int64_t now) {
    size_t due = 0;
    while (due < feed->pending_count && feed->pending[due]->visible_at <= now) {
        due++;
    }
    for (size_t i = 0; i < due; i++) {
        show(data, feed->pending[i], feed->pending[i]->visible_at);
    }
    if (due > 0) {
        feed->pending_count -= due;
        memmove(feed->pending, feed->pending + due, feed->pending_count * sizeof(struct graph_version *));
    }
}

void graph_data_advance(struct graph_data *data, int64_t now) {
    for (size_t i = 0; i < data->tenant_count; i++) {
        for (int source = 0; source < GRAPH_SOURCES; source++) {
            graph_data_advance_feed(data, &data->tenants[i]->feeds[source], now);
        }
    }
}

void graph_data_served(struct graph_data *data, struct graph_version *const *versions, size_t count, int64_t now) {
    for (size_t i = 0; i < count; i++) {
        struct graph_object *object = versions[i]->object;
        versions[i]->served++;
        while (object->current == versions[i] && object->waiting != NULL) {
            struct graph_version *next = object->waiting;
            object->waiting = next->next_waiting;
            next->next_waiting = NULL;
            show(data, next, now);
        }
    }
}

void graph_data_each(const struct graph_data *data, void (*each)(void *context, const struct graph_version *version),
                     void *context) {
    for (size_t i = 0; i < data->tenant_count; i++) {
        for (int source = 0; source < GRAPH_SOURCES; source++) {
            const struct graph_feed *feed = &data->tenants[i]->feeds[source];
            for (size_t j = 0; j < feed->object_count; j++) {
                for (const struct graph_version *version = feed->objects[j]->current; version != NULL;
                     version = version->older) {
                    each(context, version);
                }
            }
        }
    }
}
