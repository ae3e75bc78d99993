/* SPDX-License-Identifier: Apache-2.0 */
/* The seen-set of a feed: versions that were handed over and may be met again inside overlap and reconcile.
 * Open-addressing hash table by the digest of the id; 32 to 64 bytes a version. One thread. */
#ifndef IMD_SEEN_H
#define IMD_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include "../state/store.h"

struct imd_seen; /* NULL stands for an empty set in every call that does not add */

enum imd_seen_answer {
    IMD_SEEN_NEW,       /* no version of this id is remembered */
    IMD_SEEN_UPDATE,    /* another version of this id is remembered */
    IMD_SEEN_DUPLICATE  /* this very version is remembered */
};

/* Looks a version up; a duplicate's `met` is raised to `now`, so that what the API keeps showing is kept. */
enum imd_seen_answer imd_seen_find(struct imd_seen *seen, const struct imd_digest *id, imd_time stamp, imd_time now);

/* Adds a version that is not there; *seen is made on first use. False when memory is short (nothing changed). */
bool imd_seen_add(struct imd_seen **seen, const struct imd_version *version);

/* Takes a version back out (its message was never handed over). */
void imd_seen_remove(struct imd_seen *seen, const struct imd_digest *id, imd_time stamp);

/* Drops versions with max(stamp, met) below `before`; gives memory back when the table got sparse. */
void imd_seen_forget(struct imd_seen **seen, imd_time before);

size_t imd_seen_count(const struct imd_seen *seen);
void imd_seen_free(struct imd_seen *seen);

#endif
