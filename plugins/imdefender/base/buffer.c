/* SPDX-License-Identifier: Apache-2.0 */
/* The growing byte buffer. */
#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "secret_memory.h"

#define FIRST_CAPACITY 64

void imd_buffer_init(struct imd_buffer *buffer, size_t maximum) {
    *buffer = (struct imd_buffer){.maximum = maximum};
}

void imd_buffer_init_secret(struct imd_buffer *buffer, size_t maximum) {
    *buffer = (struct imd_buffer){.maximum = maximum, .secret = true};
}

bool imd_buffer_reserve(struct imd_buffer *buffer, size_t length) {
    /* SIZE_MAX as maximum would leave no room for the 0 byte. */
    size_t maximum = buffer->maximum < SIZE_MAX ? buffer->maximum : SIZE_MAX - 1;

    if (buffer->length > maximum || length > maximum - buffer->length) return false;
    size_t need = buffer->length + length + 1;
    if (need <= buffer->capacity) return true;
    size_t capacity = buffer->capacity > SIZE_MAX / 2 ? need : buffer->capacity * 2;
    if (capacity < FIRST_CAPACITY) capacity = FIRST_CAPACITY;
    if (capacity > maximum + 1) capacity = maximum + 1;
    if (capacity < need) capacity = need;
    char *data = buffer->secret ? imd_secret_resize(buffer->data, capacity) : realloc(buffer->data, capacity);
    if (data == NULL) return false;
    if (buffer->data == NULL) data[0] = '\0';
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool imd_buffer_add(struct imd_buffer *buffer, const void *bytes, size_t length) {
    if (!imd_buffer_reserve(buffer, length)) return false;
    if (length > 0) memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return true;
}

bool imd_buffer_add_text(struct imd_buffer *buffer, const char *text) {
    return imd_buffer_add(buffer, text, strlen(text));
}

bool imd_buffer_add_char(struct imd_buffer *buffer, char c) {
    return imd_buffer_add(buffer, &c, 1);
}

bool imd_buffer_print(struct imd_buffer *buffer, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !imd_buffer_reserve(buffer, (size_t)length)) return false;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return true;
}

static bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool imd_buffer_add_percent(struct imd_buffer *buffer, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    size_t need = 0;

    /* Counted first: nothing is added if not all fits, and a secret is not left behind by a move. */
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) need += is_unreserved(*p) ? 1 : 3;
    if (!imd_buffer_reserve(buffer, need)) return false;
    char *out = buffer->data + buffer->length;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (is_unreserved(*p)) {
            *out++ = (char)*p;
        } else {
            *out++ = '%';
            *out++ = digits[*p >> 4];
            *out++ = digits[*p & 15];
        }
    }
    *out = '\0';
    buffer->length += need;
    return true;
}

/* The letter behind the backslash of a two-character escape, 0 if the character has none. */
static char short_escape(unsigned char c) {
    switch (c) {
        case '"':
        case '\\':
            return (char)c;
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        default:
            return 0;
    }
}

bool imd_buffer_add_json(struct imd_buffer *buffer, const char *text, size_t length) {
    static const char digits[] = "0123456789abcdef";
    size_t need = 2;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t width = short_escape(c) != 0 ? 2 : c < 0x20 ? 6 : 1;
        if (need > SIZE_MAX - width) return false;
        need += width;
    }
    if (!imd_buffer_reserve(buffer, need)) return false;
    char *out = buffer->data + buffer->length;
    *out++ = '"';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (short_escape(c) != 0) {
            *out++ = '\\';
            *out++ = short_escape(c);
        } else if (c < 0x20) {
            memcpy(out, "\\u00", 4);
            out[4] = digits[c >> 4];
            out[5] = digits[c & 15];
            out += 6;
        } else {
            *out++ = (char)c;
        }
    }
    *out++ = '"';
    *out = '\0';
    buffer->length += need;
    return true;
}

void imd_buffer_clear(struct imd_buffer *buffer) {
    buffer->length = 0;
    if (buffer->data != NULL) buffer->data[0] = '\0';
}

static void forget(struct imd_buffer *buffer) {
    *buffer = (struct imd_buffer){.maximum = buffer->maximum, .secret = buffer->secret};
}

void imd_buffer_free(struct imd_buffer *buffer) {
    if (buffer->secret) {
        imd_secret_free(buffer->data);
    } else {
        free(buffer->data);
    }
    forget(buffer);
}

void imd_buffer_wipe(struct imd_buffer *buffer) {
    if (buffer->data != NULL && !buffer->secret) explicit_bzero(buffer->data, buffer->capacity);
    imd_buffer_free(buffer);
}

char *imd_buffer_take(struct imd_buffer *buffer) {
    char *data = buffer->data;
    if (data == NULL) data = buffer->secret ? imd_secret_alloc(1) : calloc(1, 1);
    forget(buffer);
    return data;
}
