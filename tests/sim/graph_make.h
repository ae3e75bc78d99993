/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up objects of each source, and updates. Everything random comes from the generator given. */
#ifndef GRAPH_MAKE_H
#define GRAPH_MAKE_H

#include "graph_buffer.h"
#include "graph_data.h"
#include "graph_random.h"

struct graph_make {
    size_t size;           /* evidence is added until an alert has this many bytes; 0: about 5 KB */
    unsigned tie_percent;  /* of the stamps repeat the one before, if it is younger than 2 s */
    unsigned late_percent; /* of the versions become visible `late` after their stamp */
    int64_t late;          /* ticks */
    bool served_only;      /* update only alerts that a client has seen: no version goes by unseen */
};

/* The JSON of an alert; `number` and the tenant make its id. */
void graph_make_alert(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed, size_t size,
                      struct graph_random *random, struct graph_buffer *out);
/* Adds an alert stamped `changed` (a moment of the 1/300 s grid). */
void graph_make_at(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t changed,
                   int64_t now, struct graph_random *random);
/* Adds an alert stamped now. */
void graph_make_new(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t now,
                    struct graph_random *random);
/* Updates an alert chosen at random, replayed ones excepted: a new stamp, another status, the rest byte for byte.
 * False if no alert can be updated. */
bool graph_make_update(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t now,
                       struct graph_random *random);
/* Updates this one with this stamp; false if that is not newer, or if its source's objects are immutable. */
bool graph_make_version(struct graph_data *data, struct graph_object *object, int64_t changed, int64_t visible_at,
                        int64_t now);

#endif
