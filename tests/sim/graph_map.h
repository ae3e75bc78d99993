/* SPDX-License-Identifier: Apache-2.0 */
/* A table from text to pointer; entries are never removed. */
#ifndef GRAPH_MAP_H
#define GRAPH_MAP_H

#include <stddef.h>

struct graph_map {
    struct graph_map_entry {
        const char *key; /* lives in what the value points to */
        void *value;
    } * entries;
    size_t count, size;
};

void *graph_map_find(const struct graph_map *map, const char *key); /* NULL if absent */
void graph_map_add(struct graph_map *map, const char *key, void *value);
void graph_map_free(struct graph_map *map);

#endif
