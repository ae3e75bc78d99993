/* SPDX-License-Identifier: Apache-2.0 */
/* What the tenants hold: objects per tenant and source, each as its exact bytes, with the time it becomes visible.
 * Only the newest visible version of an object is served, as by the real API. No clock of its own: `now` is given. */
#ifndef GRAPH_DATA_H
#define GRAPH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph_map.h"
#include "graph_source.h"

struct graph_version {
    struct graph_object *object;
    struct graph_version *older; /* what was visible before it */
    struct graph_version *next_waiting;
    char *bytes; /* NULL once replaced */
    size_t length;
    char *changed_text; /* as it stands in the bytes */
    int64_t changed, created;
    int64_t visible_at, replaced_at; /* GRAPH_NEVER: not yet */
    uint64_t sequence;               /* of being added */
    unsigned served;                 /* complete answers that held it */
    struct {
        char *text; /* NULL: null or absent */
        int64_t time;
    } values[GRAPH_PROPERTIES_MAX]; /* as the source's properties */
};

struct graph_object {
    char *id;
    struct graph_feed *feed;
    unsigned versions;             /* added so far */
    int64_t newest;                /* their latest stamp, visible or not */
    bool fixed;                    /* never updated by graph_make_update(): replayed as it is */
    struct graph_version *current; /* NULL before the first one is visible */
    struct graph_version *waiting; /* each becomes visible after the one before it was served */
};

struct graph_feed {
    struct graph_tenant *tenant;
    int source;
    struct graph_object **objects;
    size_t object_count, object_size;
    struct graph_map by_id;
    struct graph_version **pending; /* by visible_at */
    size_t pending_count, pending_size;
    int64_t last_changed; /* newest stamp given to a made-up version, for ties */
};

struct graph_tenant {
    char *id;        /* lower case */
    char *domain;    /* NULL: none */
    unsigned number; /* from 1 */
    struct graph_feed feeds[GRAPH_SOURCES];
    uint64_t made; /* made-up objects so far */
};

/* Called when a version becomes visible, before any answer shows it. */
typedef void graph_data_watch(void *context, const struct graph_version *version);

struct graph_data {
    struct graph_tenant **tenants;
    size_t tenant_count, tenant_size;
    struct graph_map by_name; /* id and domain */
    uint64_t sequence;
    graph_data_watch *watch;
    void *watch_context;
};

void graph_data_init(struct graph_data *data, graph_data_watch *watch, void *context);
void graph_data_free(struct graph_data *data);

/* By id or domain, in any case; NULL if there is none. */
struct graph_tenant *graph_data_find(const struct graph_data *data, const char *name);
/* Finds or makes it. */
struct graph_tenant *graph_data_tenant(struct graph_data *data, const char *id);
void graph_data_domain(struct graph_data *data, struct graph_tenant *tenant, const char *domain);

enum { GRAPH_FIXED = 1, GRAPH_AFTER_SERVED = 2 };
/* Adds a version of the object the bytes name (copied), visible from `visible_at` on, with GRAPH_AFTER_SERVED once all
 * that was added of the object before has been served. A version no newer than the one visible by then never shows.
 * False and *problem when id or times cannot be read. */
bool graph_data_add(struct graph_data *data, struct graph_feed *feed, const char *bytes, size_t length,
                    int64_t visible_at, int64_t now, unsigned flags, const char **problem);
/* Makes visible what is due. */
void graph_data_advance(struct graph_data *data, int64_t now);
void graph_data_advance_feed(struct graph_data *data, struct graph_feed *feed, int64_t now);
/* These versions were part of a complete answer. */
void graph_data_served(struct graph_data *data, struct graph_version *const *versions, size_t count, int64_t now);
/* Every version that ever was visible. */
void graph_data_each(const struct graph_data *data, void (*each)(void *context, const struct graph_version *version),
                     void *context);

#endif
