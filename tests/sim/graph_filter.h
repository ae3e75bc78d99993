/* SPDX-License-Identifier: Apache-2.0 */
/* OData $filter: eq ne gt ge lt le, and, or, parentheses, on the properties the source documents. */
#ifndef GRAPH_FILTER_H
#define GRAPH_FILTER_H

#include <stdbool.h>

#include "graph_buffer.h"
#include "graph_data.h"

struct graph_filter;

/* NULL and a message in `problem` for anything the API would answer with 400. */
struct graph_filter *graph_filter_parse(const struct graph_source *source, const char *text,
                                        struct graph_buffer *problem);
bool graph_filter_matches(const struct graph_filter *filter, const struct graph_version *version);
void graph_filter_free(struct graph_filter *filter);

#endif
