/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up objects of the sources beside alerts, as JSON. `number` and the tenant make their ids. */
#ifndef GRAPH_MAKE_SOURCE_H
#define GRAPH_MAKE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "graph_buffer.h"
#include "graph_data.h"
#include "graph_random.h"

/* The n-th incident is the one that the tenant's n-th alert names, if no other is. */
void graph_make_incident(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                         struct graph_random *random, struct graph_buffer *out);
/* Evidence is added until it has `size` bytes. */
void graph_make_endpoint_alert(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                               size_t size, struct graph_random *random, struct graph_buffer *out);
void graph_make_detection(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                          struct graph_random *random, struct graph_buffer *out);

#endif
