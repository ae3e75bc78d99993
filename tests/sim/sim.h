/* SPDX-License-Identifier: Apache-2.0 */
/* defender-sim: one process that answers as Entra's token endpoints, Graph security, the Defender for Endpoint API and
 * the SIEM API for many tenants. */
#ifndef SIM_H
#define SIM_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "graph.h"
#include "graph_make.h"
#include "sim_options.h"
#include "sim_scenario.h"

struct sim {
    struct sim_options options;
    pthread_mutex_t lock; /* guards all that follows up to `stopping` */
    struct graph_data data;
    struct graph_random random;
    struct sim_scenario *scenario; /* never NULL */
    _Atomic int64_t clock_shift;   /* ticks added to the real clock */
    struct graph_make make;        /* of alerts that appear while it runs */
    double owed;                   /* events of --rate not yet made */
    uint64_t requests, tokens, pages, faults;
    struct sim_quota *quotas; /* by tenant number and source */
    size_t quotas_size;
    FILE *truth, *objects, *request_log;
    bool stopping;
    pthread_cond_t stopped;
    unsigned char key[32]; /* signs tokens; thrown away with the process */
    char *certificate, *certificate_key;
};

enum sim_delivery { SIM_DELIVER, SIM_DELIVER_TRUNCATED, SIM_DELIVER_RESET, SIM_DELIVER_SLOWLY, SIM_DELIVER_NEVER };

#define SIM_HEADERS_MAX 8

/* One request and what is answered. */
struct sim_call {
    struct sim *sim;
    struct MHD_Connection *connection;
    char *target;      /* raw, from the request line */
    char *path;        /* decoded, without query */
    const char *query; /* raw; "" if none */
    char method[16];
    struct graph_buffer content; /* of a POST */
    char *base_url;
    char request_id[40];
    char *client_request_id;     /* NULL: none */
    const char *fault;           /* name of the fault it met, NULL: none */
    struct graph_tenant *tenant; /* NULL: none or not known */
    char tenant_name[80];        /* as asked for, for the log */
    int source;                  /* -1: none */
    bool old_token;              /* a request to the v1 token endpoint */
    bool begun, answered;

    struct graph_answer answer; /* status, body */
    const char *content_type;
    struct {
        const char *name;
        char *value;
    } headers[SIM_HEADERS_MAX];
    size_t header_count;
    enum sim_delivery delivery;
    unsigned slow_rate; /* bytes per second */
    unsigned cut_after; /* bytes, 0: half of it */
    unsigned delay;     /* milliseconds before the answer */
    size_t sent_bytes;
    bool page; /* a page of a list that was made up in full */
};

/* The simulator's clock. */
int64_t sim_now(const struct sim *sim);
/* Waits; false if the simulator stops meanwhile. */
bool sim_pause(struct sim *sim, unsigned milliseconds);

void sim_call_header(struct sim_call *call, const char *name, const char *value);
/* Puts `body` (copied) into the answer. */
void sim_call_body(struct sim_call *call, int status, const char *type, const char *body);
/* A request of the graph library for this call. */
struct graph_request sim_call_request(const struct sim_call *call);

/* Each fills in the call's answer; the simulator's lock is held. */
void sim_token_answer(struct sim_call *call);
void sim_api_answer(struct sim_call *call, int source, const char *id);
void sim_control_answer(struct sim_call *call);
/* Whether the request's bearer token, valid or not, names this audience. */
bool sim_api_has_audience(struct sim_call *call, const char *audience);
/* Counts a request of a tenant to a source; false if that is over its quota: *wait is the seconds until it is not. */
bool sim_quota_take(struct sim *sim, const struct graph_tenant *tenant, int source, unsigned *wait);
/* Answers with the fault in place of the right answer (true), or only changes how that will be delivered (false).
 * `endpoint` decides the shape of errors. */
bool sim_fault_apply(struct sim_call *call, const struct sim_rule *rule, enum sim_endpoint endpoint);
/* An error in the shape of Entra's token endpoint. */
void sim_token_error(struct sim_call *call, int status, const char *error, unsigned aadsts, const char *description);

/* Starts and stops the server. -1 and a message on stderr. */
int sim_server_start(struct sim *sim, struct MHD_Daemon **daemon, uint16_t *port);

/* Records. The lock is held. */
void sim_record_version(void *sim, const struct graph_version *version);
void sim_record_request(struct sim_call *call, bool complete);
void sim_truth_line(struct graph_buffer *out, const struct graph_version *version, bool with_service);

#endif
