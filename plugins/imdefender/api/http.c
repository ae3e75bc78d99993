/* SPDX-License-Identifier: Apache-2.0 */
/* The transport on libcurl's multi interface. */
#include "transport.h"

#include <assert.h>
#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/secret_memory.h"
#include "../config/secret.h"
#include "connections.h"
#include "tls.h"

#define HANDLES_KEPT 64u /* idle easy handles kept for reuse */

struct exchange {
    CURL *easy;
    struct curl_slist *headers;
    struct imd_request *request; /* NULL: finished or cancelled */
    struct imd_pool *pool;       /* NULL: in none */
    struct exchange *next;       /* running: list; idle: pool */
    struct exchange **link;      /* what points to this one in the list */
    char curl_error[CURL_ERROR_SIZE];
};

struct http {
    struct imd_transport transport;
    struct imd_connections *connections;
    struct exchange *running;
    struct exchange *failed; /* could not be started; their done() comes with the next poll */
    struct imd_request *starved; /* the same, where there was no memory even for an exchange */
    struct exchange *idle;
    unsigned idle_count;
    char user_agent[96];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static char *copy_text(const char *text) {
    return imd_secret_copy(text, strlen(text));
}

static void *allocate_array(size_t count, size_t size) {
    return size && count > SIZE_MAX / size ? NULL : imd_secret_alloc(count * size);
}

/* libcurl copies what it sends and receives, tokens and secrets included: all its memory is secret memory, unless another
 * module of the process set it up first. */
static void init_curl(void) {
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, imd_secret_alloc, imd_secret_free, imd_secret_resize, copy_text,
                         allocate_array);
}

static int64_t monotonic(struct imd_transport *transport) {
    (void)transport;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static imd_time wall(struct imd_transport *transport) {
    (void)transport;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (imd_time)now.tv_sec * IMD_TICKS_PER_SECOND + now.tv_nsec / 100;
}

static enum imd_failure failure_of(CURLcode code) {
    switch (code) {
        case CURLE_OK:
            return IMD_FAILURE_NONE;
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
#if LIBCURL_VERSION_NUM >= 0x074900
        case CURLE_PROXY:
#endif
            return IMD_FAILURE_CONNECT;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return IMD_FAILURE_TLS;
        case CURLE_OPERATION_TIMEDOUT:
            return IMD_FAILURE_TIMEOUT;
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
            return IMD_FAILURE_SETUP;
        default:
            return IMD_FAILURE_BROKEN;
    }
}

static size_t on_data(char *bytes, size_t one, size_t length, void *context) {
    (void)one;
    struct exchange *exchange = context;
    struct imd_request *request = exchange->request;
    if (request == NULL) return CURL_WRITEFUNC_ERROR;
    if (request->response.status == 0) {
        long status = 0;
        curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        request->response.status = (int)status;
    }
    switch (request->data(request, bytes, length)) {
        case IMD_FLOW_CONTINUE:
            return length;
        case IMD_FLOW_PAUSE:
            request->paused = true;
            return CURL_WRITEFUNC_PAUSE;
        default:
            request->response.failure = IMD_FAILURE_STOPPED;
            return CURL_WRITEFUNC_ERROR;
    }
}

/* A front end that is out of order, not the API. */
static bool is_sick(long status) {
    return status == 502 || status == 503 || status == 504;
}

/* The connection that such an answer came by is closed behind it; one that is shared is renewed (connections.h). Asked at
 * the empty line behind the headers. */
static size_t on_header(char *bytes, size_t one, size_t length, void *context) {
    struct exchange *exchange = context;
    if (*bytes != '\r' && *bytes != '\n') return one * length;
    long status = 0, version = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (is_sick(status) && version < CURL_HTTP_VERSION_2_0) curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
    return one * length;
}

/* Header values are kept as they are; they are printed through functions that neutralise control characters. */
static void copy_header(CURL *easy, const char *name, char *out, size_t size) {
    struct curl_header *header;
    out[0] = 0;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        snprintf(out, size, "%.*s", (int)(size - 1), header->value);
}

static void read_response(struct exchange *exchange, CURLcode code) {
    struct imd_response *response = &exchange->request->response;
    long status = 0;
    curl_off_t bytes = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    response->status = (int)status;
    response->bytes = (uint64_t)bytes;
    long port = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_PORT, &port);
    if (response->failure == IMD_FAILURE_NONE) response->failure = failure_of(code);
    /* Once there is a connection it is the answer that is no HTTP. */
    if (code == CURLE_UNSUPPORTED_PROTOCOL && port > 0) response->failure = IMD_FAILURE_BROKEN;
    if (code != CURLE_OK)
        snprintf(response->failure_text, sizeof response->failure_text, "%.190s",
                 exchange->curl_error[0] ? exchange->curl_error : curl_easy_strerror(code));
    copy_header(exchange->easy, "retry-after", response->retry_after, sizeof response->retry_after);
    copy_header(exchange->easy, "content-type", response->content_type, sizeof response->content_type);
    copy_header(exchange->easy, "request-id", response->request_id, sizeof response->request_id);
    copy_header(exchange->easy, "warning", response->warning, sizeof response->warning);
    copy_header(exchange->easy, "www-authenticate", response->authenticate, sizeof response->authenticate);
    char date[64];
    copy_header(exchange->easy, "date", date, sizeof date);
    if (!imd_time_parse_http(date, strlen(date), &response->date)) response->date = IMD_TIME_NONE;
}

/* Out of libcurl. What it learnt of its connection counts for the requests that come. */
static void leave_pool(struct http *http, struct exchange *exchange) {
    const struct imd_response *response = &exchange->request->response;
    long version = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= CURL_HTTP_VERSION_2_0) imd_pool_is_shared(exchange->pool);
    if (is_sick(response->status) || response->failure == IMD_FAILURE_TIMEOUT || response->failure == IMD_FAILURE_BROKEN)
        imd_connections_renew(http->connections, exchange->pool, monotonic(&http->transport));
    imd_connections_remove(exchange->pool, exchange->easy);
    exchange->pool = NULL;
}

static void link_to(struct exchange **list, struct exchange *exchange) {
    exchange->next = *list;
    exchange->link = list;
    if (*list) (*list)->link = &exchange->next;
    *list = exchange;
}

static void unlink_exchange(struct exchange *exchange) {
    *exchange->link = exchange->next;
    if (exchange->next) exchange->next->link = exchange->link;
}

/* Idle handles are kept because a new one costs more than the whole request it is used for. */
static void recycle(struct http *http, struct exchange *exchange) {
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    exchange->request = NULL;
    if (http->idle_count >= HANDLES_KEPT) {
        curl_easy_cleanup(exchange->easy);
        free(exchange);
        return;
    }
    curl_easy_reset(exchange->easy);
    exchange->next = http->idle;
    http->idle = exchange;
    http->idle_count++;
}

static struct exchange *new_exchange(struct http *http) {
    struct exchange *exchange = http->idle;
    if (exchange) {
        http->idle = exchange->next;
        http->idle_count--;
        return exchange;
    }
    exchange = calloc(1, sizeof *exchange);
    if (!exchange) return NULL;
    exchange->easy = curl_easy_init();
    if (!exchange->easy) {
        free(exchange);
        return NULL;
    }
    return exchange;
}

/* "" keeps libcurl from taking a proxy out of the environment, which nobody would look for in a daemon. */
static CURLcode set_proxy(CURL *easy, const struct imd_request *request) {
    const struct imd_settings *settings = request->settings;
    const char *proxy = settings->proxy && !request->direct ? settings->proxy : "";
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
    if (code || !*proxy || !settings->proxy_credentials_file) return code;
    struct imd_buffer secret;
    if (imd_secret_read(settings->proxy_credentials_file,
                        settings->allow_readable_secrets ? IMD_SECRET_ANY_MODE : IMD_SECRET_PRIVATE, IMD_SECRET_MAX, &secret,
                        NULL) == 0)
        code = curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, secret.data);
    else
        code = CURLE_READ_ERROR;
    imd_buffer_wipe(&secret);
    return code;
}

/* Options that bind the request to its origin: TLS verified, TLS 1.2 or newer, no redirect, http and https only. */
static CURLcode set_security(CURL *easy, const struct imd_request *request) {
    const struct imd_settings *settings = request->settings;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!code) code = imd_tls_set(easy, request->thumbprint);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (!code) code = curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    if (!code && settings->tls_cacert) code = curl_easy_setopt(easy, CURLOPT_CAINFO, settings->tls_cacert);
    if (!code && settings->tls_mycert) code = curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->tls_mycert);
    if (!code && settings->tls_myprivkey) code = curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->tls_myprivkey);
    if (!code) code = set_proxy(easy, request);
    return code;
}

static CURLcode set_request(struct http *http, struct exchange *exchange, struct imd_request *request) {
    CURL *easy = exchange->easy;
    exchange->curl_error[0] = 0;
    for (unsigned i = 0; i < IMD_HEADERS_MAX && request->headers[i]; i++) {
        struct curl_slist *headers = curl_slist_append(exchange->headers, request->headers[i]);
        if (!headers) return CURLE_OUT_OF_MEMORY;
        exchange->headers = headers;
    }
    CURLcode code = set_security(easy, request);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_error);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    /* Rather wait for a connection that may carry many than open another one. Without TLS that would be known only after
     * the first answer, and a request that hangs would hold up all others. */
    if (!code) code = curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncasecmp(request->url, "https:", 6) == 0 ? 1L : 0L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 300L);
    if (!code)
        code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->settings->connect_timeout * 1000L);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    if (!code && request->body) {
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
        if (!code) code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    return code;
}

/* Without memory for an exchange the request itself is the link of a list. Its handle is not NULL, as for any that
 * runs. */
static void starve(struct http *http, struct imd_request *request) {
    request->response.failure = IMD_FAILURE_SETUP;
    snprintf(request->response.failure_text, sizeof request->response.failure_text, "no memory for a request");
    request->handle = request;
    request->next_starved = http->starved;
    http->starved = request;
}

static void cancel_starved(struct http *http, struct imd_request *request) {
    struct imd_request **link = &http->starved;
    while (*link && *link != request) link = &(*link)->next_starved;
    if (*link) *link = request->next_starved;
    request->handle = NULL;
}

static void start(struct imd_transport *transport, struct imd_request *request) {
    struct http *http = (struct http *)transport;
    memset(&request->response, 0, sizeof request->response);
    request->response.date = IMD_TIME_NONE;
    request->paused = false;
    request->deadline = monotonic(transport) + request->settings->request_timeout * 1000;
    struct exchange *exchange = new_exchange(http);
    if (!exchange) {
        starve(http, request);
        return;
    }
    exchange->request = request;
    request->handle = exchange;
    CURLcode code = set_request(http, exchange, request);
    exchange->pool = code == CURLE_OK ? imd_connections_add(http->connections, exchange->easy) : NULL;
    if (exchange->pool) {
        link_to(&http->running, exchange);
        return;
    }
    request->response.failure = IMD_FAILURE_SETUP;
    snprintf(request->response.failure_text, sizeof request->response.failure_text, "%s",
             code == CURLE_READ_ERROR ? "proxyCredentialsFile cannot be read"
             : code                   ? curl_easy_strerror(code)
                                      : "libcurl does not take the request");
    link_to(&http->failed, exchange);
}

static void cancel(struct imd_transport *transport, struct imd_request *request) {
    struct http *http = (struct http *)transport;
    struct exchange *exchange = request->handle;
    if (!exchange) return;
    if (request->handle == request) {
        cancel_starved(http, request);
        return;
    }
    request->handle = NULL;
    exchange->request = NULL;
    if (exchange->pool) imd_connections_remove(exchange->pool, exchange->easy);
    exchange->pool = NULL;
    unlink_exchange(exchange);
    recycle(http, exchange);
}

static void resume(struct imd_transport *transport, struct imd_request *request) {
    struct exchange *exchange = request->handle;
    if (!exchange || !request->paused) return;
    request->paused = false;
    request->deadline = monotonic(transport) + request->settings->request_timeout * 1000;
    curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

static void finish(struct http *http, struct exchange *exchange) {
    struct imd_request *request = exchange->request;
    unlink_exchange(exchange);
    assert(request != NULL); /* only a cancelled one has none, and that is in no list */
    request->handle = NULL;
    recycle(http, exchange);
    request->done(request);
}

static void finish_failed(struct http *http) {
#ifndef __clang_analyzer__ /* it does not see that finish() takes the first one out */
    while (http->failed) finish(http, http->failed);
#endif
    for (struct imd_request *request; (request = http->starved);) {
        cancel_starved(http, request);
        request->done(request);
    }
}

/* A deadline of our own: libcurl's would run on while the output keeps a transfer paused. */
static void finish_overdue(struct http *http, int64_t now) {
    struct exchange *next;
    for (struct exchange *exchange = http->running; exchange; exchange = next) {
        next = exchange->next;
        struct imd_request *request = exchange->request;
        if (request->paused || request->deadline > now) continue;
        read_response(exchange, CURLE_OPERATION_TIMEDOUT);
        snprintf(request->response.failure_text, sizeof request->response.failure_text,
                 "no complete answer within %lld s", (long long)request->settings->request_timeout);
        leave_pool(http, exchange);
        unlink_exchange(exchange);
        link_to(&http->failed, exchange); /* done() may start or cancel others, so not from within this loop */
    }
}

static void poll_once(struct imd_transport *transport, int timeout_ms) {
    struct http *http = (struct http *)transport;
    CURLcode code;
    if (http->failed || http->starved) timeout_ms = 0;
    imd_connections_run(http->connections, timeout_ms);
    for (CURL *easy; (easy = imd_connections_ended(http->connections, &code));) {
        struct exchange *exchange = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
        read_response(exchange, code);
        leave_pool(http, exchange);
        finish(http, exchange);
    }
    finish_overdue(http, monotonic(transport));
    finish_failed(http);
    imd_connections_tidy(http->connections);
}

static void wake(struct imd_transport *transport) {
    imd_connections_wake(((struct http *)transport)->connections);
}

static void free_list(struct exchange *exchange) {
    for (struct exchange *next; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->pool) imd_connections_remove(exchange->pool, exchange->easy);
        curl_slist_free_all(exchange->headers);
        curl_easy_cleanup(exchange->easy);
        free(exchange);
    }
}

static void free_http(struct imd_transport *transport) {
    struct http *http = (struct http *)transport;
    free_list(http->running);
    free_list(http->failed);
    free_list(http->idle);
    imd_connections_free(http->connections);
    free(http);
}

static const struct imd_transport_operations http_operations = {
    start, cancel, resume, poll_once, wake, monotonic, wall, free_http,
};

struct imd_transport *imd_http_new(unsigned max_connections, const char *user_agent, struct imd_error *error) {
    pthread_once(&curl_once, init_curl);
    struct http *http = calloc(1, sizeof *http);
    if (http) http->connections = imd_connections_new(max_connections);
    if (!http || !http->connections) {
        free(http);
        imd_error_set(error, "free memory and restart", "libcurl cannot be set up");
        return NULL;
    }
    http->transport.operations = &http_operations;
    snprintf(http->user_agent, sizeof http->user_agent, "%s", user_agent ? user_agent : "imdefender/" IMD_VERSION);
    return &http->transport;
}

static CURLU *parse_url(const char *text) {
    CURLU *url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) return url;
    curl_url_cleanup(url);
    return NULL;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part) {
    char *text_a = NULL, *text_b = NULL;
    bool same = curl_url_get(a, part, &text_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(b, part, &text_b, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(text_a, text_b) == 0;
    curl_free(text_a);
    curl_free(text_b);
    return same;
}

/* A name or password in a URL would be sent along. */
static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

bool imd_url_same_origin(const char *url, const char *base) {
    CURLU *a = parse_url(url), *b = parse_url(base);
    bool same = a && b && !has_part(a, CURLUPART_USER) && !has_part(a, CURLUPART_PASSWORD) &&
                same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT);
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}
