/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a transport, in pools of libcurl's.
 *
 * With HTTP/2 all requests to a host share one connection. Behind a load balancer that connection leads to one front end for
 * as long as it lives: should that one be sick, or the connection be mute, repeating a request over it cannot help, for
 * whichever tenant. So connections are renewed: the newest pool takes what is asked from now on, over connections of its
 * own, and the older one ends with the requests that it still has. */
#ifndef IMD_CONNECTIONS_H
#define IMD_CONNECTIONS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#define IMD_RENEW_AFTER_MS 10000 /* connections are renewed at most so often, however many tenants are in trouble */
#define IMD_POOLS_MAX 4          /* pools at a time, the newest included */

struct imd_connections;
struct imd_pool;

/* `maximum` connections of the newest pool. NULL without memory. */
struct imd_connections *imd_connections_new(unsigned maximum);
void imd_connections_free(struct imd_connections *connections); /* every handle has been removed */

/* Starts a handle in the newest pool: that pool, which remove() wants back; NULL if libcurl does not take it. */
struct imd_pool *imd_connections_add(struct imd_connections *connections, CURL *easy);
void imd_connections_remove(struct imd_pool *pool, CURL *easy);

/* Moves what can be moved; waits at most so long for the network or wake(), and moves that. */
void imd_connections_run(struct imd_connections *connections, int timeout_ms);
/* A handle that has ended and its result, NULL if there is none; it is still to be removed. */
CURL *imd_connections_ended(struct imd_connections *connections, CURLcode *result);
void imd_connections_wake(struct imd_connections *connections); /* any thread: ends a wait */

/* What a handle of this pool learnt: connections of it are shared by requests. */
void imd_pool_is_shared(struct imd_pool *pool);
/* What a handle of this pool learnt: the front end or the connection is sick. Whether connections were renewed: they are
 * not if the pool is an older one already, if nothing shares them (the request that failed closes its own), or too soon. */
bool imd_connections_renew(struct imd_connections *connections, struct imd_pool *pool, int64_t now_ms);
/* Frees older pools without requests; not from within ended(). */
void imd_connections_tidy(struct imd_connections *connections);
unsigned imd_connections_pools(const struct imd_connections *connections);

#endif
