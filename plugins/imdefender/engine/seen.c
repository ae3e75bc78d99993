/* SPDX-License-Identifier: Apache-2.0 */
/* The seen-set of a feed: linear probing in one array of versions.
 *
 * The home slot depends on the id alone, so all versions of an id lie in one run of occupied slots, and one probe
 * answers new, update or duplicate. Removal shifts the rest of the run back; there are no tombstones to clean up. */
#include "seen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 8

struct imd_seen {
    size_t count;
    size_t capacity;
    imd_time oldest; /* no version's max(stamp, met) is below this */
    struct imd_version slots[];
};

/* An empty slot is one whose `met` is IMD_TIME_NONE; a version that comes with it gets the tick after it. */
static bool is_empty(const struct imd_version *slot) {
    return slot->met == IMD_TIME_NONE;
}

static imd_time last_needed(const struct imd_version *version) {
    return version->stamp > version->met ? version->stamp : version->met;
}

/* Multiply-shift spreads 32 bits of the digest over any capacity, so tables can grow by half instead of doubling. */
static size_t home_of(const struct imd_seen *seen, const struct imd_digest *id) {
    uint32_t bits;

    memcpy(&bits, id->bytes, sizeof(bits));
    return (size_t)(((uint64_t)bits * seen->capacity) >> 32);
}

static size_t after(const struct imd_seen *seen, size_t slot) {
    return slot + 1 == seen->capacity ? 0 : slot + 1;
}

/* The slot of this very version, or the empty slot that ends its run. *knows_id: another version of the id was met. */
static size_t probe(const struct imd_seen *seen, const struct imd_digest *id, imd_time stamp, bool *knows_id) {
    size_t slot = home_of(seen, id);

    *knows_id = false;
    while (!is_empty(&seen->slots[slot])) {
        if (memcmp(&seen->slots[slot].id, id, sizeof(*id)) == 0) {
            if (seen->slots[slot].stamp == stamp) break;
            *knows_id = true;
        }
        slot = after(seen, slot);
    }
    return slot;
}

static struct imd_seen *make(size_t capacity) {
    struct imd_seen *seen;
    size_t i;

    if (capacity > UINT32_MAX || capacity > (SIZE_MAX - sizeof(*seen)) / sizeof(seen->slots[0])) return NULL;
    seen = malloc(sizeof(*seen) + capacity * sizeof(seen->slots[0]));
    if (seen == NULL) return NULL;
    seen->count = 0;
    seen->capacity = capacity;
    seen->oldest = INT64_MAX;
    for (i = 0; i < capacity; i++) seen->slots[i].met = IMD_TIME_NONE;
    return seen;
}

static void place(struct imd_seen *seen, const struct imd_version *version) {
    bool knows_id;
    size_t slot = probe(seen, &version->id, version->stamp, &knows_id);

    if (!is_empty(&seen->slots[slot])) return;
    seen->slots[slot] = *version;
    seen->count++;
    if (last_needed(version) < seen->oldest) seen->oldest = last_needed(version);
}

static bool resize(struct imd_seen **seen, size_t capacity) {
    struct imd_seen *old = *seen;
    struct imd_seen *larger = make(capacity);
    size_t i;

    if (larger == NULL) return false;
    for (i = 0; old != NULL && i < old->capacity; i++) {
        if (!is_empty(&old->slots[i])) place(larger, &old->slots[i]);
    }
    free(old);
    *seen = larger;
    return true;
}

/* Moves the rest of the run back over the hole, as far as each version's home allows. */
static void empty_slot(struct imd_seen *seen, size_t hole) {
    size_t slot = hole;

    for (;;) {
        size_t distance_home, distance_hole;

        slot = after(seen, slot);
        if (is_empty(&seen->slots[slot])) break;
        distance_home = (slot + seen->capacity - home_of(seen, &seen->slots[slot].id)) % seen->capacity;
        distance_hole = (slot + seen->capacity - hole) % seen->capacity;
        if (distance_home < distance_hole) continue;
        seen->slots[hole] = seen->slots[slot];
        hole = slot;
    }
    seen->slots[hole].met = IMD_TIME_NONE;
    seen->count--;
}

enum imd_seen_answer imd_seen_find(struct imd_seen *seen, const struct imd_digest *id, imd_time stamp, imd_time now) {
    bool knows_id;
    size_t slot;

    if (seen == NULL) return IMD_SEEN_NEW;
    slot = probe(seen, id, stamp, &knows_id);
    if (is_empty(&seen->slots[slot])) return knows_id ? IMD_SEEN_UPDATE : IMD_SEEN_NEW;
    if (now > seen->slots[slot].met) seen->slots[slot].met = now;
    return IMD_SEEN_DUPLICATE;
}

bool imd_seen_add(struct imd_seen **seen, const struct imd_version *version) {
    struct imd_version copy = *version;

    if (*seen == NULL) {
        if (!resize(seen, SMALLEST_CAPACITY)) return false;
    } else if ((*seen)->count + 1 > (*seen)->capacity - (*seen)->capacity / 8) {
        if (!resize(seen, (*seen)->capacity + (*seen)->capacity / 2)) return false;
    }
    if (is_empty(&copy)) copy.met = IMD_TIME_NONE + 1;
    place(*seen, &copy);
    return true;
}

void imd_seen_remove(struct imd_seen *seen, const struct imd_digest *id, imd_time stamp) {
    bool knows_id;
    size_t slot;

    if (seen == NULL) return;
    slot = probe(seen, id, stamp, &knows_id);
    if (!is_empty(&seen->slots[slot])) empty_slot(seen, slot);
}

/* A hole is filled with a version from further on, so the same slot is looked at again. What moves from the front of
 * the array to its end has been looked at already. */
static void drop_older(struct imd_seen *seen, imd_time before) {
    size_t i;

    seen->oldest = INT64_MAX;
    for (i = 0; i < seen->capacity; i++) {
        while (!is_empty(&seen->slots[i]) && last_needed(&seen->slots[i]) < before) empty_slot(seen, i);
        if (!is_empty(&seen->slots[i]) && last_needed(&seen->slots[i]) < seen->oldest) {
            seen->oldest = last_needed(&seen->slots[i]);
        }
    }
}

void imd_seen_forget(struct imd_seen **seen, imd_time before) {
    size_t fitting;

    if (*seen == NULL || before <= (*seen)->oldest) return;
    drop_older(*seen, before);
    if ((*seen)->count == 0) {
        imd_seen_free(*seen);
        *seen = NULL;
        return;
    }
    fitting = (*seen)->count + (*seen)->count / 2;
    if (fitting < SMALLEST_CAPACITY) fitting = SMALLEST_CAPACITY;
    /* Where there is no memory for the smaller table the larger one simply stays. */
    if ((*seen)->capacity > 2 * fitting) (void)resize(seen, fitting);
}

size_t imd_seen_count(const struct imd_seen *seen) {
    return seen == NULL ? 0 : seen->count;
}

void imd_seen_free(struct imd_seen *seen) {
    free(seen);
}
