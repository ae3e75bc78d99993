/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny HTTP server on the loopback interface, on threads of its own, whose paths misbehave in known ways. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

/*   /ok         200 with every header that is read, body "{}"
 *   /echo       200, the request as it came as body
 *   /large      200, a megabyte of 'x'
 *   /gzip       200, {"value":["unpacked"]} compressed
 *   /redirect   302 to /moved, which counts
 *   /hang       takes the request and says nothing
 *   /drip       200, one byte each 50 ms without end
 *   /reset      200, half of the body, then a reset
 *   /truncated  200, half of the body, then the end
 *   /garbage    no HTTP
 *   /empty      closes without a byte
 *   /STATUS     that status, no body */
struct loopback;

struct loopback *loopback_start(void);
void loopback_stop(struct loopback *server);

/* "http://127.0.0.1:PORT/path" of the next call but seven. */
const char *loopback_url(const struct loopback *server, const char *path);
unsigned loopback_port(const struct loopback *server);

/* Requests that came, and of them those for /moved. */
unsigned loopback_requests(const struct loopback *server);
unsigned loopback_moved(const struct loopback *server);

#endif
