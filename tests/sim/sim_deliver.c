/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a finished answer to libmicrohttpd. Each connection has its own thread, so waiting here delays no other. */
#include "sim_deliver.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#include "graph_time.h"

struct stream {
    struct sim *sim;
    char *bytes;
    size_t length;
    size_t limit; /* sent before the connection breaks */
    enum sim_delivery delivery;
    unsigned rate;
    int socket;
};

static bool accepts_gzip(const struct sim_call *call) {
    const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Accept-Encoding");
    return header != NULL && strstr(header, "gzip") != NULL;
}

/* False and the body as it was if it cannot be compressed. */
static bool compress_body(struct graph_buffer *body) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    size_t size = deflateBound(&stream, body->length);
    char *out = graph_alloc(size);
    stream.next_in = (Bytef *)body->bytes;
    stream.avail_in = (uInt)body->length;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)size;
    bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t length = stream.total_out;
    deflateEnd(&stream);
    if (!done) {
        free(out);
        return false;
    }
    graph_buffer_free(body);
    *body = (struct graph_buffer){out, length, size};
    return true;
}

/* Waits until the client or the simulator goes. */
static void wait_for_end(struct sim *sim, int socket) {
    struct pollfd client = {.fd = socket, .events = POLLRDHUP};
    while (sim_pause(sim, 100)) {
        if (poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
            return;
        }
    }
}

/* Ends a TCP connection with RST: the address family "none" disconnects at once. */
static void reset(int socket) {
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    (void)connect(socket, &nowhere, sizeof nowhere);
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max) {
    struct stream *stream = context;
    if (position >= stream->limit && stream->limit < stream->length) {
        if (stream->delivery == SIM_DELIVER_RESET) {
            sim_pause(stream->sim, 50); /* lets what was sent arrive first */
            reset(stream->socket);
        }
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t rest = stream->limit - (size_t)position;
    size_t part = rest < max ? rest : max;
    if (stream->delivery == SIM_DELIVER_SLOWLY) {
        size_t step = stream->rate > 10 ? stream->rate / 10 : 1;
        part = part < step ? part : step;
        if (!sim_pause(stream->sim, stream->rate > 10 ? 100 : 1000 / stream->rate)) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    memcpy(out, stream->bytes + position, part);
    return (ssize_t)part;
}

static void free_stream(void *context) {
    struct stream *stream = context;
    free(stream->bytes);
    free(stream);
}

static struct MHD_Response *make_response(struct sim_call *call, int socket) {
    struct graph_buffer *body = &call->answer.body;
    char *bytes = body->bytes != NULL ? body->bytes : graph_copy("", 0);
    size_t length = body->length;
    memset(body, 0, sizeof *body);
    call->sent_bytes = length;
    if (call->delivery == SIM_DELIVER) {
        return MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
    }
    struct stream *stream = graph_alloc(sizeof *stream);
    size_t cut = call->cut_after > 0 && call->cut_after < length ? call->cut_after : length / 2;
    bool cuts = call->delivery == SIM_DELIVER_TRUNCATED || call->delivery == SIM_DELIVER_RESET;
    *stream = (struct stream){call->sim, bytes, length, cuts ? cut : length, call->delivery, call->slow_rate, socket};
    call->sent_bytes = stream->limit;
    return MHD_create_response_from_callback(length, 16384, read_stream, stream, free_stream);
}

static void add_headers(struct sim_call *call, struct MHD_Response *response) {
    char date[GRAPH_TIME_TEXT];
    MHD_add_response_header(response, "Date", graph_time_print_http(sim_now(call->sim), date));
    if (call->content_type != NULL) {
        MHD_add_response_header(response, "Content-Type", call->content_type);
    }
    MHD_add_response_header(response, "request-id", call->request_id);
    if (call->client_request_id != NULL) {
        MHD_add_response_header(response, "client-request-id", call->client_request_id);
    }
    for (size_t i = 0; i < call->header_count; i++) {
        MHD_add_response_header(response, call->headers[i].name, call->headers[i].value);
    }
}

enum MHD_Result sim_deliver(struct sim_call *call) {
    struct sim *sim = call->sim;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int socket = info != NULL ? info->connect_fd : -1;
    if (call->delivery == SIM_DELIVER_NEVER) {
        wait_for_end(sim, socket);
        return MHD_NO;
    }
    if (call->delay > 0 && !sim_pause(sim, call->delay)) {
        return MHD_NO;
    }
    bool compressed = !sim->options.no_gzip && call->answer.body.length > 256 && accepts_gzip(call) &&
                      compress_body(&call->answer.body);
    struct MHD_Response *response = make_response(call, socket);
    if (response == NULL) {
        return MHD_NO;
    }
    add_headers(call, response);
    if (compressed) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    enum MHD_Result result = MHD_queue_response(call->connection, (unsigned)call->answer.status, response);
    MHD_destroy_response(response);
    return result;
}
