/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded pseudo-random numbers (splitmix64, public domain algorithm of S. Vigna). */
#include "graph_random.h"

uint64_t graph_random_next(struct graph_random *random) {
    uint64_t mixed = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

uint64_t graph_random_below(struct graph_random *random, uint64_t limit) {
    return limit == 0 ? 0 : graph_random_next(random) % limit;
}

bool graph_random_chance(struct graph_random *random, unsigned percent) {
    return graph_random_below(random, 100) < percent;
}
