/* SPDX-License-Identifier: Apache-2.0 */
/* Command line of defender-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FILES_MAX 64

struct sim_files {
    const char *paths[SIM_FILES_MAX];
    size_t count;
};

struct sim_options {
    const char *listen, *port_file, *tls_cert, *tls_key;
    const char *tenants_file, *client_secret, *scenario, *request_log, *truth, *objects;
    struct sim_files alerts, incidents, endpoint_alerts, detections;
    unsigned tenants, per_tenant, large, huge, latency, token_lifetime, update_share, tie_share, spread, alert_size;
    unsigned quotas;  /* percent of the documented ones, 0: none */
    unsigned sources; /* bits 1 << GRAPH_...: what is made up */
    double rate, replay_interval; /* replay_interval < 0: off */
    uint64_t seed;
    bool tenants_given, no_gzip, trust_tokens;
};

/* 0 to run, 1 when done (--help), 2 after a message on stderr. */
int sim_options_read(struct sim_options *options, int argc, char **argv);

#endif
