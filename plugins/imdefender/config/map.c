/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing, at most three quarters full. */
#include "map.h"

#include <stdlib.h>
#include <string.h>
#include "text.h"

#define FIRST_CAPACITY 64

/* FNV-1a, then a final mix, since the low bits choose the slot. */
static uint64_t hash_of(const char *name) {
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        hash = (hash ^ *p) * UINT64_C(1099511628211);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

static struct imd_map_entry *slot_of(struct imd_map_entry *slots, size_t capacity, const char *name, uint64_t hash) {
    size_t at = (size_t)hash & (capacity - 1);

    while (slots[at].name != NULL && (slots[at].hash != hash || strcmp(slots[at].name, name) != 0)) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

static bool grow(struct imd_map *map) {
    size_t capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    struct imd_map_entry *slots = calloc(capacity, sizeof *slots);

    if (slots == NULL) return false;
    for (size_t i = 0; i < map->capacity; i++) {
        struct imd_map_entry *entry = &map->slots[i];
        if (entry->name != NULL) *slot_of(slots, capacity, entry->name, entry->hash) = *entry;
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

struct imd_map_entry *imd_map_entry(struct imd_map *map, const char *name) {
    uint64_t hash = hash_of(name);

    if (map->count >= map->capacity / 4 * 3 && !grow(map)) return NULL;
    struct imd_map_entry *entry = slot_of(map->slots, map->capacity, name, hash);
    if (entry->name != NULL) return entry;
    char *text = imd_text_new(name, strlen(name));
    if (text == NULL) return NULL;
    *entry = (struct imd_map_entry){.name = text, .hash = hash};
    map->count++;
    return entry;
}

void imd_map_free(struct imd_map *map) {
    for (size_t i = 0; i < map->capacity; i++) imd_text_release(map->slots[i].name);
    free(map->slots);
    *map = (struct imd_map){0};
}
