/* SPDX-License-Identifier: Apache-2.0 */
/* Answers a list query over the data as Graph security, the Defender for Endpoint API and the SIEM API do, without HTTP, clock or threads: the server and the
 * in-process model test both drive it. One caller at a time. */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph_buffer.h"
#include "graph_data.h"
#include "graph_random.h"

/* How a tenant's API departs from the documented one. All zero: it behaves. */
struct graph_quirks {
    enum { GRAPH_ORDER_OBEYED, GRAPH_ORDER_REFUSED /* 400 */, GRAPH_ORDER_IGNORED } order;
    enum {
        GRAPH_LINK_PRESENT,
        GRAPH_LINK_MISSING,  /* full pages come without nextLink */
        GRAPH_LINK_LOOPING,  /* every page links to the same next page */
        GRAPH_LINK_EXPIRED,  /* following one: 400 */
        GRAPH_LINK_ELSEWHERE /* points to `elsewhere` */
    } link;
    enum { GRAPH_TIES_STABLE, GRAPH_TIES_REVERSED, GRAPH_TIES_SHUFFLED /* anew for each answer */ } ties;
    enum {
        GRAPH_INJECT_NOTHING,
        GRAPH_INJECT_NO_ID,
        GRAPH_INJECT_BAD_TIME,
        GRAPH_INJECT_OTHER_TENANT,
        GRAPH_INJECT_NO_OBJECT /* a number among the objects */
    } inject;                  /* one more element at the head of each page */
    enum {
        GRAPH_BOUNDS_INCLUSIVE,
        GRAPH_BOUNDS_EXCLUSIVE,   /* both */
        GRAPH_BOUNDS_MILLISECONDS /* inclusive, stamps cut to milliseconds before they are compared */
    } bounds;                     /* of sinceTimeUtc and untilTimeUtc */
    bool skip_links;           /* nextLink uses $skip instead of $skiptoken */
    bool link_last;            /* nextLink stands behind `value` */
    bool default_by_change;    /* without $orderby newest lastUpdateDateTime first, else newest createdDateTime */
    bool filter_ignored;
    bool skip_refused;   /* $skip: 400 */
    bool select_refused; /* $select: 400 */
    char *poison;        /* a page with an object that holds this text: 500, unless $select leaves it out */
    bool empty_first;     /* a first page is empty and has a nextLink */
    bool partial;         /* 206 with a Warning, ... */
    char *partial_hides;  /* ... without the objects that hold this text */
    bool expand_fails;    /* 500 whenever $expand is asked for */
    unsigned top_clamp;   /* 0: the source's ceiling */
    unsigned top_refused; /* a larger $top: 400; 0: as the source's row says */
    unsigned short_pages; /* no more than this on a page, whatever $top; 0: off */
    char *elsewhere;      /* "https://other.example", for GRAPH_LINK_ELSEWHERE */
};

struct graph_request {
    int source;
    struct graph_tenant *tenant;
    const char *query;                          /* raw, without '?'; NULL or "" if there is none */
    const char *base_url;                       /* "https://127.0.0.1:8443", for nextLink */
    const char *request_id, *client_request_id; /* NULL: left out of error bodies */
    int64_t now;
    struct graph_random *random; /* NULL unless ties are shuffled */
};

struct graph_answer {
    int status;
    const char *warning; /* the Warning header, or NULL */
    struct graph_buffer body;
    struct graph_version **shown; /* for graph_data_served() once the answer went out whole */
    size_t shown_count;
    size_t matching; /* objects the filter matched, over all pages */
    bool linked;     /* has a nextLink */
};

/* A list. Advances the feed to `now` first. */
void graph_query(struct graph_data *data, const struct graph_quirks *quirks, const struct graph_request *request,
                 struct graph_answer *answer);
/* One object by id. */
void graph_get(struct graph_data *data, const struct graph_request *request, const char *id,
               struct graph_answer *answer);
/* Makes `answer` an error in the shape of the request's source (Graph's if it is -1). */
void graph_answer_error(struct graph_answer *answer, int status, const char *code, const char *message,
                        const struct graph_request *request);
void graph_answer_free(struct graph_answer *answer);

/* Decodes percent signs and '+' of `length` bytes; to be freed. */
char *graph_url_decode(const char *text, size_t length);

#endif
