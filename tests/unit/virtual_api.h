/* SPDX-License-Identifier: Apache-2.0 */
/* Entra and Graph inside the process, on a clock that a test moves: a transport for the engine whose answers come from
 * the simulator's Graph, unless a script says otherwise for a request. */
#ifndef VIRTUAL_API_H
#define VIRTUAL_API_H

#include "../sim/graph.h"
#include "../sim/graph_time.h"
#include "api/transport.h"

#define VIRTUAL_LOGIN "https://login.example"
#define VIRTUAL_URL "https://api.example"
#define VIRTUAL_EPOCH INT64_C(17850000000000000) /* the API's time when the clock stands at 0 */
#define VIRTUAL_TOKENS_MAX 4096

/* How a request is answered; all zero: as the API would. */
struct virtual_answer {
    int status;
    enum imd_failure failure; /* instead of an answer; with `cut`: after so many bytes */
    const char *body;
    size_t cut;
    const char *retry_after, *content_type;
    bool no_date;
    bool hangs;    /* until the request's timeout */
    int64_t delay; /* ms beside the usual latency */
};

/* A request under way. */
struct virtual_call {
    struct imd_request *request;
    char *url, *authorization, *body; /* copies, as a transport makes them */
    bool token;                       /* to the token endpoint */
    char tenant[80];                  /* the id in the URL, or of whom the token was issued for */
    int64_t due;                      /* ms */
    struct virtual_answer answer;
    bool begun, broken;
    char *bytes;
    size_t length, sent;
    struct virtual_call *next;
};

struct virtual_api {
    struct imd_transport transport;
    struct graph_data data;
    struct graph_quirks quirks;
    int64_t now;         /* ms */
    int64_t wall_offset; /* ticks by which the clock here is wrong */
    int64_t latency;     /* ms */
    int64_t token_lifetime;
    const char *token_tenant; /* tid of every token; NULL: the right one */
    size_t chunk;             /* bytes handed over at once */
    void (*script)(void *context, const struct virtual_call *call, struct virtual_answer *answer);
    void *context;
    struct virtual_call *calls; /* in the order they were started */
    struct {
        char tenant[80];
        int64_t expires;
        bool revoked;
    } tokens[VIRTUAL_TOKENS_MAX];
    unsigned token_count;
    unsigned outside; /* above 0 while code of the test runs, and not the engine's */
    unsigned requests, token_requests, most_at_once, tokens_at_once_most, resumed;
};

void virtual_api_init(struct virtual_api *api);
void virtual_api_free(struct virtual_api *api);

/* The API's time. */
int64_t virtual_api_time(const struct virtual_api *api);

/* An alert, or a newer version of it, that is visible from now on. `age` in seconds before now is its stamp, unless
 * it is an update: then its creation is that of the first version. Returns its stamp. */
int64_t virtual_api_alert(struct virtual_api *api, const char *tenant, const char *id, double age);
/* The same with all times: ticks. `padding` bytes make it longer. */
void virtual_api_version(struct virtual_api *api, const char *tenant, const char *id, int64_t created, int64_t stamp,
                         int64_t visible, size_t padding);

/* No token issued so far is accepted any more. */
void virtual_api_revoke_tokens(struct virtual_api *api);

/* The number of calls under way for a tenant. */
unsigned virtual_api_open_calls(const struct virtual_api *api, const char *tenant);

#endif
