/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: requests of a tenant to a source in a minute and in an hour, counted from the first one on. */
#include <string.h>

#include "graph_time.h"
#include "sim.h"

struct sim_quota {
    struct {
        int64_t began;
        unsigned count;
    } spans[2]; /* minute, hour */
};

static struct sim_quota *quota_of(struct sim *sim, const struct graph_tenant *tenant, int source) {
    size_t number = (size_t)tenant->number * GRAPH_SOURCES + (size_t)source;
    if (number >= sim->quotas_size) {
        size_t size = number * 2 + 64;
        sim->quotas = graph_grow(sim->quotas, size * sizeof *sim->quotas);
        memset(sim->quotas + sim->quotas_size, 0, (size - sim->quotas_size) * sizeof *sim->quotas);
        sim->quotas_size = size;
    }
    return &sim->quotas[number];
}

bool sim_quota_take(struct sim *sim, const struct graph_tenant *tenant, int source, unsigned *wait) {
    const unsigned limits[2] = {graph_sources[source].per_minute, graph_sources[source].per_hour};
    static const unsigned lengths[2] = {60, 3600};
    int64_t now = sim_now(sim);
    bool free = true;
    *wait = 0;
    for (int i = 0; i < 2; i++) {
        struct sim_quota *quota = quota_of(sim, tenant, source);
        unsigned limit = (unsigned)((uint64_t)limits[i] * sim->options.quotas / 100);
        int64_t end = quota->spans[i].began + lengths[i] * GRAPH_SECOND;
        if (now >= end || now < quota->spans[i].began) {
            quota->spans[i].began = now;
            quota->spans[i].count = 0;
            end = now + lengths[i] * GRAPH_SECOND;
        }
        quota->spans[i].count++; /* a refused request counts, too */
        if (limit > 0 && quota->spans[i].count > limit) {
            unsigned seconds = (unsigned)((end - now) / GRAPH_SECOND) + 1;
            *wait = *wait > seconds ? *wait : seconds;
            free = false;
        }
    }
    return free;
}
