/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text of the test double. An allocation that fails ends the process: a test double has nothing to rescue. */
#ifndef GRAPH_BUFFER_H
#define GRAPH_BUFFER_H

#include <stddef.h>

struct graph_buffer {
    char *bytes; /* 0-terminated once anything was added, else NULL */
    size_t length, size;
};

void graph_buffer_add(struct graph_buffer *buffer, const char *bytes, size_t length);
void graph_buffer_text(struct graph_buffer *buffer, const char *text);
void graph_buffer_print(struct graph_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `text` as a JSON string, quotes included; NULL becomes null. */
void graph_buffer_json(struct graph_buffer *buffer, const char *text);
/* `text` percent-encoded for a query. */
void graph_buffer_encoded(struct graph_buffer *buffer, const char *text);
void graph_buffer_free(struct graph_buffer *buffer);

/* Allocations that end the process instead of failing. */
void *graph_alloc(size_t size); /* zeroed */
void *graph_grow(void *old, size_t size);
char *graph_copy(const char *text, size_t length); /* a 0-terminated copy */

#endif
