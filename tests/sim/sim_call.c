/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers every answering part uses: clock, headers, body. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph_time.h"
#include "sim.h"

int64_t sim_now(const struct sim *sim) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * GRAPH_SECOND + now.tv_nsec / 100 + sim->clock_shift;
}

bool sim_pause(struct sim *sim, unsigned milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&sim->lock);
    int expired = 0;
    while (!sim->stopping && expired == 0) {
        expired = pthread_cond_timedwait(&sim->stopped, &sim->lock, &until);
    }
    bool running = !sim->stopping;
    pthread_mutex_unlock(&sim->lock);
    return running;
}

void sim_call_header(struct sim_call *call, const char *name, const char *value) {
    if (call->header_count < SIM_HEADERS_MAX) {
        call->headers[call->header_count].name = name;
        call->headers[call->header_count].value = graph_copy(value, strlen(value));
        call->header_count++;
    }
}

void sim_call_body(struct sim_call *call, int status, const char *type, const char *body) {
    graph_answer_free(&call->answer);
    call->answer.status = status;
    call->content_type = type;
    graph_buffer_text(&call->answer.body, body);
}

struct graph_request sim_call_request(const struct sim_call *call) {
    return (struct graph_request){.source = call->source,
                                  .tenant = call->tenant,
                                  .query = call->query,
                                  .base_url = call->base_url,
                                  .request_id = call->request_id,
                                  .client_request_id = call->client_request_id,
                                  .now = sim_now(call->sim),
                                  .random = &call->sim->random};
}
