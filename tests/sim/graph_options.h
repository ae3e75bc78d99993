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
    char *select; /* names, commas between them; NULL: whole objects */
    bool has_top;
    uint64_t top, skip;
    bool has_skip, has_token;
    uint64_t offset; /* of $skiptoken */
    bool expand;
    int64_t since, until; /* GRAPH_WINDOWS: ticks */
};

/* False when the request is to be refused: `code` and `problem` say how, with status 400. */
bool graph_options_read(const struct graph_request *request, const struct graph_quirks *quirks,
                        struct graph_options *options, const char **code, struct graph_buffer *problem);
/* The same for sinceTimeUtc, untilTimeUtc, ago and limit (graph_window.c). */
bool graph_window_read(const struct graph_request *request, struct graph_options *options,
                       struct graph_buffer *problem);
/* Whether a stamp lies in the window that was asked for. */
bool graph_window_holds(const struct graph_quirks *quirks, const struct graph_options *options, int64_t stamp);
void graph_options_free(struct graph_options *options);

#endif
