/* SPDX-License-Identifier: Apache-2.0 */
/* A table from text to pointer (FNV-1a, open addressing). */
#include "graph_map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph_buffer.h"

static struct graph_map_entry *place(struct graph_map_entry *entries, size_t size, const char *key) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *at = (const unsigned char *)key; *at != '\0'; at++) {
        hash = (hash ^ *at) * UINT64_C(1099511628211);
    }
    size_t at = (size_t)(hash % size);
    while (entries[at].key != NULL && strcmp(entries[at].key, key) != 0) {
        at = (at + 1) % size;
    }
    return &entries[at];
}

void *graph_map_find(const struct graph_map *map, const char *key) {
    return map->size == 0 ? NULL : place(map->entries, map->size, key)->value;
}

void graph_map_add(struct graph_map *map, const char *key, void *value) {
    if (map->count * 2 >= map->size) {
        size_t size = map->size == 0 ? 64 : map->size * 4;
        struct graph_map_entry *entries = graph_alloc(size * sizeof *entries);
        for (size_t i = 0; i < map->size; i++) {
            if (map->entries[i].key != NULL) {
                *place(entries, size, map->entries[i].key) = map->entries[i];
            }
        }
        free(map->entries);
        map->entries = entries;
        map->size = size;
    }
    struct graph_map_entry *entry = place(map->entries, map->size, key);
    map->count += entry->key == NULL ? 1 : 0;
    entry->key = key;
    entry->value = value;
}

void graph_map_free(struct graph_map *map) {
    free(map->entries);
    memset(map, 0, sizeof *map);
}
