/* SPDX-License-Identifier: Apache-2.0 */
/* The APIs: check the bearer token and the quota, meet the scenario's faults, ask the graph library. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "graph_time.h"
#include "sim.h"
#include "sim_jwt.h"

#define PADDING_DEFAULT (64U * 1024 * 1024)

static void refuse(struct sim_call *call, int status, const char *code, const char *message) {
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

static const char *claim(struct json_object *claims, const char *name) {
    struct json_object *value = NULL;
    bool text = json_object_object_get_ex(claims, name, &value) && json_object_is_type(value, json_type_string);
    return text ? json_object_get_string(value) : "";
}

static int64_t time_claim(struct json_object *claims, const char *name) {
    struct json_object *value = NULL;
    return json_object_object_get_ex(claims, name, &value) ? json_object_get_int64(value) : 0;
}

static bool has_role(struct json_object *claims, const struct graph_source *source) {
    struct json_object *roles = NULL;
    if (source->roles[0] == NULL) {
        return true;
    }
    if (!json_object_object_get_ex(claims, "roles", &roles)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(roles); i++) {
        const char *role = json_object_get_string(json_object_array_get_idx(roles, i));
        for (const char *const *wanted = source->roles; *wanted != NULL; wanted++) {
            if (strcmp(role, *wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void refuse_role(struct sim_call *call, const struct graph_source *source) {
    struct graph_buffer text = {0};
    graph_buffer_text(&text, "Missing application roles. API required roles: ");
    for (const char *const *role = source->roles; *role != NULL; role++) {
        graph_buffer_print(&text, "%s%s", role == source->roles ? "" : ",", *role);
    }
    graph_buffer_text(&text, ", application roles: .");
    refuse(call, 403, "Forbidden", text.bytes);
    graph_buffer_free(&text);
}

static struct json_object *open_token(const struct sim *sim, const char *token) {
    return sim->options.trust_tokens ? sim_jwt_claims(token) : sim_jwt_open(sim->key, token);
}

/* The last path segment but for a slash: where a server that knows no `tid` has its tenant in `iss`. */
static struct graph_tenant *tenant_of(const struct sim_call *call, struct json_object *claims) {
    struct graph_tenant *tenant = graph_data_find(&call->sim->data, claim(claims, "tid"));
    const char *segment = strrchr(claim(claims, "iss"), '/');
    return tenant == NULL && call->sim->options.trust_tokens && segment != NULL
               ? graph_data_find(&call->sim->data, segment + 1)
               : tenant;
}

/* Other servers leave `aud` out, or put the scope there. */
static bool is_for(const char *found, const char *audience, bool trusted) {
    return strcmp(found, audience) == 0 || (trusted && (*found == '\0' || strncmp(found, audience, strlen(audience)) == 0));
}

/* Finds the tenant of a genuine, valid token; false after an error was answered. */
static bool check_claims(struct sim_call *call, const struct graph_source *source, struct json_object *claims) {
    int64_t now = sim_now(call->sim) / GRAPH_SECOND;
    bool trusted = call->sim->options.trust_tokens;
    call->tenant = tenant_of(call, claims);
    if (time_claim(claims, "exp") <= now || time_claim(claims, "nbf") > now + 300) {
        refuse(call, 401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    } else if (!is_for(claim(claims, "aud"), source->audience, trusted)) {
        refuse(call, 401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.");
    } else if (!has_role(claims, source) && !(trusted && !json_object_object_get_ex(claims, "roles", NULL))) {
        refuse_role(call, source);
    } else if (call->tenant == NULL) {
        refuse(call, 401, "InvalidAuthenticationToken", "Access token validation failure. Invalid tenant.");
    } else {
        return true;
    }
    return false;
}

bool sim_api_has_audience(struct sim_call *call, const char *audience) {
    const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Authorization");
    bool bearer = header != NULL && strncasecmp(header, "Bearer ", 7) == 0;
    struct json_object *claims = bearer ? open_token(call->sim, header + 7) : NULL;
    bool same = claims != NULL && strcmp(claim(claims, "aud"), audience) == 0;
    json_object_put(claims);
    return same;
}

static bool check_token(struct sim_call *call, const struct graph_source *source) {
    const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Authorization");
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        refuse(call, 401, "InvalidAuthenticationToken", "Access token is empty.");
        return false;
    }
    struct json_object *claims = open_token(call->sim, header + 7);
    if (claims == NULL) {
        refuse(call, 401, "InvalidAuthenticationToken", "Access token validation failure. Invalid token.");
        return false;
    }
    bool valid = check_claims(call, source, claims);
    json_object_put(claims);
    return valid;
}

/* Makes the body larger than `bytes` by a member nobody reads. */
static void pad(struct graph_buffer *body, unsigned bytes) {
    struct graph_buffer padded = {0};
    size_t wanted = bytes > 0 ? bytes : PADDING_DEFAULT;
    char *padding = graph_alloc(wanted + 1);
    memset(padding, 'x', wanted);
    graph_buffer_text(&padded, "{\"@sim.padding\":\"");
    graph_buffer_add(&padded, padding, wanted);
    graph_buffer_text(&padded, "\",");
    graph_buffer_add(&padded, body->bytes + 1, body->length - 1);
    free(padding);
    graph_buffer_free(body);
    *body = padded;
}

static void list(struct sim_call *call, const struct sim_rule *rule) {
    struct sim *sim = call->sim;
    struct graph_quirks quirks = {0};
    struct graph_request request = sim_call_request(call);
    sim_scenario_quirks(sim->scenario, call->tenant, call->source, request.now, &sim->random, &quirks);
    graph_query(&sim->data, &quirks, &request, &call->answer);
    if (call->answer.warning != NULL) {
        sim_call_header(call, "Warning", call->answer.warning);
    }
    if (call->answer.status >= 300) {
        return;
    }
    call->page = true;
    sim->pages++;
    if (rule != NULL && rule->fault->kind == SIM_FAULT_HUGE) {
        pad(&call->answer.body, rule->bytes);
    }
}

/* False after a 429 was answered. */
static bool check_quota(struct sim_call *call) {
    struct graph_buffer text = {0};
    const struct graph_source *source = &graph_sources[call->source];
    char seconds[16];
    unsigned wait;
    if (call->sim->options.quotas == 0 || sim_quota_take(call->sim, call->tenant, call->source, &wait)) {
        return true;
    }
    if (source->errors == GRAPH_ERRORS_ENDPOINT) {
        bool hour = wait > 60;
        graph_buffer_print(&text, "API calls quota exceeded! maximum allowed %u per %s",
                           hour ? source->per_hour : source->per_minute, hour ? "01:00:00" : "00:01:00");
        refuse(call, 429, "429", text.bytes);
    } else {
        refuse(call, 429, "TooManyRequests", "Too Many Requests");
    }
    graph_buffer_free(&text);
    snprintf(seconds, sizeof seconds, "%u", wait);
    sim_call_header(call, "Retry-After", seconds);
    call->fault = "quota";
    return false;
}

void sim_api_answer(struct sim_call *call, int source, const char *id) {
    struct sim *sim = call->sim;
    call->source = source;
    if (!check_token(call, &graph_sources[source]) || !check_quota(call)) {
        return;
    }
    const struct sim_rule *rule =
        sim_scenario_fault(sim->scenario, SIM_API, call->tenant, source, sim_now(sim), &sim->random);
    if (rule != NULL && sim_fault_apply(call, rule, SIM_API)) {
        return;
    }
    call->content_type =
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
        "charset=utf-8";
    if (id != NULL) {
        struct graph_request request = sim_call_request(call);
        graph_get(&sim->data, &request, id, &call->answer);
    } else {
        list(call, rule);
    }
}
