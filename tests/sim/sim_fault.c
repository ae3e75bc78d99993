/* SPDX-License-Identifier: Apache-2.0 */
/* What a request meets when a rule of the scenario hits it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_time.h"
#include "sim.h"

/* "5" and any other text go out as they are; "date" and "date:SECONDS" become an HTTP date. */
static void add_retry_after(struct sim_call *call, const char *text) {
    char date[GRAPH_TIME_TEXT];
    if (text == NULL) {
        return;
    }
    if (strncmp(text, "date", 4) == 0) {
        int64_t seconds = text[4] == ':' ? strtoll(text + 5, NULL, 10) : 5;
        graph_time_print_http(sim_now(call->sim) + seconds * GRAPH_SECOND, date);
        text = date;
    }
    sim_call_header(call, "Retry-After", text);
}

static void answer_error(struct sim_call *call, const struct sim_rule *rule, enum sim_endpoint endpoint, int status) {
    const char *code = rule->code != NULL ? rule->code : rule->fault->code;
    const char *message = rule->message != NULL ? rule->message : rule->fault->message;
    if (endpoint == SIM_TOKEN) {
        sim_token_error(call, status, code, rule->fault->aadsts, message);
        return;
    }
    struct graph_request request = sim_call_request(call);
    graph_answer_error(&call->answer, status, code, message, &request);
    call->content_type = "application/json";
    if (status == 401) {
        sim_call_header(
            call, "WWW-Authenticate",
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", "
            "client_id=\"00000003-0000-0000-c000-000000000000\"");
    }
}

static bool change_delivery(struct sim_call *call, const struct sim_rule *rule) {
    static const enum sim_delivery deliveries[] = {
        [SIM_FAULT_TRUNCATED] = SIM_DELIVER_TRUNCATED,
        [SIM_FAULT_RESET] = SIM_DELIVER_RESET,
        [SIM_FAULT_SLOW] = SIM_DELIVER_SLOWLY,
        [SIM_FAULT_HANG] = SIM_DELIVER_NEVER,
        [SIM_FAULT_DELAY] = SIM_DELIVER,
    };
    if (rule->fault->kind == SIM_FAULT_HUGE) {
        return false; /* the API pads the page */
    }
    call->delivery = deliveries[rule->fault->kind];
    call->cut_after = rule->bytes;
    call->slow_rate = rule->bytes > 0 ? rule->bytes : 20;
    call->delay += rule->milliseconds;
    return false;
}

bool sim_fault_apply(struct sim_call *call, const struct sim_rule *rule, enum sim_endpoint endpoint) {
    const struct sim_fault *fault = rule->fault;
    int status = rule->status > 0 ? rule->status : fault->status;
    call->fault = fault->name;
    call->sim->faults++;
    if (fault->kind >= SIM_FAULT_HUGE) {
        return change_delivery(call, rule);
    }
    call->delay += rule->milliseconds;
    switch (fault->kind) {
        case SIM_FAULT_ERROR:
            answer_error(call, rule, endpoint, status);
            break;
        case SIM_FAULT_TEXT:
            sim_call_body(call, status, "text/plain", rule->message != NULL ? rule->message : fault->message);
            break;
        case SIM_FAULT_HTML:
            sim_call_body(call, status, "text/html; charset=utf-8",
                          "<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head>\n"
                          "<body><h1>Please accept the terms of use</h1></body></html>\n");
            break;
        case SIM_FAULT_EMPTY:
            sim_call_body(call, status, "application/json", "");
            break;
        case SIM_FAULT_NO_VALUE:
            sim_call_body(call, status, "application/json", "{}");
            break;
        case SIM_FAULT_VALUE_NOT_ARRAY:
            sim_call_body(call, status, "application/json", "{\"value\":{\"id\":\"1\"}}");
            break;
        case SIM_FAULT_REDIRECT: {
            struct graph_buffer location = {0};
            graph_buffer_print(&location, "%s%s", rule->host != NULL ? rule->host : "https://elsewhere.invalid",
                               call->target);
            sim_call_body(call, status, "text/html", "<html><body>Object moved</body></html>");
            sim_call_header(call, "Location", location.bytes);
            graph_buffer_free(&location);
            break;
        }
        case SIM_FAULT_NO_TOKEN:
            sim_call_body(call, status, "application/json", "{\"token_type\":\"Bearer\",\"expires_in\":3599}");
            break;
        default:
            return false; /* the token endpoint changes the token */
    }
    add_retry_after(call, rule->retry_after);
    return true;
}
