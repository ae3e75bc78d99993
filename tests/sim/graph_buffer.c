/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text of the test double. */
#include "graph_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *graph_alloc(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void *graph_grow(void *old, size_t size) {
    void *memory = realloc(old, size > 0 ? size : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

char *graph_copy(const char *text, size_t length) {
    char *copy = graph_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

void graph_buffer_add(struct graph_buffer *buffer, const char *bytes, size_t length) {
    if (buffer->size - buffer->length < length + 1) {
        size_t size = buffer->size > 0 ? buffer->size : 256;
        while (size - buffer->length < length + 1) {
            size *= 2;
        }
        buffer->bytes = graph_grow(buffer->bytes, size);
        buffer->size = size;
    }
    if (length > 0) {
        memcpy(buffer->bytes + buffer->length, bytes, length);
    }
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
}

void graph_buffer_text(struct graph_buffer *buffer, const char *text) {
    graph_buffer_add(buffer, text, strlen(text));
}

void graph_buffer_print(struct graph_buffer *buffer, const char *format, ...) {
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort();
    }
    graph_buffer_add(buffer, text, (size_t)length);
    free(text);
}

void graph_buffer_json(struct graph_buffer *buffer, const char *text) {
    if (text == NULL) {
        graph_buffer_text(buffer, "null");
        return;
    }
    graph_buffer_text(buffer, "\"");
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            graph_buffer_print(buffer, "\\%c", *at);
        } else if (*at < 0x20) {
            graph_buffer_print(buffer, "\\u%04x", *at);
        } else {
            graph_buffer_add(buffer, (const char *)at, 1);
        }
    }
    graph_buffer_text(buffer, "\"");
}

void graph_buffer_encoded(struct graph_buffer *buffer, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$:,";
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(plain, *at) != NULL) {
            graph_buffer_add(buffer, at, 1);
        } else {
            graph_buffer_print(buffer, "%%%02X", (unsigned char)*at);
        }
    }
}

void graph_buffer_free(struct graph_buffer *buffer) {
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}
