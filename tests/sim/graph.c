/* SPDX-License-Identifier: Apache-2.0 */
/* Answers an OData query over the data as Graph security does. */
#include "graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "graph_options.h"
#include "graph_time.h"

/* --- errors --- */

void graph_answer_error(struct graph_answer *answer, int status, const char *code, const char *message,
                        const struct graph_request *request) {
    char date[GRAPH_TIME_TEXT];
    graph_answer_free(answer);
    answer->status = status;
    graph_buffer_text(&answer->body, "{\"error\":{\"code\":");
    graph_buffer_json(&answer->body, code);
    graph_buffer_text(&answer->body, ",\"message\":");
    graph_buffer_json(&answer->body, message);
    graph_time_print(request->now - request->now % GRAPH_SECOND, 0, date);
    date[strlen(date) - 1] = '\0'; /* Graph writes this one without zone */
    graph_buffer_print(&answer->body, ",\"innerError\":{\"date\":\"%s\"", date);
    if (request->request_id != NULL) {
        graph_buffer_text(&answer->body, ",\"request-id\":");
        graph_buffer_json(&answer->body, request->request_id);
    }
    if (request->client_request_id != NULL) {
        graph_buffer_text(&answer->body, ",\"client-request-id\":");
        graph_buffer_json(&answer->body, request->client_request_id);
    }
    graph_buffer_text(&answer->body, "}}}");
}

void graph_answer_free(struct graph_answer *answer) {
    graph_buffer_free(&answer->body);
    free(answer->shown);
    memset(answer, 0, sizeof *answer);
}

/* --- selection and order --- */

struct match {
    struct graph_version *version;
    int64_t time;
    uint64_t tie;
};

static int by_time(const void *left, const void *right) {
    const struct match *a = left, *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static uint64_t tie_break(const struct graph_quirks *quirks, const struct graph_version *version, uint64_t salt) {
    switch (quirks->ties) {
        case GRAPH_TIES_REVERSED:
            return UINT64_MAX - version->sequence;
        case GRAPH_TIES_SHUFFLED: {
            struct graph_random random = {version->sequence ^ salt};
            return graph_random_next(&random);
        }
        default:
            return version->sequence;
    }
}

/* All that matches, in the order of the list; to be freed. */
static struct match *select_matches(const struct graph_quirks *quirks, const struct graph_request *request,
                                    const struct graph_options *options, size_t *count) {
    const struct graph_feed *feed = &request->tenant->feeds[request->source];
    struct match *matches = graph_alloc(feed->object_count * sizeof *matches);
    bool ordered = options->ordered && quirks->order == GRAPH_ORDER_OBEYED;
    bool by_created = ordered ? options->by_created : !quirks->default_by_change;
    bool ascending = ordered && options->ascending;
    uint64_t salt =
        quirks->ties == GRAPH_TIES_SHUFFLED && request->random != NULL ? graph_random_next(request->random) : 0;
    *count = 0;
    for (size_t i = 0; i < feed->object_count; i++) {
        struct graph_version *version = feed->objects[i]->current;
        if (version == NULL ||
            (options->filter != NULL && !quirks->filter_ignored && !graph_filter_matches(options->filter, version))) {
            continue;
        }
        int64_t time = by_created ? version->created : version->changed;
        uint64_t tie = tie_break(quirks, version, salt);
        matches[*count] = (struct match){version, ascending ? time : -time, ascending ? tie : UINT64_MAX - tie};
        (*count)++;
    }
    qsort(matches, *count, sizeof *matches, by_time);
    return matches;
}

/* --- the page --- */

static uint64_t page_size(const struct graph_quirks *quirks, const struct graph_request *request,
                          const struct graph_options *options) {
    const struct graph_source *source = &graph_sources[request->source];
    uint64_t size = options->has_top ? options->top : source->page;
    uint64_t ceiling = quirks->top_clamp > 0 ? quirks->top_clamp : source->ceiling;
    size = size > ceiling ? ceiling : size;
    return quirks->short_pages > 0 && size > quirks->short_pages ? quirks->short_pages : size;
}

static void add_option(struct graph_buffer *link, const char *name, const char *value) {
    graph_buffer_print(link, "%s=", name);
    graph_buffer_encoded(link, value);
    graph_buffer_text(link, "&");
}

static void add_link(const struct graph_quirks *quirks, const struct graph_request *request,
                     const struct graph_options *options, uint64_t offset, struct graph_buffer *out) {
    struct graph_buffer link = {0};
    bool elsewhere = quirks->link == GRAPH_LINK_ELSEWHERE;
    const char *host = quirks->elsewhere != NULL ? quirks->elsewhere : "https://graph.elsewhere.invalid";
    graph_buffer_text(&link, elsewhere ? host : request->base_url);
    graph_buffer_print(&link, "%s?", graph_sources[request->source].path);
    if (options->filter_text != NULL) {
        add_option(&link, "$filter", options->filter_text);
    }
    if (options->order_text != NULL) {
        add_option(&link, "$orderby", options->order_text);
    }
    if (options->count) {
        add_option(&link, "$count", "true");
    }
    if (options->has_top) {
        graph_buffer_print(&link, "$top=%" PRIu64 "&", options->top);
    }
    graph_buffer_print(&link, quirks->skip_links ? "$skip=%" PRIu64 : "$skiptoken=o%" PRIx64, offset);
    graph_buffer_json(out, link.bytes);
    graph_buffer_free(&link);
}

static void add_injected(const struct graph_quirks *quirks, const struct graph_request *request, const char *stamp,
                         struct graph_buffer *body) {
    const char *id = "da0000000000000000_injected", *tenant = request->tenant->id;
    if (quirks->inject == GRAPH_INJECT_NO_OBJECT) {
        graph_buffer_text(body, "42");
        return;
    }
    graph_buffer_text(body, "{\"@odata.type\":\"#microsoft.graph.security.alert\",");
    if (quirks->inject != GRAPH_INJECT_NO_ID) {
        graph_buffer_print(body, "\"id\":\"%s\",", id);
    }
    if (quirks->inject == GRAPH_INJECT_OTHER_TENANT) {
        tenant = "ffffffff-0000-4000-8000-00000000dead";
    }
    if (quirks->inject == GRAPH_INJECT_BAD_TIME) {
        stamp = "yesterday";
    }
    graph_buffer_print(body,
                       "\"tenantId\":\"%s\",\"title\":\"Injected by the test double\",\"severity\":\"low\","
                       "\"status\":\"new\",\"serviceSource\":\"microsoft365Defender\",\"createdDateTime\":\"%s\","
                       "\"lastUpdateDateTime\":\"%s\",\"evidence\":[]}",
                       tenant, stamp, stamp);
}

static void add_value(const struct graph_quirks *quirks, const struct graph_request *request,
                      const struct match *matches, size_t count, struct graph_answer *answer) {
    struct graph_buffer *body = &answer->body;
    char now[GRAPH_TIME_TEXT];
    graph_buffer_text(body, "\"value\":[");
    if (quirks->inject != GRAPH_INJECT_NOTHING) {
        graph_time_print(graph_time_grid(request->now), 7, now);
        add_injected(quirks, request, count > 0 ? matches[0].version->changed_text : now, body);
        graph_buffer_text(body, count > 0 ? "," : "");
    }
    answer->shown = graph_alloc(count * sizeof(struct graph_version *));
    for (size_t i = 0; i < count; i++) {
        graph_buffer_text(body, i > 0 ? "," : "");
        graph_buffer_add(body, matches[i].version->bytes, matches[i].version->length);
        answer->shown[answer->shown_count++] = matches[i].version;
    }
    graph_buffer_text(body, "]");
}

static void build_page(const struct graph_quirks *quirks, const struct graph_request *request,
                       const struct graph_options *options, const struct match *matches, struct graph_answer *answer) {
    struct graph_buffer *body = &answer->body;
    uint64_t offset = options->skip > 0 ? options->skip : options->offset;
    uint64_t size = page_size(quirks, request, options);
    if (quirks->empty_first && !options->has_token && !options->has_skip) {
        size = 0;
    }
    size_t first = offset > answer->matching ? answer->matching : (size_t)offset;
    size_t count = answer->matching - first < size ? answer->matching - first : (size_t)size;
    bool more = first + count < answer->matching && !(options->has_top && options->top == 0);
    answer->linked = more && quirks->link != GRAPH_LINK_MISSING;
    if (quirks->link == GRAPH_LINK_LOOPING && options->has_token) {
        answer->linked = true;
    }
    bool same = quirks->link == GRAPH_LINK_LOOPING && options->has_token;
    uint64_t next = same ? offset : first + count;

    graph_buffer_print(body, "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#%s\",",
                       graph_sources[request->source].path + strlen("/v1.0/"));
    if (options->count) {
        graph_buffer_print(body, "\"@odata.count\":%zu,", answer->matching);
    }
    if (answer->linked && !quirks->link_last) {
        graph_buffer_text(body, "\"@odata.nextLink\":");
        add_link(quirks, request, options, next, body);
        graph_buffer_text(body, ",");
    }
    add_value(quirks, request, matches + first, count, answer);
    if (answer->linked && quirks->link_last) {
        graph_buffer_text(body, ",\"@odata.nextLink\":");
        add_link(quirks, request, options, next, body);
    }
    graph_buffer_text(body, "}");
}

void graph_query(struct graph_data *data, const struct graph_quirks *quirks, const struct graph_request *request,
                 struct graph_answer *answer) {
    struct graph_options options;
    struct graph_buffer problem = {0};
    const char *code;
    memset(answer, 0, sizeof *answer);
    graph_data_advance_feed(data, &request->tenant->feeds[request->source], request->now);
    if (!graph_options_read(request, quirks, &options, &code, &problem)) {
        graph_answer_error(answer, 400, code, problem.bytes, request);
    } else {
        struct match *matches = select_matches(quirks, request, &options, &answer->matching);
        build_page(quirks, request, &options, matches, answer);
        answer->status = quirks->partial ? 206 : 200;
        answer->warning = quirks->partial ? "199 - \"Microsoft/MCAS/504/10000\"" : NULL;
        free(matches);
    }
    graph_options_free(&options);
    graph_buffer_free(&problem);
}

void graph_get(struct graph_data *data, const struct graph_request *request, const char *id,
               struct graph_answer *answer) {
    struct graph_feed *feed = &request->tenant->feeds[request->source];
    memset(answer, 0, sizeof *answer);
    graph_data_advance_feed(data, feed, request->now);
    const struct graph_object *object = graph_map_find(&feed->by_id, id);
    if (object == NULL || object->current == NULL) {
        graph_answer_error(answer, 404, "NotFound", "The requested object was not found.", request);
        return;
    }
    /* As Graph does, the context becomes the first member; the rest keeps its bytes. */
    answer->status = 200;
    graph_buffer_print(&answer->body, "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#%s/$entity\",",
                       graph_sources[request->source].path + strlen("/v1.0/"));
    graph_buffer_add(&answer->body, object->current->bytes + 1, object->current->length - 1);
    answer->matching = 1;
}
