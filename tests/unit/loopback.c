/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct loopback {
    int listener;
    unsigned port;
    pthread_t thread;
    unsigned requests, moved;           /* atomics */
    bool stopping;                      /* atomic */
    pthread_t threads[CONNECTIONS_MAX]; /* the listening thread's until it ends */
    unsigned thread_count;
};

struct connection {
    struct loopback *server;
    int socket;
};

static void pause_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static bool put(int target, const char *bytes, size_t length) {
    for (ssize_t sent; length; bytes += sent, length -= (size_t)sent)
        if ((sent = send(target, bytes, length, MSG_NOSIGNAL)) <= 0) return false;
    return true;
}

static bool put_text(int target, const char *text) {
    return put(target, text, strlen(text));
}

/* The request with its body. */
static void take_request(int source, char *request, size_t size) {
    size_t length = 0, wanted = 0;
    ssize_t got;
    request[0] = 0;
    while (length + 1 < size && (got = recv(source, request + length, size - 1 - length, 0)) > 0) {
        length += (size_t)got;
        request[length] = 0;
        if (request[0] == 0x16) return; /* the beginning of TLS, which this server does not speak */
        const char *end = strstr(request, "\r\n\r\n"), *body = strcasestr(request, "content-length:");
        if (end) wanted = (size_t)(end - request) + 4 + (body && body < end ? strtoul(body + 15, NULL, 10) : 0);
        if (end && length >= wanted) return;
    }
}

static void put_large(int target) {
    static const char part[4096] = {[0 ... 4095] = 'x'};
    put_text(target, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    for (int i = 0; i < 256 && put(target, part, sizeof part); i++) {
    }
}

static void put_compressed(int target) {
    static const unsigned char bytes[] = {0x1f, 0x8b, 0x8,  0x0,  0x0,  0x0,  0x0,  0x0,  0x2,  0x3,  0xab,
                                          0x56, 0x2a, 0x4b, 0xcc, 0x29, 0x4d, 0x55, 0xb2, 0x8a, 0x56, 0x2a,
                                          0xcd, 0x2b, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0x8a, 0xad, 0x5,
                                          0x0,  0x74, 0x2,  0x46, 0xa7, 0x16, 0x0,  0x0,  0x0};
    put_text(target, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 42\r\n\r\n");
    put(target, (const char *)bytes, sizeof bytes);
}

static void wait_for_end(const struct connection *connection, bool dripping) {
    while (!__atomic_load_n(&connection->server->stopping, __ATOMIC_ACQUIRE)) {
        char byte;
        if (dripping && !put(connection->socket, "x", 1)) return;
        if (recv(connection->socket, &byte, 1, MSG_DONTWAIT) == 0) return; /* the client has gone */
        pause_ms(50);
    }
}

static void reset(int target) {
    const struct linger now = {1, 0};
    setsockopt(target, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void answer(const struct connection *connection, const char *path, const char *request) {
    static const char ok[] =
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:07 GMT\r\nContent-Type: application/json\r\n"
        "request-id: 4711\r\nWarning: 199 - \"a/b/504/9\"\r\nRETRY-AFTER:  17 \r\nContent-Length: 2\r\n\r\n{}";
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789";
    int to = connection->socket;
    char text[200];
    if (!strcmp(path, "/ok")) {
        put_text(to, ok);
    } else if (!strcmp(path, "/echo")) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(request));
        put_text(to, text);
        put_text(to, request);
    } else if (!strcmp(path, "/large")) {
        put_large(to);
    } else if (!strcmp(path, "/gzip")) {
        put_compressed(to);
    } else if (!strcmp(path, "/redirect")) {
        put_text(to, "HTTP/1.1 302 Found\r\nLocation: /moved\r\nContent-Length: 0\r\n\r\n");
    } else if (!strcmp(path, "/hang")) {
        wait_for_end(connection, false);
    } else if (!strcmp(path, "/drip")) {
        put_text(to, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        wait_for_end(connection, true);
    } else if (!strcmp(path, "/reset")) {
        put_text(to, half);
        pause_ms(50); /* a reset overtakes what was not read yet */
        reset(to);
    } else if (!strcmp(path, "/truncated")) {
        put_text(to, half);
    } else if (!strcmp(path, "/garbage")) {
        put_text(to, "220 smtp.example ready\r\n");
    } else if (strcmp(path, "/empty") != 0) {
        snprintf(text, sizeof text, "HTTP/1.1 %s Such\r\nContent-Length: 0\r\n\r\n",
                 !strcmp(path, "/moved") ? "200" : path + 1);
        put_text(to, text);
    }
}

static void *serve(void *context) {
    struct connection *connection = context;
    char request[65536], path[100] = "";
    take_request(connection->socket, request, sizeof request);
    if (sscanf(request, "%*s %99s", path) == 1) {
        __atomic_add_fetch(&connection->server->requests, 1, __ATOMIC_ACQ_REL);
        if (!strcmp(path, "/moved")) __atomic_add_fetch(&connection->server->moved, 1, __ATOMIC_ACQ_REL);
        answer(connection, path, request);
    }
    close(connection->socket);
    free(connection);
    return NULL;
}

static void *listen_on(void *context) {
    struct loopback *server = context;
    for (int client; (client = accept(server->listener, NULL, NULL)) >= 0;) {
        if (__atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE) || server->thread_count == CONNECTIONS_MAX) {
            close(client);
            continue;
        }
        struct connection *connection = malloc(sizeof *connection);
        if (!connection) abort();
        *connection = (struct connection){server, client};
        if (pthread_create(&server->threads[server->thread_count++], NULL, serve, connection) != 0) abort();
    }
    return NULL;
}

struct loopback *loopback_start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct loopback *server = calloc(1, sizeof *server);
    if (!server) abort();
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(server->listener, 64) < 0 || getsockname(server->listener, (struct sockaddr *)&address, &length) < 0 ||
        pthread_create(&server->thread, NULL, listen_on, server) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    return server;
}

void loopback_stop(struct loopback *server) {
    __atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (unsigned i = 0; i < server->thread_count; i++) pthread_join(server->threads[i], NULL);
    free(server);
}

const char *loopback_url(const struct loopback *server, const char *path) {
    static char urls[8][200];
    static unsigned next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%u%s", server->port, path);
    return url;
}

unsigned loopback_port(const struct loopback *server) {
    return server->port;
}

unsigned loopback_requests(const struct loopback *server) {
    return __atomic_load_n(&server->requests, __ATOMIC_ACQUIRE);
}

unsigned loopback_moved(const struct loopback *server) {
    return __atomic_load_n(&server->moved, __ATOMIC_ACQUIRE);
}
