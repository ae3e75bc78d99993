/* SPDX-License-Identifier: Apache-2.0 */
/* Answers a list query over the data as the APIs do. */
#include "graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "graph_options.h"
#include "graph_slice.h"
#include "graph_time.h"

/* --- errors --- */

static void add_inner_error(const struct graph_request *request, struct graph_buffer *body) {
    char date[GRAPH_TIME_TEXT];
    graph_time_print(request->now - request->now % GRAPH_SECOND, 0, date);
    date[strlen(date) - 1] = '\0'; /* Graph writes this one without zone */
    graph_buffer_print(body, ",\"innerError\":{\"date\":\"%s\"", date);
    if (request->request_id != NULL) {
        graph_buffer_text(body, ",\"request-id\":");
        graph_buffer_json(body, request->request_id);
    }
    if (request->client_request_id != NULL) {
        graph_buffer_text(body, ",\"client-request-id\":");
        graph_buffer_json(body, request->client_request_id);
    }
    graph_buffer_text(body, "}");
}

void graph_answer_error(struct graph_answer *answer, int status, const char *code, const char *message,
                        const struct graph_request *request) {
    struct graph_buffer *body = &answer->body;
    graph_answer_free(answer);
    answer->status = status;
    if (request->source >= 0 && graph_sources[request->source].errors == GRAPH_ERRORS_SIEM) {
        graph_buffer_text(body, "{\"Message\":");
        graph_buffer_json(body, message);
        graph_buffer_text(body, "}");
        return;
    }
    graph_buffer_text(body, "{\"error\":{\"code\":");
    graph_buffer_json(body, code);
    graph_buffer_text(body, ",\"message\":");
    graph_buffer_json(body, message);
    if (request->source >= 0 && graph_sources[request->source].errors == GRAPH_ERRORS_ENDPOINT) {
        graph_buffer_text(body, ",\"target\":");
        graph_buffer_json(body, request->request_id);
    } else {
        add_inner_error(request, body);
    }
    graph_buffer_text(body, "}}");
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

static bool matches_query(const struct graph_quirks *quirks, const struct graph_options *options,
                          const struct graph_source *source, const struct graph_version *version) {
    if (version == NULL || quirks->filter_ignored) {
        return version != NULL;
    }
    if (source->style == GRAPH_WINDOWS) {
        return graph_window_holds(quirks, options, version->changed);
    }
    return options->filter == NULL || graph_filter_matches(options->filter, version);
}

/* All that matches, in the order of the list; to be freed. */
static bool holds(const struct graph_version *version, const char *text) {
    return text != NULL && memmem(version->bytes, version->length, text, strlen(text)) != NULL;
}

static struct match *select_matches(const struct graph_quirks *quirks, const struct graph_request *request,
                                    const struct graph_options *options, size_t *count) {
    const struct graph_feed *feed = &request->tenant->feeds[request->source];
    const struct graph_source *source = &graph_sources[request->source];
    struct match *matches = graph_alloc(feed->object_count * sizeof *matches);
    bool ordered = options->ordered && quirks->order == GRAPH_ORDER_OBEYED;
    bool by_created = ordered ? options->by_created : !quirks->default_by_change;
    bool ascending = ordered && options->ascending;
    uint64_t salt =
        quirks->ties == GRAPH_TIES_SHUFFLED && request->random != NULL ? graph_random_next(request->random) : 0;
    if (source->style == GRAPH_WINDOWS) {
        by_created = false; /* "most recent" is by the time that the window is about */
    }
    *count = 0;
    for (size_t i = 0; i < feed->object_count; i++) {
        struct graph_version *version = feed->objects[i]->current;
        if (!matches_query(quirks, options, source, version) ||
            (quirks->partial && holds(version, quirks->partial_hides))) {
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
    if (options->expand) {
        add_option(&link, "$expand", graph_sources[request->source].expand);
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
    const struct graph_source *source = &graph_sources[request->source];
    if (quirks->inject == GRAPH_INJECT_NO_OBJECT) {
        graph_buffer_text(body, "42");
        return;
    }
    graph_buffer_text(body, "{");
    if (quirks->inject != GRAPH_INJECT_NO_ID) {
        graph_buffer_print(body, "\"%s\":\"da0000000000000000_injected\",", source->id);
    }
    if (source->tenant != NULL) {
        bool other = quirks->inject == GRAPH_INJECT_OTHER_TENANT;
        graph_buffer_print(body, "\"%s\":\"%s\",", source->tenant,
                           other ? "ffffffff-0000-4000-8000-00000000dead" : request->tenant->id);
    }
    if (quirks->inject == GRAPH_INJECT_BAD_TIME) {
        stamp = "yesterday";
    }
    graph_buffer_print(body,
                       "\"title\":\"Injected by the test double\",\"severity\":\"low\",\"status\":\"new\","
                       "\"serviceSource\":\"microsoft365Defender\",\"%s\":\"%s\",\"%s\":\"%s\",\"evidence\":[]}",
                       source->created, stamp, source->changed, stamp);
}

/* The alerts of the tenant that name this incident. */
static void add_alerts_of(const struct graph_request *request, const char *incident, struct graph_buffer *body) {
    const struct graph_feed *alerts = &request->tenant->feeds[GRAPH_ALERTS];
    const char *separator = "";
    graph_buffer_text(body, ",\"alerts\":[");
    for (size_t i = 0; i < alerts->object_count; i++) {
        const struct graph_version *version = alerts->objects[i]->current;
        if (version == NULL) {
            continue;
        }
        struct graph_slice whole = {version->bytes, version->length};
        char *id = graph_slice_text(graph_slice_member(whole, "incidentId"));
        if (id != NULL && strcmp(id, incident) == 0) {
            graph_buffer_text(body, separator);
            graph_buffer_add(body, version->bytes, version->length);
            separator = ",";
        }
        free(id);
    }
    graph_buffer_text(body, "]");
}

/* An incident is kept without its alerts, which $expand adds; an endpoint alert with its evidence, which is left out
 * unless $expand asks for it. */
static void add_object(const struct graph_request *request, const struct graph_options *options,
                       const struct graph_version *version, struct graph_buffer *body) {
    struct graph_slice whole = {version->bytes, version->length};
    struct graph_slice evidence = {NULL, 0};
    if (request->source == GRAPH_ENDPOINT_ALERTS && !options->expand) {
        evidence = graph_slice_member(whole, "evidence");
    }
    if (evidence.bytes != NULL) {
        size_t before = (size_t)(evidence.bytes - version->bytes), after = before + evidence.length;
        graph_buffer_add(body, version->bytes, before);
        graph_buffer_text(body, "[]");
        graph_buffer_add(body, version->bytes + after, version->length - after);
    } else if (request->source == GRAPH_INCIDENTS && options->expand) {
        graph_buffer_add(body, version->bytes, version->length - 1);
        add_alerts_of(request, version->object->id, body);
        graph_buffer_text(body, "}");
    } else {
        graph_buffer_add(body, version->bytes, version->length);
    }
}

/* Only the members that $select names, in its order. */
static void add_selected(const char *select, const struct graph_version *version, struct graph_buffer *body) {
    struct graph_slice whole = {version->bytes, version->length};
    char name[64];
    const char *between = "{";
    for (size_t length; *select != '\0'; select += length + (select[length] == ',' ? 1 : 0)) {
        length = strcspn(select, ",");
        if (length >= sizeof name) {
            continue;
        }
        memcpy(name, select, length);
        name[length] = '\0';
        struct graph_slice value = graph_slice_member(whole, name);
        if (value.bytes != NULL) {
            graph_buffer_print(body, "%s\"%s\":", between, name);
            graph_buffer_add(body, value.bytes, value.length);
            between = ",";
        }
    }
    graph_buffer_text(body, *between == '{' ? "{}" : "}");
}

static bool is_poisoned(const struct graph_quirks *quirks, const struct graph_options *options,
                        const struct graph_answer *answer) {
    for (size_t i = 0; quirks->poison != NULL && options->select == NULL && i < answer->shown_count; i++) {
        if (holds(answer->shown[i], quirks->poison)) {
            return true;
        }
    }
    return false;
}

static void add_list(const struct graph_quirks *quirks, const struct graph_request *request,
                     const struct graph_options *options, const struct match *matches, size_t count,
                     struct graph_answer *answer) {
    struct graph_buffer *body = &answer->body;
    char now[GRAPH_TIME_TEXT];
    graph_buffer_text(body, "[");
    if (quirks->inject != GRAPH_INJECT_NOTHING) {
        graph_time_print(graph_time_grid(request->now), 7, now);
        add_injected(quirks, request, count > 0 ? matches[0].version->changed_text : now, body);
        graph_buffer_text(body, count > 0 ? "," : "");
    }
    answer->shown = graph_alloc(count * sizeof(struct graph_version *));
    for (size_t i = 0; i < count; i++) {
        graph_buffer_text(body, i > 0 ? "," : "");
        if (options->select != NULL) {
            add_selected(options->select, matches[i].version, body);
            continue; /* not served: it is not the object */
        }
        add_object(request, options, matches[i].version, body);
        answer->shown[answer->shown_count++] = matches[i].version;
    }
    graph_buffer_text(body, "]");
}

static void add_context(const struct graph_request *request, const char *suffix, struct graph_buffer *body) {
    if (request->source == GRAPH_ENDPOINT_ALERTS) {
        graph_buffer_print(body, "{\"@odata.context\":\"https://api.security.microsoft.com/api/$metadata#Alerts%s\",",
                           suffix);
    } else {
        graph_buffer_print(body, "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#%s%s\",",
                           graph_sources[request->source].path + strlen("/v1.0/"), suffix);
    }
}

/* The SIEM API answers with the bare list, the most recent objects of the window. */
static void build_window(const struct graph_quirks *quirks, const struct graph_request *request,
                         const struct graph_options *options, struct match *matches, struct graph_answer *answer) {
    uint64_t size = page_size(quirks, request, options);
    size_t count = answer->matching < size ? answer->matching : (size_t)size;
    for (size_t i = 0; quirks->order != GRAPH_ORDER_OBEYED && i < count / 2; i++) { /* no order is documented */
        struct match first = matches[i];
        matches[i] = matches[count - 1 - i];
        matches[count - 1 - i] = first;
    }
    add_list(quirks, request, options, matches, count, answer);
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
    bool unlinked = quirks->link == GRAPH_LINK_MISSING || graph_sources[request->source].unlinked;
    answer->linked = more && !unlinked;
    if (quirks->link == GRAPH_LINK_LOOPING && options->has_token) {
        answer->linked = true;
    }
    bool same = quirks->link == GRAPH_LINK_LOOPING && options->has_token;
    uint64_t next = same ? offset : first + count;

    add_context(request, "", body);
    if (options->count) {
        graph_buffer_print(body, "\"@odata.count\":%zu,", answer->matching);
    }
    if (answer->linked && !quirks->link_last) {
        graph_buffer_text(body, "\"@odata.nextLink\":");
        add_link(quirks, request, options, next, body);
        graph_buffer_text(body, ",");
    }
    graph_buffer_text(body, "\"value\":");
    add_list(quirks, request, options, matches + first, count, answer);
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
    } else if (options.expand && quirks->expand_fails) {
        graph_answer_error(answer, 500, "UnknownError", "", request);
    } else {
        struct match *matches = select_matches(quirks, request, &options, &answer->matching);
        if (graph_sources[request->source].style == GRAPH_WINDOWS) {
            build_window(quirks, request, &options, matches, answer);
        } else {
            build_page(quirks, request, &options, matches, answer);
        }
        answer->status = quirks->partial ? 206 : 200;
        answer->warning = quirks->partial ? "199 - \"Microsoft/MCAS/504/10000\"" : NULL;
        free(matches);
        if (is_poisoned(quirks, &options, answer)) {
            graph_answer_error(answer, 500, "UnknownError", "", request);
        }
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
    if (object == NULL || object->current == NULL || graph_sources[request->source].style == GRAPH_WINDOWS) {
        graph_answer_error(answer, 404, "NotFound", "The requested object was not found.", request);
        return;
    }
    /* As Graph does, the context becomes the first member; the rest keeps its bytes. */
    answer->status = 200;
    add_context(request, "/$entity", &answer->body);
    graph_buffer_add(&answer->body, object->current->bytes + 1, object->current->length - 1);
    answer->matching = 1;
}
