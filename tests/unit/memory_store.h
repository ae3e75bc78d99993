/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory for tests: what was committed, and a switch that makes commits fail. */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include "state/store.h"

struct memory_feed {
    char input[64], tenant[64], source[32];
    struct imd_checkpoint checkpoint;
    struct imd_version *versions;
    size_t count, room;
    char state[32];
    struct memory_feed *next;
};

struct memory_token {
    char tenant[64], client[64], text[256];
};

struct memory_store {
    struct imd_store store;
    struct memory_feed *feeds;
    bool failing;       /* commits are refused */
    unsigned commits;
    struct memory_token tokens[8]; /* refresh tokens */
    unsigned token_count;
};

void memory_store_init(struct memory_store *store);
void memory_store_free(struct memory_store *store);
struct memory_feed *memory_store_find(struct memory_store *store, const struct imd_feed_name *name);

#endif
