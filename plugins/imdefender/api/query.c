/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

static bool
add_term(struct imd_buffer *filter, const char *property, const char *operator, const char *value)
{
    return imd_buffer_print(filter, "%s%s %s %s", filter->length ? " and " : "", property, operator, value);
}

static bool
add_range(struct imd_buffer *filter, const char *property, imd_time from, imd_time to)
{
    char text[IMD_TIME_TEXT_MAX];
    bool good = true;
    if (from != IMD_TIME_NONE) good = add_term(filter, property, "ge", imd_time_print(from, text));
    if (good && to != IMD_TIME_NONE) good = add_term(filter, property, "lt", imd_time_print(to, text));
    return good;
}

static bool
make_filter(struct imd_buffer *filter, const struct imd_source *source, const struct imd_query *query)
{
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

bool
imd_query_url(struct imd_buffer *url, const char *base, const struct imd_source *source, const struct imd_query *query)
{
    struct imd_buffer filter;
    imd_buffer_init(&filter, IMD_URL_MAX);
    bool good = make_filter(&filter, source, query) && imd_buffer_print(url, "%s%s?$top=%u", base, source->path, query->top);
    if (good && filter.length) good = imd_buffer_add_text(url, "&$filter=") && imd_buffer_add_percent(url, filter.data);
    if (good && query->ordered)
        good = imd_buffer_print(url, "&$orderby=%s%%20asc", source->time_field);
    imd_buffer_free(&filter);
    return good;
}
