/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded pseudo-random numbers (splitmix64): the same seed plays the same history. */
#ifndef GRAPH_RANDOM_H
#define GRAPH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct graph_random {
    uint64_t state;
};

uint64_t graph_random_next(struct graph_random *random);
/* 0 <= result < limit; 0 for limit 0. */
uint64_t graph_random_below(struct graph_random *random, uint64_t limit);
/* True in `percent` of 100 cases. */
bool graph_random_chance(struct graph_random *random, unsigned percent);

#endif
