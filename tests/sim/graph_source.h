/* SPDX-License-Identifier: Apache-2.0 */
/* The sources the test double serves, as rows of one table: adding one is adding a row. */
#ifndef GRAPH_SOURCE_H
#define GRAPH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

enum { GRAPH_ALERTS, GRAPH_INCIDENTS, GRAPH_SOURCES };
#define GRAPH_PROPERTIES_MAX 12

/* A property that $filter may name. */
struct graph_property {
    const char *name;
    enum { GRAPH_TEXT, GRAPH_ENUM, GRAPH_TIME } type;
    const char *const *values; /* GRAPH_ENUM: the members, NULL-terminated; any other literal is refused */
};

struct graph_source {
    const char *name;
    const char *path;
    const char *audience;
    const char *roles[5];                        /* any one of them opens the source */
    const char *id, *changed, *created, *tenant; /* members of an object */
    const struct graph_property *properties;
    size_t property_count;
    unsigned page;       /* objects on a page when $top is absent */
    unsigned ceiling;    /* largest page */
    bool refuses_larger; /* a larger $top: 400, else clamped */
    unsigned skip_limit; /* a larger $skip: 400 */
};

extern const struct graph_source graph_sources[GRAPH_SOURCES];

/* -1 if there is none. */
int graph_source_by_name(const char *name);
/* Index of a property, -1 if $filter must not name it. */
int graph_source_property(const struct graph_source *source, const char *name, size_t length);

#endif
