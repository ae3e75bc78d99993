/* SPDX-License-Identifier: Apache-2.0 */
/* The query parameters of the SIEM API: a window of time and a number of most recent objects. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_options.h"
#include "graph_time.h"

#define MILLISECOND (GRAPH_SECOND / 1000)
#define HOUR (3600 * GRAPH_SECOND)

/* "2016-09-12T00:00:00.000" is UTC without saying so. */
static bool read_time(const char *text, int64_t *time) {
    char whole[GRAPH_TIME_TEXT];
    size_t length = strlen(text);
    if (graph_time_parse(text, length, time)) {
        return true;
    }
    return length + 1 < sizeof whole && snprintf(whole, sizeof whole, "%sZ", text) > 0 &&
           graph_time_parse(whole, length + 1, time);
}

/* "P1D", "PT10M", "PT2H30M", "PT5S": days, hours, minutes, seconds. */
static bool read_duration(const char *text, int64_t *ticks) {
    static const char units[] = "DHMS";
    static const int64_t seconds[] = {86400, 3600, 60, 1};
    *ticks = 0;
    if (*text++ != 'P' || *text == '\0') {
        return false;
    }
    while (*text != '\0') {
        char *end;
        text += *text == 'T' ? 1 : 0;
        long number = strtol(text, &end, 10);
        const char *unit = end != text && number >= 0 && *end != '\0' ? strchr(units, *end) : NULL;
        if (unit == NULL) {
            return false;
        }
        *ticks += number * seconds[unit - units] * GRAPH_SECOND;
        text = end + 1;
    }
    return true;
}

static bool read_parameter(const struct graph_request *request, const char *name, const char *value,
                           struct graph_options *options) {
    static const char *const unused[] = {"machinegroups", "DeviceCreatedMachineTags", "CloudCreatedMachineTags"};
    char rest;
    int64_t ago;
    if (strcmp(name, "sinceTimeUtc") == 0) {
        return read_time(value, &options->since);
    }
    if (strcmp(name, "untilTimeUtc") == 0) {
        return read_time(value, &options->until);
    }
    if (strcmp(name, "ago") == 0) {
        bool valid = read_duration(value, &ago);
        options->since = valid ? request->now - ago : options->since;
        return valid;
    }
    if (strcmp(name, "limit") == 0) {
        options->has_top = true;
        return sscanf(value, "%" SCNu64 "%c", &options->top, &rest) == 1 && *value != '-';
    }
    for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++) {
        if (strcmp(name, unused[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool graph_window_read(const struct graph_request *request, struct graph_options *options,
                       struct graph_buffer *problem) {
    options->since = request->now - 2 * HOUR; /* documented for a request that names none */
    options->until = request->now;
    for (const char *at = request->query != NULL ? request->query : ""; *at != '\0';) {
        size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        size_t name_length = equals != NULL ? (size_t)(equals - at) : length;
        char *name = graph_url_decode(at, name_length);
        char *value = equals != NULL ? graph_url_decode(equals + 1, length - name_length - 1) : graph_url_decode("", 0);
        bool valid = read_parameter(request, name, value, options);
        if (!valid) {
            graph_buffer_print(problem, "The value '%s' is not valid for %s.", value, name);
        }
        free(name);
        free(value);
        if (!valid) {
            return false;
        }
        at += length + (at[length] == '&' ? 1 : 0);
    }
    return true;
}

bool graph_window_holds(const struct graph_quirks *quirks, const struct graph_options *options, int64_t stamp) {
    if (quirks->bounds == GRAPH_BOUNDS_EXCLUSIVE) {
        return stamp > options->since && stamp < options->until;
    }
    if (quirks->bounds == GRAPH_BOUNDS_MILLISECONDS) {
        stamp -= stamp % MILLISECOND;
    }
    return stamp >= options->since && stamp <= options->until;
}
