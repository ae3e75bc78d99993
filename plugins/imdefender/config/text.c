/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with a reference count in front of their bytes. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct text {
    unsigned references;
    unsigned length;
    char bytes[];
};

static struct text *text_of(char *bytes) {
    return (struct text *)(void *)(bytes - offsetof(struct text, bytes));
}

char *imd_text_new(const char *bytes, size_t length) {
    if (length > (1u << 30)) return NULL;
    struct text *text = malloc(sizeof *text + length + 1);
    if (text == NULL) return NULL;
    text->references = 1;
    text->length = (unsigned)length;
    if (length > 0) memcpy(text->bytes, bytes, length);
    text->bytes[length] = '\0';
    return text->bytes;
}

char *imd_text_share(char *text) {
    if (text != NULL) __atomic_add_fetch(&text_of(text)->references, 1, __ATOMIC_RELAXED);
    return text;
}

void imd_text_release(char *text) {
    if (text == NULL) return;
    struct text *header = text_of(text);
    if (__atomic_sub_fetch(&header->references, 1, __ATOMIC_ACQ_REL) != 0) return;
    explicit_bzero(header->bytes, header->length); /* some of them are secrets */
    free(header);
}
