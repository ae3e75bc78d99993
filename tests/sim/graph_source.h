/* SPDX-License-Identifier: Apache-2.0 */
/* The sources the test double serves, as rows of one table: adding one is adding a row. */
#ifndef GRAPH_SOURCE_H
#define GRAPH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

enum { GRAPH_ALERTS, GRAPH_INCIDENTS, GRAPH_ENDPOINT_ALERTS, GRAPH_SIEM_DETECTIONS, GRAPH_SOURCES };
#define GRAPH_PROPERTIES_MAX 12

/* A property that $filter may name. */
struct graph_property {
    const char *name;
    enum { GRAPH_TEXT, GRAPH_ENUM, GRAPH_TIME, GRAPH_NUMBER } type;
    const char *const *values; /* GRAPH_ENUM: the members, NULL-terminated; any other literal is refused */
};

struct graph_source {
    const char *name;
    const char *path;
    const char *audience; /* of its tokens: scope without "/.default", or resource */
    bool old_tokens;      /* they come from the v1 token endpoint, which knows resources and no scopes */
    const char *roles[5]; /* any one of them opens the source; none: every token of the audience does */
    enum { GRAPH_ODATA, GRAPH_WINDOWS } style;
    enum { GRAPH_ERRORS, GRAPH_ERRORS_ENDPOINT, GRAPH_ERRORS_SIEM } errors; /* shape of error bodies */
    const char *id, *changed, *created; /* members of an object */
    const char *tenant;                 /* NULL: it names none */
    const char *expand;                 /* navigation property that $expand may name, NULL: none */
    bool unlinked;                      /* pages never have a nextLink */
    const struct graph_property *properties;
    size_t property_count;
    unsigned page;       /* objects on a page when $top is absent */
    unsigned ceiling;    /* largest page */
    bool refuses_larger; /* a larger $top: 400, else clamped */
    unsigned skip_limit; /* a larger $skip: 400 */
    unsigned per_minute, per_hour; /* quota of a tenant; 0: none */
};

extern const struct graph_source graph_sources[GRAPH_SOURCES];

/* -1 if there is none. */
int graph_source_by_name(const char *name);
/* Index of a property, -1 if $filter must not name it. */
int graph_source_property(const struct graph_source *source, const char *name, size_t length);

#endif
