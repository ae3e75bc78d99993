/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from names to numbers, for finding duplicates among many tenants. It only grows. */
#ifndef IMD_MAP_H
#define IMD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imd_map_entry {
    char *name; /* a text of text.h, one reference held by the table; NULL: free slot */
    uint64_t hash;
    unsigned value; /* the user's; 0 in a new entry */
};

struct imd_map {
    struct imd_map_entry *slots; /* open addressing; a power of two of them */
    size_t capacity, count;
};

/* All zero is an empty table. */

/* The entry of `name`, which is added if it is not there. Valid until the next call. NULL when memory is short. */
struct imd_map_entry *imd_map_entry(struct imd_map *map, const char *name);

void imd_map_free(struct imd_map *map);

#endif
