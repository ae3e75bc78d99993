/* SPDX-License-Identifier: Apache-2.0 */
/* The scenario: rules that say which requests of which tenant meet which fault, and how its API departs from the
 * documented one. The format is described in README.md. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <json-c/json.h>

#include "graph.h"
#include "graph_make.h"

enum sim_endpoint { SIM_TOKEN = 1, SIM_API = 2 };

enum sim_fault_kind {
    SIM_FAULT_ERROR, /* JSON error in the endpoint's shape */
    SIM_FAULT_TEXT,  /* plain text body */
    SIM_FAULT_HTML,
    SIM_FAULT_EMPTY,
    SIM_FAULT_NO_VALUE,
    SIM_FAULT_VALUE_NOT_ARRAY,
    SIM_FAULT_REDIRECT,
    SIM_FAULT_NO_TOKEN,
    SIM_FAULT_NO_ROLES,     /* token without roles */
    SIM_FAULT_OTHER_TENANT, /* token with the tid of another tenant */
    /* From here on the answer is the right one, its delivery is not. */
    SIM_FAULT_HUGE,
    SIM_FAULT_TRUNCATED,
    SIM_FAULT_RESET,
    SIM_FAULT_SLOW,
    SIM_FAULT_HANG,
    SIM_FAULT_DELAY
};

struct sim_fault {
    const char *name;
    unsigned endpoints;
    enum sim_fault_kind kind;
    int status;
    const char *code, *message;
    unsigned aadsts; /* token endpoint */
};

struct sim_rule {
    char **tenants; /* NULL-terminated; NULL: all */
    int source;     /* -1: all */
    unsigned endpoint;
    unsigned skip, times; /* per tenant: the first `skip` matching requests pass, then `times` (0: all) are hit */
    unsigned percent;     /* of those that would be hit */
    double from, to;      /* seconds since the scenario was loaded; to 0: no end */
    unsigned *hits;       /* per tenant number */
    size_t hits_size;
    const struct sim_fault *fault; /* NULL: none */
    int status;
    char *code, *message, *retry_after, *host;
    unsigned milliseconds, bytes;
    struct json_object *quirks; /* NULL: none */
    struct {
        unsigned updates, adds, limit, used;
        bool served_only;
    } paging; /* after each complete page */
    double late;
    unsigned late_percent;
};

struct sim_scenario {
    struct sim_rule *rules;
    size_t count;
    struct json_object *document; /* rules point into it */
    int64_t loaded_at;
};

/* NULL and *problem (to be freed) for anything it does not know. */
struct sim_scenario *sim_scenario_parse(const char *text, size_t length, int64_t now, char **problem);
void sim_scenario_free(struct sim_scenario *scenario);

/* The first rule with a fault that hits this request, counted; NULL if none does. */
const struct sim_rule *sim_scenario_fault(struct sim_scenario *scenario, enum sim_endpoint endpoint,
                                          const struct graph_tenant *tenant, int source, int64_t now,
                                          struct graph_random *random);
/* All quirks that hold for this request, the later rule winning. */
void sim_scenario_quirks(struct sim_scenario *scenario, const struct graph_tenant *tenant, int source, int64_t now,
                         struct graph_random *random, struct graph_quirks *quirks);
/* Mutates a feed after a complete page, as the rules ask. */
void sim_scenario_page_done(struct sim_scenario *scenario, struct graph_data *data, struct graph_feed *feed,
                            int64_t now, struct graph_make how, struct graph_random *random);
/* Puts what the rules say of late alerts into `how`. */
void sim_scenario_late(const struct sim_scenario *scenario, const struct graph_tenant *tenant, int source, int64_t now,
                       struct graph_make *how);

#endif
