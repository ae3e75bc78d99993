/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP(S) server: libmicrohttpd with a thread per connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "sim_deliver.h"

#define TOKEN_PATH "/oauth2/v2.0/token"
#define OLD_TOKEN_PATH "/oauth2/token"
#define CONTENT_MAX (256U * 1024 * 1024)

/* --- one request --- */

static void make_id(struct sim *sim, char id[40]) {
    uint64_t a = graph_random_next(&sim->random), b = graph_random_next(&sim->random);
    snprintf(id, 40, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xFFFF),
             (unsigned)(a & 0xFFF), (unsigned)(0x8000 | (b >> 48 & 0x3FFF)), b & UINT64_C(0xFFFFFFFFFFFF));
}

/* The request line arrives before anything else: the raw target keeps the query as it was sent. */
static void *new_call(void *context, const char *target, struct MHD_Connection *connection) {
    struct sim_call *call = graph_alloc(sizeof *call);
    call->sim = context;
    call->connection = connection;
    call->source = -1;
    call->target = graph_copy(target, strlen(target));
    size_t length = strcspn(target, "?");
    call->path = graph_url_decode(target, length);
    call->query = target[length] == '?' ? call->target + length + 1 : "";
    return call;
}

static void free_call(struct sim_call *call) {
    for (size_t i = 0; i < call->header_count; i++) {
        free(call->headers[i].value);
    }
    graph_answer_free(&call->answer);
    graph_buffer_free(&call->content);
    free(call->client_request_id);
    free(call->base_url);
    free(call->target);
    free(call->path);
    free(call);
}

static void begin_call(struct sim_call *call, const char *method) {
    const char *host = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Host");
    const char *id = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "client-request-id");
    struct graph_buffer base = {0};
    call->begun = true;
    snprintf(call->method, sizeof call->method, "%s", method);
    graph_buffer_print(&base, "%s://%s", call->sim->certificate != NULL ? "https" : "http",
                       host != NULL ? host : "localhost");
    call->base_url = base.bytes;
    call->client_request_id = id != NULL ? graph_copy(id, strlen(id)) : NULL;
}

static bool from_loopback(const struct sim_call *call) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) {
        return false;
    }
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)info->client_addr;
        return ntohl(address->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)(const void *)info->client_addr;
    return IN6_IS_ADDR_LOOPBACK(&address->sin6_addr);
}

/* The tenant of "/{tenant}/oauth2/v2.0/token" and "/{tenant}/oauth2/token"; false for another path. */
static bool is_token_path(struct sim_call *call) {
    static const char *const tails[] = {TOKEN_PATH, OLD_TOKEN_PATH};
    for (int old = 0; old < 2; old++) {
        size_t length = strlen(call->path), tail = strlen(tails[old]);
        if (length > tail + 1 && strcmp(call->path + length - tail, tails[old]) == 0) {
            snprintf(call->tenant_name, sizeof call->tenant_name, "%.*s", (int)(length - tail - 1), call->path + 1);
            call->tenant = graph_data_find(&call->sim->data, call->tenant_name);
            call->old_token = old == 1;
            return true;
        }
    }
    return false;
}

/* Sources whose real hosts differ share a path here: the token's audience tells them apart. */
static void dispatch_api(struct sim_call *call) {
    int found = -1;
    const char *id = NULL;
    for (int source = 0; source < GRAPH_SOURCES; source++) {
        size_t length = strlen(graph_sources[source].path);
        if (strncmp(call->path, graph_sources[source].path, length) != 0) {
            continue;
        }
        const char *rest = call->path + length;
        bool fits = *rest == '\0' || (rest[0] == '/' && rest[1] != '\0');
        if (fits && (found < 0 || sim_api_has_audience(call, graph_sources[source].audience))) {
            found = source;
            id = *rest == '\0' ? NULL : rest + 1;
        }
    }
    if (found >= 0) {
        sim_api_answer(call, found, id);
        return;
    }
    struct graph_request request = sim_call_request(call);
    graph_answer_error(&call->answer, 404, "ResourceNotFound", "Resource not found for the segment.", &request);
    call->content_type = "application/json";
}

static void dispatch(struct sim_call *call) {
    struct sim *sim = call->sim;
    bool get = strcmp(call->method, "GET") == 0, post = strcmp(call->method, "POST") == 0;
    pthread_mutex_lock(&sim->lock);
    make_id(sim, call->request_id);
    if (strncmp(call->path, "/sim/", 5) == 0 && from_loopback(call)) {
        sim_control_answer(call);
    } else {
        sim->requests++;
        call->delay = sim->options.latency;
        if (is_token_path(call) && post) {
            sim_token_answer(call);
        } else if (get) {
            dispatch_api(call);
        } else {
            sim_call_body(call, 405, "text/plain", "Method Not Allowed");
        }
    }
    pthread_mutex_unlock(&sim->lock);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state) {
    (void)context, (void)connection, (void)url, (void)version;
    struct sim_call *call = *state;
    if (!call->begun) {
        begin_call(call, method);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (call->content.length + *upload_size > CONTENT_MAX) {
            return MHD_NO;
        }
        graph_buffer_add(&call->content, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (call->answered) {
        return MHD_YES;
    }
    call->answered = true;
    dispatch(call);
    return sim_deliver(call);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code) {
    struct sim *sim = context;
    struct sim_call *call = *state;
    (void)connection;
    if (call == NULL) {
        return;
    }
    bool whole = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    pthread_mutex_lock(&sim->lock);
    if (call->answered) {
        int64_t now = sim_now(sim);
        sim_record_request(call, whole);
        if (whole && call->page) {
            struct graph_make how = sim->make;
            graph_data_served(&sim->data, call->answer.shown, call->answer.shown_count, now);
            sim_scenario_late(sim->scenario, call->tenant, call->source, now, &how);
            sim_scenario_page_done(sim->scenario, &sim->data, &call->tenant->feeds[call->source], now, how,
                                   &sim->random);
        }
    }
    pthread_mutex_unlock(&sim->lock);
    free_call(call);
    *state = NULL;
}

/* --- the server --- */

/* "ADDR:PORT" or "[ADDR]:PORT". */
static bool read_address(const char *text, struct sockaddr_storage *address, bool *loopback) {
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    char *end;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
    if (colon == NULL || colon[1] == '\0' || *end != '\0' || port > 65535 || length >= sizeof host) {
        return false;
    }
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? length - 2 : length), brackets ? text + 1 : text);
    memset(address, 0, sizeof *address);
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    if (!brackets && inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *loopback = inet_pton(AF_INET6, host, &six->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return inet_pton(AF_INET6, host, &six->sin6_addr) == 1;
}

int sim_server_start(struct sim *sim, struct MHD_Daemon **daemon, uint16_t *port) {
    struct sockaddr_storage address;
    bool loopback = false, tls = sim->certificate != NULL;
    if (!read_address(sim->options.listen, &address, &loopback)) {
        fprintf(stderr, "defender-sim: --listen wants ADDR:PORT, not %s\n", sim->options.listen);
        return -1;
    }
    if (!tls && !loopback) {
        fprintf(stderr, "defender-sim: plain http only on loopback: give --tls-cert and --tls-key\n");
        return -1;
    }
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                     (tls ? (unsigned)MHD_USE_TLS : 0) | (address.ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
    struct MHD_OptionItem credentials[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, sim->certificate},
                                           {MHD_OPTION_HTTPS_MEM_KEY, 0, sim->certificate_key},
                                           {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem nothing[] = {{MHD_OPTION_END, 0, NULL}};
    *daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, answer, sim, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                         MHD_OPTION_ARRAY, tls ? credentials : nothing, MHD_OPTION_URI_LOG_CALLBACK, new_call, sim,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, sim, MHD_OPTION_THREAD_STACK_SIZE, (size_t)512 * 1024,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)128 * 1024, MHD_OPTION_CONNECTION_LIMIT, 20000U,
                         MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096U, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = *daemon != NULL ? MHD_get_daemon_info(*daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        fprintf(stderr, "defender-sim: cannot listen on %s: %s\n", sim->options.listen, strerror(errno));
        return -1;
    }
    *port = info->port;
    return 0;
}
