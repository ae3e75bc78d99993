/* SPDX-License-Identifier: Apache-2.0 */
#include "connections.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OLDER_WAIT_MS 20 /* libcurl waits for the newest pool; older ones with requests are looked at so often */

struct imd_pool {
    CURLM *multi;
    struct imd_pool *older;
    unsigned running;
    bool shared; /* some answer came by HTTP/2 */
};

struct imd_connections {
    struct imd_pool *newest;
    unsigned maximum, count;
    bool renewed;       /* at all */
    int64_t renewed_at; /* ms */
    int wake;           /* not libcurl's own, which would belong to one pool */
};

static struct imd_pool *new_pool(unsigned maximum) {
    struct imd_pool *pool = calloc(1, sizeof *pool);
    if (pool) pool->multi = curl_multi_init();
    if (!pool || !pool->multi) {
        free(pool);
        return NULL;
    }
    curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)maximum);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)maximum);
    return pool;
}

static void free_pool(struct imd_pool *pool) {
    curl_multi_cleanup(pool->multi);
    free(pool);
}

struct imd_connections *imd_connections_new(unsigned maximum) {
    struct imd_connections *connections = calloc(1, sizeof *connections);
    if (!connections) return NULL;
    connections->maximum = maximum;
    connections->count = 1;
    connections->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    connections->newest = new_pool(maximum);
    if (connections->wake >= 0 && connections->newest) return connections;
    if (connections->wake >= 0) close(connections->wake);
    if (connections->newest) free_pool(connections->newest);
    free(connections);
    return NULL;
}

void imd_connections_free(struct imd_connections *connections) {
    for (struct imd_pool *pool = connections->newest, *older; pool; pool = older) {
        older = pool->older;
        free_pool(pool);
    }
    close(connections->wake);
    free(connections);
}

struct imd_pool *imd_connections_add(struct imd_connections *connections, CURL *easy) {
    struct imd_pool *pool = connections->newest;
    if (curl_multi_add_handle(pool->multi, easy) != CURLM_OK) return NULL;
    pool->running++;
    return pool;
}

void imd_connections_remove(struct imd_pool *pool, CURL *easy) {
    curl_multi_remove_handle(pool->multi, easy);
    pool->running--;
}

/* Moves everything. Returns how long to wait for more, at most `timeout_ms`: not at all where a transfer has ended, which is
 * heard of once the caller asks and not from the network. */
static int perform(struct imd_connections *connections, int timeout_ms) {
    for (struct imd_pool *pool = connections->newest; pool; pool = pool->older) {
        int running = 0;
        curl_multi_perform(pool->multi, &running);
        if (running < (int)pool->running) timeout_ms = 0;
        if (pool != connections->newest && pool->running && timeout_ms > OLDER_WAIT_MS) timeout_ms = OLDER_WAIT_MS;
    }
    return timeout_ms;
}

void imd_connections_run(struct imd_connections *connections, int timeout_ms) {
    struct curl_waitfd wake = {.fd = connections->wake, .events = CURL_WAIT_POLLIN};
    uint64_t count;
    curl_multi_poll(connections->newest->multi, &wake, 1, perform(connections, timeout_ms), NULL);
    /* Whatever was waiting is looked at after the wait, so one byte stands for any number of calls. */
    if (read(connections->wake, &count, sizeof count) < 0) count = 0;
    perform(connections, 0);
}

CURL *imd_connections_ended(struct imd_connections *connections, CURLcode *result) {
    int left;
    for (struct imd_pool *pool = connections->newest; pool; pool = pool->older)
        for (CURLMsg *message; (message = curl_multi_info_read(pool->multi, &left));)
            if (message->msg == CURLMSG_DONE) {
                *result = message->data.result;
                return message->easy_handle;
            }
    return NULL;
}

void imd_connections_wake(struct imd_connections *connections) {
    const uint64_t one = 1;
    if (write(connections->wake, &one, sizeof one) < 0) return; /* full: it will wake without this one */
}

void imd_pool_is_shared(struct imd_pool *pool) {
    pool->shared = true;
}

bool imd_connections_renew(struct imd_connections *connections, struct imd_pool *pool, int64_t now_ms) {
    if (pool != connections->newest || !pool->shared || connections->count >= IMD_POOLS_MAX ||
        (connections->renewed && now_ms - connections->renewed_at < IMD_RENEW_AFTER_MS))
        return false;
    struct imd_pool *fresh = new_pool(connections->maximum);
    if (!fresh) return false; /* the old connections have to do */
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, 1L); /* nobody will come for the idle ones */
    fresh->older = pool;
    connections->newest = fresh;
    connections->count++;
    connections->renewed = true;
    connections->renewed_at = now_ms;
    return true;
}

void imd_connections_tidy(struct imd_connections *connections) {
    for (struct imd_pool **link = &connections->newest->older; *link;) {
        struct imd_pool *pool = *link;
        if (pool->running) {
            link = &pool->older;
            continue;
        }
        *link = pool->older;
        free_pool(pool);
        connections->count--;
    }
}

unsigned imd_connections_pools(const struct imd_connections *connections) {
    return connections->count;
}
