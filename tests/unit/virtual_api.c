/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_MS INT64_C(10000)

static struct virtual_api *of(struct imd_transport *transport) {
    return (struct virtual_api *)transport;
}

int64_t virtual_api_time(const struct virtual_api *api) {
    return VIRTUAL_EPOCH + api->now * TICKS_PER_MS;
}

/* --- calls --- */

static void free_call(struct virtual_call *call) {
    free(call->url);
    free(call->authorization);
    free(call->body);
    free(call->bytes);
    free(call);
}

static void unlink_call(struct virtual_api *api, struct virtual_call *call) {
    struct virtual_call **link = &api->calls;
    while (*link != call) link = &(*link)->next;
    *link = call->next;
}

/* Who asks: at the token endpoint the URL says so, elsewhere the token. */
static void identify(struct virtual_api *api, struct virtual_call *call) {
    call->token = strstr(call->url, "/oauth2/") != NULL;
    if (call->token) {
        snprintf(call->tenant, sizeof call->tenant, "%.*s", (int)strcspn(call->url + strlen(VIRTUAL_LOGIN "/"), "/"),
                 call->url + strlen(VIRTUAL_LOGIN "/"));
        return;
    }
    const char *number = call->authorization ? strrchr(call->authorization, '.') : NULL;
    unsigned long token = number ? strtoul(number + 1, NULL, 10) : VIRTUAL_TOKENS_MAX;
    if (token < api->token_count) snprintf(call->tenant, sizeof call->tenant, "%s", api->tokens[token].tenant);
}

static void count_call(struct virtual_api *api, const struct virtual_call *call) {
    unsigned open = 0, tokens = 0;
    for (const struct virtual_call *other = api->calls; other; other = other->next) {
        open++;
        if (other->token && !strcmp(other->tenant, call->tenant)) tokens++;
    }
    api->requests++;
    api->token_requests += call->token;
    if (open > api->most_at_once) api->most_at_once = open;
    if (tokens > api->tokens_at_once_most) api->tokens_at_once_most = tokens;
}

static void start(struct imd_transport *transport, struct imd_request *request) {
    struct virtual_api *api = of(transport);
    api->outside++;
    struct virtual_call *call = calloc(1, sizeof *call), **end = &api->calls;
    if (!call) abort();
    memset(&request->response, 0, sizeof request->response);
    request->response.date = IMD_TIME_NONE;
    request->paused = false;
    request->handle = call;
    call->request = request;
    call->url = strdup(request->url);
    if (!strncmp(request->headers[0], "Authorization", 13)) call->authorization = strdup(request->headers[0]);
    if (request->body) call->body = strndup(request->body, request->body_length);
    identify(api, call);
    if (api->script) api->script(api->context, call, &call->answer);
    call->due = api->now + api->latency + call->answer.delay;
    if (call->answer.hangs) {
        call->due = api->now + request->settings->request_timeout * 1000;
        call->answer.failure = IMD_FAILURE_TIMEOUT;
    }
    while (*end) end = &(*end)->next;
    *end = call;
    count_call(api, call);
    api->outside--;
}

static void cancel(struct imd_transport *transport, struct imd_request *request) {
    struct virtual_call *call = request->handle;
    if (!call) return;
    request->handle = NULL;
    unlink_call(of(transport), call);
    free_call(call);
}

static void resume(struct imd_transport *transport, struct imd_request *request) {
    struct virtual_call *call = request->handle;
    if (!call || !request->paused) return;
    request->paused = false;
    call->due = of(transport)->now;
    of(transport)->resumed++;
}

/* --- answers --- */

static void keep_body(struct virtual_call *call, const char *bytes, size_t length) {
    call->bytes = malloc(length + 1);
    if (!call->bytes) abort();
    if (length) memcpy(call->bytes, bytes, length);
    call->length = length;
}

static size_t base64url(const char *text, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned value = 0, bits = 0;
    size_t n = 0;
    for (; *text; text++) {
        value = value << 8 | (unsigned char)*text;
        for (bits += 8; bits >= 6; bits -= 6) out[n++] = digits[value >> (bits - 6) & 63];
    }
    if (bits) out[n++] = digits[value << (6 - bits) & 63];
    out[n] = 0;
    return n;
}

static void answer_token(struct virtual_api *api, struct virtual_call *call) {
    char payload[200], encoded[400], body[800];
    if (api->token_count == VIRTUAL_TOKENS_MAX) abort();
    snprintf(api->tokens[api->token_count].tenant, sizeof api->tokens[0].tenant, "%s", call->tenant);
    api->tokens[api->token_count].expires = api->now + api->token_lifetime * 1000;
    snprintf(payload, sizeof payload, "{\"tid\":\"%s\"}", api->token_tenant ? api->token_tenant : call->tenant);
    base64url(payload, encoded);
    snprintf(body, sizeof body, "{\"token_type\":\"Bearer\",\"expires_in\":%" PRId64 ",\"access_token\":\"e30.%s.%u\"}",
             api->token_lifetime, encoded, api->token_count++);
    call->request->response.status = 200;
    keep_body(call, body, strlen(body));
}

static bool is_token_good(const struct virtual_api *api, const struct virtual_call *call) {
    const char *number = call->authorization ? strrchr(call->authorization, '.') : NULL;
    unsigned long token = number ? strtoul(number + 1, NULL, 10) : VIRTUAL_TOKENS_MAX;
    return token < api->token_count && !api->tokens[token].revoked && api->tokens[token].expires > api->now;
}

static int source_of(const char *url) {
    return strstr(url, "/security/incidents") ? GRAPH_INCIDENTS : GRAPH_ALERTS;
}

static void answer_list(struct virtual_api *api, struct virtual_call *call) {
    static const char refused[] = "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"expired\"}}";
    const char *query = strchr(call->url, '?');
    struct imd_response *response = &call->request->response;
    struct graph_answer answer = {0};
    if (!is_token_good(api, call)) {
        response->status = 401;
        keep_body(call, refused, strlen(refused));
        return;
    }
    struct graph_request ask = {.source = source_of(call->url),
                                .tenant = graph_data_tenant(&api->data, call->tenant),
                                .query = query ? query + 1 : "",
                                .base_url = VIRTUAL_URL,
                                .now = virtual_api_time(api)};
    graph_query(&api->data, &api->quirks, &ask, &answer);
    response->status = answer.status;
    if (answer.warning) snprintf(response->warning, sizeof response->warning, "%s", answer.warning);
    keep_body(call, answer.body.bytes, answer.body.length);
    graph_answer_free(&answer);
}

static void begin_answer(struct virtual_api *api, struct virtual_call *call) {
    struct imd_response *response = &call->request->response;
    const struct virtual_answer *answer = &call->answer;
    call->begun = true;
    if (answer->failure && !answer->cut) {
        response->failure = answer->failure;
        snprintf(response->failure_text, sizeof response->failure_text, "as the script says");
        return;
    }
    snprintf(response->content_type, sizeof response->content_type, "%s",
             answer->content_type ? answer->content_type : "application/json");
    if (answer->retry_after) snprintf(response->retry_after, sizeof response->retry_after, "%s", answer->retry_after);
    if (!answer->no_date) response->date = virtual_api_time(api) - virtual_api_time(api) % GRAPH_SECOND;
    if (answer->status || answer->body) {
        response->status = answer->status ? answer->status : 200;
        keep_body(call, answer->body ? answer->body : "", answer->body ? strlen(answer->body) : 0);
    } else if (call->token) {
        answer_token(api, call);
    } else {
        answer_list(api, call);
    }
    if (answer->cut && answer->cut < call->length) {
        call->length = answer->cut;
        call->broken = true;
    }
}

/* Hands the body over; true at the end of the answer. */
static bool send_body(struct virtual_api *api, struct virtual_call *call) {
    struct imd_request *request = call->request;
    struct imd_response *response = &request->response;
    while (call->sent < call->length && response->failure == IMD_FAILURE_NONE) {
        size_t part = call->length - call->sent < api->chunk ? call->length - call->sent : api->chunk;
        api->outside--;
        enum imd_flow flow = request->data(request, call->bytes + call->sent, part);
        api->outside++;
        switch (flow) {
            case IMD_FLOW_PAUSE:
                request->paused = true;
                return false;
            case IMD_FLOW_STOP:
                response->failure = IMD_FAILURE_STOPPED;
                break;
            default:
                call->sent += part;
        }
    }
    if (call->broken && response->failure == IMD_FAILURE_NONE)
        response->failure = call->answer.failure ? call->answer.failure : IMD_FAILURE_BROKEN;
    response->bytes = call->sent;
    return true;
}

static struct virtual_call *next_due(const struct virtual_api *api) {
    struct virtual_call *next = NULL;
    for (struct virtual_call *call = api->calls; call; call = call->next)
        if (!call->request->paused && (!next || call->due < next->due)) next = call;
    return next;
}

/* Answers the next call; NULL if none is at its end. */
static struct imd_request *answer_next(struct virtual_api *api, int timeout_ms) {
    struct virtual_call *call = next_due(api);
    if (!call || call->due > api->now + timeout_ms) {
        api->now += timeout_ms;
        return NULL;
    }
    if (call->due > api->now) api->now = call->due;
    if (!call->begun) begin_answer(api, call);
    if (!send_body(api, call)) return NULL;
    struct imd_request *request = call->request;
    request->handle = NULL;
    unlink_call(api, call);
    free_call(call);
    return request;
}

static void poll_once(struct imd_transport *transport, int timeout_ms) {
    struct virtual_api *api = of(transport);
    api->outside++;
    struct imd_request *request = answer_next(api, timeout_ms);
    api->outside--;
    if (request) request->done(request);
}

static void wake(struct imd_transport *transport) {
    (void)transport;
}

static int64_t monotonic(struct imd_transport *transport) {
    return of(transport)->now;
}

static imd_time wall(struct imd_transport *transport) {
    return virtual_api_time(of(transport)) + of(transport)->wall_offset;
}

/* The engine's end; a new engine may follow. */
static void free_transport(struct imd_transport *transport) {
    struct virtual_api *api = of(transport);
    for (struct virtual_call *call; (call = api->calls);) {
        api->calls = call->next;
        free_call(call);
    }
}

static const struct imd_transport_operations operations = {start, cancel,    resume, poll_once,
                                                           wake,  monotonic, wall,   free_transport};

/* --- life, data --- */

void virtual_api_init(struct virtual_api *api) {
    memset(api, 0, sizeof *api);
    api->transport.operations = &operations;
    api->latency = 50;
    api->token_lifetime = 3599;
    api->chunk = 1000;
    graph_data_init(&api->data, NULL, NULL);
}

void virtual_api_free(struct virtual_api *api) {
    free_transport(&api->transport);
    graph_data_free(&api->data);
}

void virtual_api_version(struct virtual_api *api, const char *tenant, const char *id, int64_t created, int64_t stamp,
                         int64_t visible, size_t padding) {
    char created_text[GRAPH_TIME_TEXT], stamp_text[GRAPH_TIME_TEXT];
    size_t size = padding + strlen(id) + 500;
    char *text = malloc(size);
    const char *problem = NULL;
    if (!text) abort();
    int length =
        snprintf(text, size,
                 "{\"id\":\"%s\",\"tenantId\":\"%s\",\"severity\":\"high\",\"serviceSource\":\"microsoft365Defender\","
                 "\"status\":\"new\",\"createdDateTime\":\"%s\",\"lastUpdateDateTime\":\"%s\",\"title\":\"%*s\"}",
                 id, tenant, graph_time_print(created, 7, created_text), graph_time_print(stamp, 7, stamp_text),
                 (int)padding, "t");
    if (!graph_data_add(&api->data, &graph_data_tenant(&api->data, tenant)->feeds[GRAPH_ALERTS], text, (size_t)length,
                        visible, virtual_api_time(api), 0, &problem)) {
        fprintf(stderr, "%s: %s\n", text, problem);
        abort();
    }
    free(text);
}

static int64_t created_of(struct virtual_api *api, const char *tenant, const char *id, int64_t otherwise) {
    struct graph_feed *feed = &graph_data_tenant(&api->data, tenant)->feeds[GRAPH_ALERTS];
    for (size_t i = 0; i < feed->object_count; i++)
        if (!strcmp(feed->objects[i]->id, id) && feed->objects[i]->current) return feed->objects[i]->current->created;
    return otherwise;
}

int64_t virtual_api_alert(struct virtual_api *api, const char *tenant, const char *id, double age) {
    int64_t stamp = virtual_api_time(api) - (int64_t)(age * (double)GRAPH_SECOND);
    virtual_api_version(api, tenant, id, created_of(api, tenant, id, stamp), stamp, virtual_api_time(api), 1);
    return stamp;
}

void virtual_api_revoke_tokens(struct virtual_api *api) {
    for (unsigned i = 0; i < api->token_count; i++) api->tokens[i].revoked = true;
}

unsigned virtual_api_open_calls(const struct virtual_api *api, const char *tenant) {
    unsigned count = 0;
    for (const struct virtual_call *call = api->calls; call; call = call->next) count += !strcmp(call->tenant, tenant);
    return count;
}
