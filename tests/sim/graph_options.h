/* SPDX-License-Identifier: Apache-2.0 */
/* The system query options of one request, read and checked. */
#ifndef GRAPH_OPTIONS_H
#define GRAPH_OPTIONS_H

#include "graph.h"
#include "graph_filter.h"

struct graph_options {
    char *filter_text, *order_text; /* decoded, NULL if absent; for nextLink */
    struct graph_filter *filter;
    bool ordered, ascending, by_created; /* $orderby */
    bool count;
    bool has_top;
    uint64_t top, skip;
    bool has_skip, has_token;
    uint64_t offset; /* of $skiptoken */
};

/* False when the request is to be refused: `code` and `problem` say how, with status 400. */
bool graph_options_read(const struct graph_request *request, const struct graph_quirks *quirks,
                        struct graph_options *options, const char **code, struct graph_buffer *problem);
void graph_options_free(struct graph_options *options);

#endif
