/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <string.h>

static bool add_term(struct imd_buffer *filter, const char *property, const char *operator, const char * value) {
    return imd_buffer_print(filter, "%s%s %s %s", filter->length ? " and " : "", property, operator, value);
}

static bool add_range(struct imd_buffer *filter, const char *property, imd_time from, imd_time to) {
    char text[IMD_TIME_TEXT_MAX];
    bool good = true;
    if (from != IMD_TIME_NONE) good = add_term(filter, property, "ge", imd_time_print(from, text));
    if (good && to != IMD_TIME_NONE) good = add_term(filter, property, "lt", imd_time_print(to, text));
    return good;
}

static bool make_filter(struct imd_buffer *filter, const struct imd_source *source, const struct imd_query *query) {
    bool good = add_range(filter, source->time_field, query->from, query->to) &&
                add_range(filter, source->created_field, query->created_from, query->created_to);
    for (int i = 0; good && i < 2; i++) {
        if (!query->values[i]) continue;
        good = imd_buffer_print(filter, "%s%s eq '%s'", filter->length ? " and " : "", source->partitions[i],
                                query->values[i]);
    }
    if (good && query->filter) good = imd_buffer_print(filter, "%s(%s)", filter->length ? " and " : "", query->filter);
    return good;
}

static bool odata_url(struct imd_buffer *url, const struct imd_source *source, const struct imd_query *query) {
    struct imd_buffer filter;
    imd_buffer_init(&filter, IMD_URL_MAX);
    bool good = make_filter(&filter, source, query) && imd_buffer_print(url, "?$top=%u", query->top);
    if (good && filter.length) good = imd_buffer_add_text(url, "&$filter=") && imd_buffer_add_percent(url, filter.data);
    if (good && query->ordered) good = imd_buffer_print(url, "&$orderby=%s%%20asc", source->time_field);
    if (good && query->select) {
        good = imd_buffer_print(url, "&$select=%s,%s,%s,%s%s%s", source->id_field, source->time_field,
                                source->created_field, source->severity_field, source->tenant_field ? "," : "",
                                source->tenant_field ? source->tenant_field : "");
    }
    if (good && query->expand && !query->select && source->expand) good = imd_buffer_print(url, "&$expand=%s", source->expand);
    imd_buffer_free(&filter);
    return good;
}

/* "2016-09-12T00:00:00.000": UTC without a zone, in milliseconds. */
static bool add_window_bound(struct imd_buffer *url, const char *name, imd_time time) {
    char text[IMD_TIME_TEXT_MAX];
    int64_t seconds = imd_time_to_unix(time);
    int64_t milliseconds = (time - imd_time_from_unix(seconds)) / (IMD_TICKS_PER_SECOND / 1000);
    imd_time_print(imd_time_from_unix(seconds), text); /* whole seconds have no fraction: "...:05Z" */
    char *zone = strchr(text, 'Z');
    if (zone) *zone = 0;
    struct imd_buffer value;
    imd_buffer_init(&value, 64);
    bool good = imd_buffer_print(&value, "%s.%03d", text, (int)milliseconds) && imd_buffer_print(url, "&%s=", name) &&
                imd_buffer_add_percent(url, value.data);
    imd_buffer_free(&value);
    return good;
}

/* Nobody says whether the bounds are inclusive, or whether stamps are cut to milliseconds before they are compared, so the
 * window is wider by a grain at both ends. What comes twice is known. */
static bool window_url(struct imd_buffer *url, const struct imd_source *source, const struct imd_query *query) {
    bool good = imd_buffer_print(url, "?limit=%u", query->top);
    if (good && query->from != IMD_TIME_NONE)
        good = add_window_bound(url, "sinceTimeUtc", imd_time_add(query->from, -source->grain));
    if (good && query->to != IMD_TIME_NONE)
        good = add_window_bound(url, "untilTimeUtc", imd_time_add(query->to, source->grain));
    return good;
}

bool imd_query_url(struct imd_buffer *url, const char *base, const struct imd_source *source,
                   const struct imd_query *query) {
    if (!imd_buffer_add_text(url, base) || !imd_buffer_add_text(url, source->path)) return false;
    return source->style == IMD_PAGE_WINDOW ? window_url(url, source, query) : odata_url(url, source, query);
}
