/* SPDX-License-Identifier: Apache-2.0 */
/* The system query options of one request. */
#include "graph_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *graph_url_decode(const char *text, size_t length) {
    char *out = graph_alloc(length + 1);
    size_t used = 0;
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '%' && at + 2 < length && strspn(text + at + 1, "0123456789abcdefABCDEF") >= 2) {
            char digits[3] = {text[at + 1], text[at + 2], '\0'};
            out[used++] = (char)strtoul(digits, NULL, 16);
            at += 2;
        } else {
            out[used++] = text[at] == '+' ? ' ' : text[at];
        }
    }
    return out;
}

static bool read_number(const char *name, const char *text, uint64_t *value, struct graph_buffer *problem) {
    size_t length = strlen(text);
    if (length == 0 || length > 18 || strspn(text, "0123456789") != length) {
        graph_buffer_print(problem, "The value '%s' of query option '%s' is invalid.", text, name);
        return false;
    }
    *value = strtoull(text, NULL, 10);
    return true;
}

static bool read_filter(const struct graph_request *request, char *text, struct graph_options *options,
                        struct graph_buffer *problem) {
    options->filter_text = text;
    options->filter = graph_filter_parse(&graph_sources[request->source], text, problem);
    return options->filter != NULL;
}

static bool read_order(const struct graph_request *request, const struct graph_quirks *quirks, char *text,
                       struct graph_options *options, struct graph_buffer *problem) {
    const struct graph_source *source = &graph_sources[request->source];
    options->order_text = text;
    if (quirks->order == GRAPH_ORDER_REFUSED) {
        graph_buffer_text(problem,
                          "Query option 'OrderBy' is not allowed. To allow it, set the "
                          "'AllowedQueryOptions' property on EnableQueryAttribute or QueryValidationSettings.");
        return false;
    }
    size_t length = strcspn(text, " ");
    const char *direction = text + length + strspn(text + length, " ");
    bool by_changed = strlen(source->changed) == length && memcmp(source->changed, text, length) == 0;
    options->by_created = strlen(source->created) == length && memcmp(source->created, text, length) == 0;
    if ((!by_changed && !options->by_created) ||
        (*direction != '\0' && strcmp(direction, "asc") != 0 && strcmp(direction, "desc") != 0)) {
        graph_buffer_print(problem, "The query specified in the URI is not valid. Ordering by '%s' is not supported.",
                           text);
        return false;
    }
    options->ordered = true;
    options->ascending = strcmp(direction, "desc") != 0;
    return true;
}

static bool read_token(const struct graph_quirks *quirks, const char *text, struct graph_options *options,
                       struct graph_buffer *problem) {
    char rest;
    if (quirks->link == GRAPH_LINK_EXPIRED) {
        graph_buffer_text(problem,
                          "Query option 'SkipToken' is not allowed. To allow it, set the "
                          "'AllowedQueryOptions' property on EnableQueryAttribute or QueryValidationSettings.");
        return false;
    }
    if (sscanf(text, "o%" SCNx64 "%c", &options->offset, &rest) != 1) {
        graph_buffer_text(problem, "Skip token is invalid or has expired.");
        return false;
    }
    options->has_token = true;
    return true;
}

/* Takes `value` over or frees it. */
static bool read_option(const struct graph_request *request, const struct graph_quirks *quirks, const char *name,
                        char *value, struct graph_options *options, struct graph_buffer *problem) {
    bool valid = true;
    if (strcmp(name, "$filter") == 0 && options->filter_text == NULL) {
        return read_filter(request, value, options, problem);
    }
    if (strcmp(name, "$orderby") == 0 && options->order_text == NULL) {
        return read_order(request, quirks, value, options, problem);
    }
    if (strcmp(name, "$select") == 0 && options->select == NULL && !quirks->select_refused) {
        options->select = value;
        return true;
    }
    const char *expand = graph_sources[request->source].expand;
    if (strcmp(name, "$expand") == 0 && expand != NULL) {
        options->expand = true;
        valid = strcmp(value, expand) == 0;
        if (!valid) {
            graph_buffer_print(problem, "The query specified in the URI is not valid. Could not find a property '%s'.",
                               value);
        }
    } else if (strcmp(name, "$top") == 0 && !options->has_top) {
        options->has_top = true;
        valid = read_number(name, value, &options->top, problem);
    } else if (strcmp(name, "$skip") == 0 && !options->has_skip) {
        options->has_skip = true;
        if (quirks->skip_refused) {
            graph_buffer_text(problem, "Query option 'Skip' is not allowed.");
            free(value);
            return false;
        }
        valid = read_number(name, value, &options->skip, problem);
    } else if (strcmp(name, "$count") == 0) {
        options->count = strcmp(value, "true") == 0;
    } else if (strcmp(name, "$skiptoken") == 0) {
        valid = read_token(quirks, value, options, problem);
    } else if (name[0] == '$') {
        graph_buffer_print(problem, "The query parameter '%s' is not supported or was given twice.", name);
        valid = false;
    }
    free(value);
    return valid;
}

static bool check_limits(const struct graph_request *request, const struct graph_quirks *quirks,
                         const struct graph_options *options, const char **code, struct graph_buffer *problem) {
    const struct graph_source *source = &graph_sources[request->source];
    uint64_t limit = quirks->top_refused > 0 ? quirks->top_refused : source->refuses_larger ? source->ceiling : 0;
    const char *what = NULL;
    uint64_t value = options->top;
    if (options->has_top && limit > 0 && options->top > limit) {
        what = "Top";
    } else if (options->has_skip && options->skip > source->skip_limit) {
        what = "Skip";
        limit = source->skip_limit;
        value = options->skip;
    }
    if (what == NULL) {
        return true;
    }
    if (source->errors == GRAPH_ERRORS) {
        *code = ""; /* as seen in the field: no code in this one */
    }
    graph_buffer_print(problem,
                       "The query specified in the URI is not valid. The limit of '%" PRIu64
                       "' for %s query has been exceeded. The value from the incoming request is '%" PRIu64 "'.",
                       limit, what, value);
    return false;
}

bool graph_options_read(const struct graph_request *request, const struct graph_quirks *quirks,
                        struct graph_options *options, const char **code, struct graph_buffer *problem) {
    memset(options, 0, sizeof *options);
    *code = "BadRequest";
    if (graph_sources[request->source].style == GRAPH_WINDOWS) {
        return graph_window_read(request, options, problem);
    }
    for (const char *at = request->query != NULL ? request->query : ""; *at != '\0';) {
        size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        size_t name_length = equals != NULL ? (size_t)(equals - at) : length;
        char *name = graph_url_decode(at, name_length);
        char *value = equals != NULL ? graph_url_decode(equals + 1, length - name_length - 1) : graph_url_decode("", 0);
        bool valid = read_option(request, quirks, name, value, options, problem);
        free(name);
        if (!valid) {
            return false;
        }
        at += length + (at[length] == '&' ? 1 : 0);
    }
    return check_limits(request, quirks, options, code, problem);
}

void graph_options_free(struct graph_options *options) {
    graph_filter_free(options->filter);
    free(options->filter_text);
    free(options->select);
    free(options->order_text);
    memset(options, 0, sizeof *options);
}
