/* SPDX-License-Identifier: Apache-2.0 */
/* Replays objects from files. */
#include "graph_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_buffer.h"
#include "graph_slice.h"
#include "graph_time.h"

struct entry {
    struct graph_slice object; /* a copy of its own */
    int source;
    int64_t changed;
    size_t number; /* of being read, for a stable order */
    char *id;
};

struct graph_replay {
    struct entry *entries;
    size_t count, size;
};

struct graph_replay *graph_replay_new(void) {
    return graph_alloc(sizeof(struct graph_replay));
}

void graph_replay_free(struct graph_replay *replay) {
    for (size_t i = 0; i < replay->count; i++) {
        free((char *)(uintptr_t)replay->entries[i].object.bytes);
        free(replay->entries[i].id);
    }
    free(replay->entries);
    free(replay);
}

static int add_object(struct graph_replay *replay, int source, struct graph_slice object, const char **problem) {
    const struct graph_source *row = &graph_sources[source];
    struct entry entry = {.source = source, .number = replay->count};
    entry.id = graph_slice_text(graph_slice_member(object, row->id));
    char *changed = graph_slice_text(graph_slice_member(object, row->changed));
    bool valid = entry.id != NULL && changed != NULL && graph_time_parse(changed, strlen(changed), &entry.changed);
    free(changed);
    if (!valid) {
        free(entry.id);
        *problem = "an object without id or readable time of its last update";
        return -1;
    }
    if (replay->count == replay->size) {
        replay->size = replay->size * 2 + 64;
        replay->entries = graph_grow(replay->entries, replay->size * sizeof *replay->entries);
    }
    entry.object.bytes = graph_copy(object.bytes, object.length);
    entry.object.length = object.length;
    replay->entries[replay->count++] = entry;
    return 0;
}

static int add_value(struct graph_replay *replay, int source, struct graph_slice value, const char **problem) {
    struct graph_slice list = value, element;
    if (graph_slice_is(value, '{')) {
        list = graph_slice_member(value, "value");
        if (!graph_slice_is(list, '[')) {
            return add_object(replay, source, value, problem);
        }
    }
    if (!graph_slice_is(list, '[')) {
        *problem = "neither a JSON object nor an array";
        return -1;
    }
    for (size_t position = 0; graph_slice_next(list, &position, &element);) {
        if (add_object(replay, source, element, problem) != 0) {
            return -1;
        }
    }
    return 0;
}

int graph_replay_add(struct graph_replay *replay, int source, const char *text, size_t length, const char **problem) {
    size_t at = 0, found = 0;
    for (;; found++) {
        struct graph_slice value = graph_slice_value(text + at, length - at);
        if (value.bytes == NULL) {
            break;
        }
        if (add_value(replay, source, value, problem) != 0) {
            return -1;
        }
        at = (size_t)(value.bytes - text) + value.length;
    }
    if (found == 0 || strspn(text + at, " \t\r\n") != length - at) {
        *problem = "no complete JSON";
        return -1;
    }
    return 0;
}

static int by_stamp(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->changed != b->changed) {
        return a->changed < b->changed ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

int graph_replay_finish(struct graph_replay *replay, struct graph_data *data, struct graph_tenant *fallback,
                        int64_t interval, int64_t now, const char **problem) {
    if (replay->count > 0) {
        qsort(replay->entries, replay->count, sizeof *replay->entries, by_stamp);
    }
    for (size_t i = 0; i < replay->count; i++) {
        const struct entry *entry = &replay->entries[i];
        const char *member = graph_sources[entry->source].tenant;
        char *tenant_id = member != NULL ? graph_slice_text(graph_slice_member(entry->object, member)) : NULL;
        struct graph_tenant *tenant =
            tenant_id != NULL && *tenant_id != '\0' ? graph_data_tenant(data, tenant_id) : fallback;
        free(tenant_id);
        struct graph_feed *feed = &tenant->feeds[entry->source];
        const struct graph_object *object = graph_map_find(&feed->by_id, entry->id);
        int64_t visible = object != NULL && interval >= 0 ? now + interval * object->versions : now;
        if (!graph_data_add(data, feed, entry->object.bytes, entry->object.length, visible, now,
                            GRAPH_FIXED | (interval < 0 ? GRAPH_AFTER_SERVED : 0), problem)) {
            return -1;
        }
    }
    return 0;
}

char *graph_file_read(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    struct graph_buffer text = {0};
    char part[65536];
    graph_buffer_text(&text, "");
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;) {
        graph_buffer_add(&text, part, got);
    }
    int failed = ferror(file) ? EIO : 0;
    fclose(file);
    if (failed != 0) {
        graph_buffer_free(&text);
        errno = failed;
        return NULL;
    }
    *length = text.length;
    return text.bytes;
}
