/* SPDX-License-Identifier: Apache-2.0 */
/* One place for each hash, held by the last text that came. Texts that never come again (ids, times) are kept for a
 * while too: an alert shows some of them twice, and they are then freed by the thread that made them, which spares
 * malloc() the way between two threads. */
#include "shared_text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include <libfastjson/json.h>

#define PLACES 1024u /* a power of 2 */
#define LENGTH_MAX 256u

struct place {
    uint32_t hash;
    uint32_t length;
    const char *data; /* of `text` */
    struct fjson_object *text;
};

struct imd_shared_texts {
    struct place places[PLACES];
};

struct imd_shared_texts *imd_shared_texts_new(void) {
    return calloc(1, sizeof(struct imd_shared_texts));
}

void imd_shared_texts_free(struct imd_shared_texts *texts) {
    for (size_t i = 0; texts && i < PLACES; i++) fjson_object_put(texts->places[i].text);
    free(texts);
}

static struct fjson_object *new_text(const char *text, size_t length) {
    return length < INT_MAX ? fjson_object_new_string_len(text, (int)length) : NULL;
}

static bool holds(const struct place *place, const char *text, size_t length, uint32_t hash) {
    return place->text && place->hash == hash && place->length == length && memcmp(place->data, text, length) == 0;
}

struct fjson_object *imd_shared_text(struct imd_shared_texts *texts, const char *text, size_t length) {
    if (!texts || length > LENGTH_MAX) return new_text(text, length);
    uint32_t hash = imd_text_hash(text, length);
    struct place *place = &texts->places[hash & (PLACES - 1)];
    if (!holds(place, text, length, hash)) {
        struct fjson_object *made = new_text(text, length);
        if (!made) return NULL;
        fjson_object_put(place->text);
        *place = (struct place){
            .hash = hash, .length = (uint32_t)length, .data = fjson_object_get_string(made), .text = made};
    }
    return fjson_object_get(place->text);
}
