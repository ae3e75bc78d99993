/* SPDX-License-Identifier: Apache-2.0 */
/* What defender-sim writes down: the truth, the objects, the requests. Each line is flushed by itself. */
#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "graph_slice.h"
#include "graph_time.h"
#include "sim.h"

/* Of the client's end: what has the same one came over the same connection. */
static unsigned port_of(const struct sim_call *call) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) {
        return 0;
    }
    return ntohs(info->client_addr->sa_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)info->client_addr)->sin_port);
}

static void write_line(FILE *file, struct graph_buffer *line) {
    graph_buffer_text(line, "\n");
    fwrite(line->bytes, 1, line->length, file);
    fflush(file);
    graph_buffer_free(line);
}

static void add_digest(struct graph_buffer *out, const char *bytes, size_t length) {
    unsigned char digest[32];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, length, digest) < 0) {
        abort();
    }
    graph_buffer_print(out, ",\"length\":%zu,\"sha256\":\"", length);
    for (size_t i = 0; i < sizeof digest; i++) {
        graph_buffer_print(out, "%02x", digest[i]);
    }
    graph_buffer_text(out, "\"");
}

void sim_truth_line(struct graph_buffer *out, const struct graph_version *version, bool with_service) {
    char stamp[GRAPH_TIME_TEXT];
    const struct graph_feed *feed = version->object->feed;
    graph_buffer_print(out, "{\"tenantId\":\"%s\",\"source\":\"%s\",\"id\":", feed->tenant->id,
                       graph_sources[feed->source].name);
    graph_buffer_json(out, version->object->id);
    graph_buffer_text(out, ",\"lastUpdateDateTime\":");
    graph_buffer_json(out, version->changed_text);
    graph_buffer_print(out, ",\"visibleAt\":\"%s\"", graph_time_print(version->visible_at, 7, stamp));
    if (with_service) {
        bool replaced = version->replaced_at != GRAPH_NEVER;
        graph_buffer_text(out, ",\"replacedAt\":");
        graph_buffer_json(out, replaced ? graph_time_print(version->replaced_at, 7, stamp) : NULL);
        graph_buffer_print(out, ",\"served\":%u", version->served);
    }
}

void sim_record_version(void *context, const struct graph_version *version) {
    struct sim *sim = context;
    size_t length;
    if (sim->truth == NULL && sim->objects == NULL) {
        return;
    }
    struct graph_slice whole = {version->bytes, version->length};
    char *compact = graph_slice_compact(whole, &length);
    if (sim->truth != NULL) {
        struct graph_buffer line = {0};
        sim_truth_line(&line, version, false);
        add_digest(&line, compact, length);
        graph_buffer_text(&line, "}");
        write_line(sim->truth, &line);
    }
    if (sim->objects != NULL) {
        struct graph_buffer line = {0};
        graph_buffer_add(&line, compact, length);
        write_line(sim->objects, &line);
    }
    free(compact);
}

void sim_record_request(struct sim_call *call, bool complete) {
    char stamp[GRAPH_TIME_TEXT];
    struct graph_buffer line = {0};
    if (call->sim->request_log == NULL || strncmp(call->path, "/sim/", 5) == 0) {
        return;
    }
    graph_buffer_print(&line, "{\"time\":\"%s\",\"method\":", graph_time_print(sim_now(call->sim), 7, stamp));
    graph_buffer_json(&line, call->method);
    graph_buffer_text(&line, ",\"path\":");
    graph_buffer_json(&line, call->path);
    graph_buffer_text(&line, ",\"query\":");
    char *query = graph_url_decode(call->query, strlen(call->query));
    graph_buffer_json(&line, query);
    free(query);
    graph_buffer_text(&line, ",\"tenant\":");
    graph_buffer_json(&line, call->tenant != NULL         ? call->tenant->id
                             : *call->tenant_name != '\0' ? call->tenant_name
                                                          : NULL);
    graph_buffer_text(&line, ",\"source\":");
    graph_buffer_json(&line, call->source >= 0 ? graph_sources[call->source].name : NULL);
    graph_buffer_print(&line,
                       ",\"status\":%d,\"bytes\":%zu,\"objects\":%zu,\"complete\":%s,\"fault\":", call->answer.status,
                       call->sent_bytes, call->answer.shown_count, complete ? "true" : "false");
    graph_buffer_json(&line, call->fault);
    graph_buffer_text(&line, ",\"request-id\":");
    graph_buffer_json(&line, call->request_id);
    graph_buffer_text(&line, ",\"client-request-id\":");
    graph_buffer_json(&line, call->client_request_id);
    graph_buffer_print(&line, ",\"port\":%u}", port_of(call));
    write_line(call->sim->request_log, &line);
}
