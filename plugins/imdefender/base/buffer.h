/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer that knows its maximum from the start, as everything that comes from the network must. */
#ifndef IMD_BUFFER_H
#define IMD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct imd_buffer {
    char *data;      /* always terminated by a 0 byte that `length` does not count; NULL while empty and never used */
    size_t length;
    size_t capacity;
    size_t maximum;  /* of `length` */
    bool secret;     /* its bytes lie in secret memory (secret_memory.h), and are overwritten when they move or go */
};

/* `maximum` in bytes. Allocates nothing. */
void imd_buffer_init(struct imd_buffer *buffer, size_t maximum);

/* The same for what must not be seen by anybody: imd_secret_free() what imd_buffer_take() returns. */
void imd_buffer_init_secret(struct imd_buffer *buffer, size_t maximum);

/* Each returns false, and leaves the contents as they were, when the maximum would be passed or memory is short. */
bool imd_buffer_add(struct imd_buffer *buffer, const void *bytes, size_t length);
bool imd_buffer_add_text(struct imd_buffer *buffer, const char *text);
bool imd_buffer_add_char(struct imd_buffer *buffer, char c);
bool imd_buffer_print(struct imd_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `length` more bytes, so that adding them moves nothing: what is secret leaves no copy behind when the
 * buffer grows. */
bool imd_buffer_reserve(struct imd_buffer *buffer, size_t length);

/* Adds `text` percent-encoded after RFC 3986 (everything but unreserved characters is encoded). */
bool imd_buffer_add_percent(struct imd_buffer *buffer, const char *text);

/* Adds `text` of `length` bytes as a JSON string with its quotes (RFC 8259; bytes >= 0x80 unchanged). */
bool imd_buffer_add_json(struct imd_buffer *buffer, const char *text, size_t length);

void imd_buffer_clear(struct imd_buffer *buffer);   /* length 0, memory kept */
void imd_buffer_free(struct imd_buffer *buffer);    /* memory given back, usable again */
void imd_buffer_wipe(struct imd_buffer *buffer);    /* as free, after overwriting every byte of the capacity */

/* Hands the bytes over to the caller (free() them, or imd_secret_free() those of a secret buffer) and leaves the buffer empty;
 * "" rather than NULL when empty. */
char *imd_buffer_take(struct imd_buffer *buffer);

#endif
