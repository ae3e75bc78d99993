/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that come again and again in alerts (severities, products, types, the tenant's own id), each kept once.
 *
 * libfastjson takes some 240 bytes for a string of any length, which the thread that makes a message allocates and the
 * one that ends it frees: most of what a tree costs. Its reference count is atomic, and nobody changes a string once it
 * is in a message (rsyslog replaces members, it never writes into one), so messages can share it. Numbers and booleans
 * cannot be shared: libfastjson keeps the text of one inside it, from the first time somebody asks. */
#ifndef IMD_SHARED_TEXT_H
#define IMD_SHARED_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fjson_object;
struct imd_shared_texts;

/* Returns NULL when memory is short. At most about 500 KB are kept. For one thread at a time. */
struct imd_shared_texts *imd_shared_texts_new(void);

/* Messages keep what they have got. NULL is fine. */
void imd_shared_texts_free(struct imd_shared_texts *texts);

/* Returns one reference to a string of libfastjson (fjson_object_put() it), NULL when memory is short. `texts` may be
 * NULL: then the string is a new one. */
struct fjson_object *imd_shared_text(struct imd_shared_texts *texts, const char *text, size_t length);

/* Equal texts have equal hashes, upper and lower case being the same (libfastjson can be told to compare names that
 * way); other texts hardly ever do. Never 0. */
static inline uint32_t imd_text_hash(const char *text, size_t length) {
    const uint64_t lower = UINT64_C(0x2020202020202020), prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = length;
    while (length > 0) {
        size_t piece = length < 8 ? length : 8;
        uint64_t word = 0;
        memcpy(&word, text, piece);
        hash = (hash ^ (word | lower)) * prime;
        hash ^= hash >> 32;
        text += piece;
        length -= piece;
    }
    return (uint32_t)hash ? (uint32_t)hash : 1;
}

#endif
