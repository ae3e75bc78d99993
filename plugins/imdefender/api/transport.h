/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as the engine sees it: requests that run side by side on one thread, with their events as callbacks.
 *
 * http.c implements it with libcurl; tests implement it in-process with a clock of their own. The transport follows no
 * redirect and sends nothing by itself: what is not in the request is not sent. */
#ifndef IMD_TRANSPORT_H
#define IMD_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/error.h"
#include "../base/timestamp.h"
#include "../config/settings.h"

#define IMD_HEADERS_MAX 10

enum imd_failure {
    IMD_FAILURE_NONE,
    IMD_FAILURE_CONNECT,  /* no connection: name, route, refused, proxy */
    IMD_FAILURE_TLS,      /* certificate or handshake */
    IMD_FAILURE_TIMEOUT,
    IMD_FAILURE_BROKEN,   /* connection lost or answer not HTTP, also in the middle of a body */
    IMD_FAILURE_STOPPED,  /* the receiver of the data asked to stop */
    IMD_FAILURE_SETUP     /* the request could not be made: bad URL, file, memory */
};

enum imd_flow { IMD_FLOW_CONTINUE, IMD_FLOW_PAUSE, IMD_FLOW_STOP };

/* What came back. Texts are cut to their sizes; "" if absent. */
struct imd_response {
    int status;                 /* 0 if there was no answer */
    enum imd_failure failure;
    char failure_text[200];     /* for people; no secrets */
    imd_time date;              /* Date header, IMD_TIME_NONE if absent or unreadable */
    char retry_after[64];       /* as sent */
    char content_type[64];
    char request_id[64];
    char warning[128];
    char authenticate[512];     /* WWW-Authenticate */
    uint64_t bytes;             /* of the body as transferred */
};

struct imd_request {
    /* set by the caller, unchanged while the request runs; the texts of `headers` are copied by start() */
    const struct imd_settings *settings;  /* timeouts, proxy, TLS */
    const char *url;
    const char *headers[IMD_HEADERS_MAX]; /* "Name: value", NULL after the last */
    bool direct;                          /* not through the proxy, whatever the settings say */
    const char *thumbprint;               /* the server's certificate has to have this SHA-1 (hexadecimal); NULL: it has to
                                             be trusted */
    const char *body;                     /* NULL: GET; else POST of a form */
    size_t body_length;
    void *context;
    /* A part of the body; called with response.status set. PAUSE: nothing of it was taken, it comes again after
     * resume(). STOP: the request ends with IMD_FAILURE_STOPPED. */
    enum imd_flow (*data)(struct imd_request *request, const char *bytes, size_t length);
    /* The end, once per started request, never from within start(). The request may be reused inside. */
    void (*done)(struct imd_request *request);
    /* set by the transport */
    struct imd_response response;
    void *handle;
    int64_t deadline; /* ms, monotonic; kept from running while paused */
    bool paused;
    struct imd_request *next_starved;
};

struct imd_transport;

struct imd_transport_operations {
    void (*start)(struct imd_transport *transport, struct imd_request *request); /* failures arrive through done() */
    void (*cancel)(struct imd_transport *transport, struct imd_request *request); /* no callback any more */
    void (*resume)(struct imd_transport *transport, struct imd_request *request);
    void (*poll)(struct imd_transport *transport, int timeout_ms); /* waits at most so long, runs callbacks */
    void (*wake)(struct imd_transport *transport);                 /* any thread: ends a wait */
    int64_t (*monotonic)(struct imd_transport *transport);         /* ms */
    imd_time (*wall)(struct imd_transport *transport);
    void (*free)(struct imd_transport *transport);
};

/* Implementations begin with this. */
struct imd_transport {
    const struct imd_transport_operations *operations;
};

/* libcurl. `max_connections` to all hosts together. NULL on error. */
struct imd_transport *imd_http_new(unsigned max_connections, const char *user_agent, struct imd_error *error);

/* Whether `url` has exactly the origin (scheme, host, port after defaults) of `base`; false if either is unreadable. */
bool imd_url_same_origin(const char *url, const char *base);

#endif
