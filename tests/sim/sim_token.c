/* SPDX-License-Identifier: Apache-2.0 */
/* Entra's token endpoints (v2.0 and v1): client credentials and refresh tokens, the secret in the body or as Basic
 * authorization. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "graph_time.h"
#include "sim.h"
#include "sim_jwt.h"

struct form {
    char *grant_type, *client_id, *client_secret, *scope, *resource, *refresh_token;
    bool assertion;
};

void sim_token_error(struct sim_call *call, int status, const char *error, unsigned aadsts, const char *description) {
    char stamp[GRAPH_TIME_TEXT];
    struct graph_buffer text = {0}, body = {0};
    graph_time_print(sim_now(call->sim), 0, stamp);
    stamp[10] = ' '; /* Entra separates date and time by a space */
    const char *trace = call->request_id;
    const char *correlation = call->client_request_id != NULL ? call->client_request_id : call->request_id;
    graph_buffer_print(&text, "AADSTS%u: %s Trace ID: %s Correlation ID: %s Timestamp: %s", aadsts, description, trace,
                       correlation, stamp);
    graph_buffer_text(&body, "{\"error\":");
    graph_buffer_json(&body, error);
    graph_buffer_text(&body, ",\"error_description\":");
    graph_buffer_json(&body, text.bytes);
    graph_buffer_print(&body,
                       ",\"error_codes\":[%u],\"timestamp\":\"%s\",\"trace_id\":\"%s\",\"correlation_id\":", aadsts,
                       stamp, trace);
    graph_buffer_json(&body, correlation);
    graph_buffer_print(&body, ",\"error_uri\":\"https://login.microsoftonline.com/error?code=%u\"}", aadsts);
    sim_call_body(call, status, "application/json; charset=utf-8", body.bytes);
    graph_buffer_free(&text);
    graph_buffer_free(&body);
}

static void free_form(struct form *form) {
    free(form->grant_type);
    free(form->client_id);
    free(form->client_secret);
    free(form->scope);
    free(form->resource);
    free(form->refresh_token);
}

static void take(char **place, char *value) {
    free(*place);
    *place = value;
}

static void read_form(const char *content, struct form *form) {
    const struct {
        const char *name;
        char **place;
    } fields[] = {{"grant_type", &form->grant_type}, {"client_id", &form->client_id},
                  {"client_secret", &form->client_secret}, {"scope", &form->scope},
                  {"resource", &form->resource}, {"refresh_token", &form->refresh_token}};
    for (const char *at = content; *at != '\0';) {
        size_t length = strcspn(at, "&"), name = strcspn(at, "=&");
        char *value = name < length ? graph_url_decode(at + name + 1, length - name - 1) : graph_url_decode("", 0);
        form->assertion |= name == 16 && memcmp(at, "client_assertion", 16) == 0;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            if (value != NULL && strlen(fields[i].name) == name && memcmp(at, fields[i].name, name) == 0) {
                take(fields[i].place, value);
                value = NULL;
            }
        }
        free(value);
        at += length + (at[length] == '&' ? 1 : 0);
    }
}

static void read_basic(struct sim_call *call, struct form *form) {
    const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Authorization");
    if (header == NULL || strncasecmp(header, "Basic ", 6) != 0) {
        return;
    }
    char *pair = sim_base64_decode(header + 6, strlen(header + 6));
    char *colon = pair != NULL ? strchr(pair, ':') : NULL;
    if (colon != NULL) {
        take(&form->client_id, graph_url_decode(pair, (size_t)(colon - pair)));
        take(&form->client_secret, graph_url_decode(colon + 1, strlen(colon + 1)));
    }
    free(pair);
}

/* What a token is asked for: one resource, with "/.default" at the v2.0 endpoint. NULL if there is none such. */
/* A user may ask for offline_access beside the API's own scopes. */
static const char *audience_of(const struct sim_call *call, const struct form *form) {
    const char *asked = call->old_token ? form->resource : form->scope;
    const char *rest = call->old_token ? "" : "/.default";
    for (int i = 0; asked != NULL && i < GRAPH_SOURCES; i++) {
        size_t length = strlen(graph_sources[i].audience);
        if (graph_sources[i].old_tokens && !call->old_token) {
            continue;
        }
        if (strncmp(asked, graph_sources[i].audience, length) == 0 &&
            (strcmp(asked + length, rest) == 0 ||
             (form->refresh_token != NULL && strcmp(asked + length, "/.default offline_access") == 0))) {
            return graph_sources[i].audience;
        }
    }
    return NULL;
}

static bool refuse_missing(struct sim_call *call, const char *parameter) {
    struct graph_buffer text = {0};
    graph_buffer_print(&text, "The request body must contain the following parameter: '%s'.", parameter);
    sim_token_error(call, 400, "invalid_request", 900144, text.bytes);
    graph_buffer_free(&text);
    return false;
}

/* Each of these: false after an error was answered. */
static bool check_grant(struct sim_call *call, const struct form *form) {
    if (form->client_id == NULL || *form->client_id == '\0') {
        return refuse_missing(call, "client_id");
    }
    if (form->grant_type == NULL) {
        return refuse_missing(call, "grant_type");
    }
    if (strcmp(form->grant_type, "refresh_token") == 0) {
        return (form->refresh_token != NULL && *form->refresh_token != '\0') || refuse_missing(call, "refresh_token");
    }
    if (strcmp(form->grant_type, "client_credentials") != 0) {
        sim_token_error(call, 400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
        return false;
    }
    return true;
}

static bool check_tenant(struct sim_call *call) {
    if (call->tenant != NULL) {
        return true;
    }
    struct graph_buffer text = {0};
    graph_buffer_print(&text,
                       "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing "
                       "into the correct cloud.",
                       call->tenant_name);
    sim_token_error(call, 400, "invalid_request", 90002, text.bytes);
    graph_buffer_free(&text);
    return false;
}

static bool check_secret(struct sim_call *call, const struct form *form) {
    if (form->client_secret == NULL) {
        sim_token_error(call, 401, "invalid_client", form->assertion ? 700027 : 7000218,
                        form->assertion ? "The certificate with identifier used to sign the client assertion is not "
                                          "registered on application."
                                        : "The request body must contain the following parameter: 'client_assertion' "
                                          "or 'client_secret'.");
        return false;
    }
    if (strcmp(form->client_secret, call->sim->options.client_secret) != 0) {
        sim_token_error(call, 401, "invalid_client", 7000215,
                        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
                        "secret value, not the client secret ID, for a secret added to app.");
        return false;
    }
    return true;
}

static bool check_form(struct sim_call *call, const struct form *form) {
    if (!check_grant(call, form) || !check_tenant(call) || !check_secret(call, form)) {
        return false;
    }
    if (form->resource != NULL && !call->old_token) {
        sim_token_error(call, 400, "invalid_request", 901002, "The 'resource' request parameter is not supported.");
        return false;
    }
    if (audience_of(call, form) == NULL) {
        sim_token_error(call, 400, call->old_token ? "invalid_resource" : "invalid_scope",
                        call->old_token ? 500011 : 70011,
                        call->old_token ? "The resource principal was not found in the tenant."
                                        : "The provided request must include a 'scope' input parameter. The provided "
                                          "value for the input parameter 'scope' is not valid.");
        return false;
    }
    return true;
}

static void add_roles(struct graph_buffer *claims, const char *audience) {
    const char *separator = "";
    graph_buffer_text(claims, ",\"roles\":[");
    for (int i = 0; i < GRAPH_SOURCES; i++) {
        if (strcmp(graph_sources[i].audience, audience) == 0 && graph_sources[i].roles[0] != NULL) {
            graph_buffer_print(claims, "%s\"%s\"", separator, graph_sources[i].roles[0]);
            separator = ",";
        }
    }
    graph_buffer_text(claims, "]");
}

/* Some other tenant: one that is known where there are several. */
static const char *other_tenant(const struct sim_call *call) {
    const struct graph_data *data = &call->sim->data;
    for (size_t i = 0; i < data->tenant_count; i++) {
        if (data->tenants[i] != call->tenant) {
            return data->tenants[i]->id;
        }
    }
    return "ffffffff-0000-4000-8000-00000000dead";
}

/* The v1 endpoint writes its numbers as strings. A refresh token is answered with another one. */
static void add_head(const struct sim_call *call, const struct form *form, int64_t now, struct graph_buffer *body) {
    unsigned lifetime = call->sim->options.token_lifetime;
    if (call->old_token) {
        graph_buffer_print(body,
                           "{\"token_type\":\"Bearer\",\"expires_in\":\"%u\",\"ext_expires_in\":\"%u\","
                           "\"expires_on\":\"%" PRId64 "\",\"not_before\":\"%" PRId64 "\",\"resource\":",
                           lifetime, lifetime, now + lifetime, now);
        graph_buffer_json(body, form->resource);
    } else {
        graph_buffer_print(body, "{\"token_type\":\"Bearer\",\"expires_in\":%u,\"ext_expires_in\":%u", lifetime, lifetime);
    }
    if (form->refresh_token != NULL) {
        graph_buffer_print(body, ",\"refresh_token\":\"0.%s\"", call->request_id);
    }
    graph_buffer_text(body, ",\"access_token\":\"");
}

static void issue(struct sim_call *call, const struct form *form, const struct sim_rule *rule) {
    struct sim *sim = call->sim;
    struct graph_buffer claims = {0}, body = {0};
    int64_t now = sim_now(sim) / GRAPH_SECOND;
    const char *audience = audience_of(call, form), *tid = call->tenant->id;
    enum sim_fault_kind fault = rule != NULL ? rule->fault->kind : SIM_FAULT_DELAY;
    if (fault == SIM_FAULT_OTHER_TENANT) {
        tid = rule->host != NULL ? rule->host : other_tenant(call);
    }
    graph_buffer_print(&claims,
                       "{\"aud\":\"%s\",\"iss\":\"https://sts.windows.net/%s/\",\"iat\":%" PRId64 ",\"nbf\":%" PRId64
                       ",\"exp\":%" PRId64 ",\"appid\":",
                       audience, tid, now, now, now + sim->options.token_lifetime);
    graph_buffer_json(&claims, form->client_id);
    if (fault != SIM_FAULT_NO_ROLES) {
        add_roles(&claims, audience);
    }
    graph_buffer_print(&claims, ",\"idtyp\":\"app\",\"tid\":\"%s\",\"uti\":\"%s\",\"ver\":\"1.0\"}", tid,
                       call->request_id);
    add_head(call, form, now, &body);
    sim_jwt_sign(sim->key, claims.bytes, &body);
    graph_buffer_text(&body, "\"}");
    sim_call_body(call, 200, "application/json; charset=utf-8", body.bytes);
    sim->tokens++;
    graph_buffer_free(&claims);
    graph_buffer_free(&body);
}

void sim_token_answer(struct sim_call *call) {
    struct form form = {0};
    struct sim *sim = call->sim;
    const struct sim_rule *rule =
        sim_scenario_fault(sim->scenario, SIM_TOKEN, call->tenant, -1, sim_now(sim), &sim->random);
    sim_call_header(call, "Cache-Control", "no-store, no-cache");
    if (rule != NULL && sim_fault_apply(call, rule, SIM_TOKEN)) {
        return;
    }
    read_form(call->content.bytes != NULL ? call->content.bytes : "", &form);
    read_basic(call, &form);
    if (check_form(call, &form)) {
        issue(call, &form, rule);
    }
    free_form(&form);
}
