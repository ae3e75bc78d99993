/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where values begin and end inside JSON text. */
#include "graph_slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_buffer.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *text, size_t length, size_t at) {
    while (at < length && is_space(text[at])) {
        at++;
    }
    return at;
}

/* Position behind the string that begins at `at`; 0 if it does not end. */
static size_t end_of_string(const char *text, size_t length, size_t at) {
    for (at++; at < length; at++) {
        if (text[at] == '\\') {
            at++;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return 0;
}

static size_t end_of_nested(const char *text, size_t length, size_t at) {
    size_t depth = 0;
    while (at < length) {
        if (text[at] == '"') {
            at = end_of_string(text, length, at);
            if (at == 0) {
                return 0;
            }
            continue;
        }
        if (text[at] == '{' || text[at] == '[') {
            depth++;
        } else if ((text[at] == '}' || text[at] == ']') && --depth == 0) {
            return at + 1;
        }
        at++;
    }
    return 0;
}

/* Position behind the value that begins at `at`; 0 if there is none. */
static size_t end_of_value(const char *text, size_t length, size_t at) {
    if (at >= length) {
        return 0;
    }
    if (text[at] == '"') {
        return end_of_string(text, length, at);
    }
    if (text[at] == '{' || text[at] == '[') {
        return end_of_nested(text, length, at);
    }
    size_t first = at;
    while (at < length && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", text[at]) != NULL) {
        at++;
    }
    return at > first ? at : 0;
}

struct graph_slice graph_slice_value(const char *text, size_t length) {
    struct graph_slice value = {NULL, 0};
    size_t at = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    at = skip_space(text, length, at);
    size_t end = end_of_value(text, length, at);
    if (end > 0) {
        value.bytes = text + at;
        value.length = end - at;
    }
    return value;
}

bool graph_slice_is(struct graph_slice value, char first) {
    return value.bytes != NULL && value.bytes[0] == first;
}

bool graph_slice_next(struct graph_slice array, size_t *position, struct graph_slice *element) {
    size_t at = *position == 0 ? 1 : *position;
    at = skip_space(array.bytes, array.length, at);
    if (*position > 0 && at < array.length && array.bytes[at] == ',') {
        at = skip_space(array.bytes, array.length, at + 1);
    }
    size_t end = end_of_value(array.bytes, array.length, at);
    if (end == 0) {
        return false;
    }
    element->bytes = array.bytes + at;
    element->length = end - at;
    *position = end;
    return true;
}

static bool name_is(struct graph_slice name, const char *wanted) {
    size_t length = strlen(wanted);
    if (name.length == length + 2 && memcmp(name.bytes + 1, wanted, length) == 0) {
        return true;
    }
    if (memchr(name.bytes, '\\', name.length) == NULL) {
        return false;
    }
    char *text = graph_slice_text(name);
    bool same = text != NULL && strcmp(text, wanted) == 0;
    free(text);
    return same;
}

struct graph_slice graph_slice_member(struct graph_slice object, const char *name) {
    struct graph_slice found = {NULL, 0};
    if (!graph_slice_is(object, '{')) {
        return found;
    }
    size_t at = skip_space(object.bytes, object.length, 1);
    while (at < object.length && object.bytes[at] == '"') {
        size_t end = end_of_string(object.bytes, object.length, at);
        struct graph_slice key = {object.bytes + at, end - at};
        at = end == 0 ? object.length : skip_space(object.bytes, object.length, end);
        if (at >= object.length || object.bytes[at] != ':') {
            break;
        }
        at = skip_space(object.bytes, object.length, at + 1);
        end = end_of_value(object.bytes, object.length, at);
        if (end == 0) {
            break;
        }
        if (name_is(key, name)) {
            found.bytes = object.bytes + at;
            found.length = end - at;
        }
        at = skip_space(object.bytes, object.length, end);
        if (at < object.length && object.bytes[at] == ',') {
            at = skip_space(object.bytes, object.length, at + 1);
        }
    }
    return found;
}

static unsigned read_hex(const char *text) {
    char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
    return (unsigned)strtoul(digits, NULL, 16);
}

static void add_utf8(struct graph_buffer *out, unsigned code) {
    unsigned char bytes[4];
    size_t length;
    if (code < 0x80) {
        bytes[0] = (unsigned char)code;
        length = 1;
    } else if (code < 0x800) {
        bytes[0] = (unsigned char)(0xC0 | code >> 6);
        bytes[1] = (unsigned char)(0x80 | (code & 0x3F));
        length = 2;
    } else if (code < 0x10000) {
        bytes[0] = (unsigned char)(0xE0 | code >> 12);
        bytes[1] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (unsigned char)(0x80 | (code & 0x3F));
        length = 3;
    } else {
        bytes[0] = (unsigned char)(0xF0 | code >> 18);
        bytes[1] = (unsigned char)(0x80 | (code >> 12 & 0x3F));
        bytes[2] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        bytes[3] = (unsigned char)(0x80 | (code & 0x3F));
        length = 4;
    }
    graph_buffer_add(out, (const char *)bytes, length);
}

/* Reads the escape behind a backslash at `at`; returns the position behind it. */
static size_t add_escape(struct graph_buffer *out, struct graph_slice string, size_t at) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *simple = strchr(from, string.bytes[at]);
    if (simple != NULL && *simple != '\0') {
        graph_buffer_add(out, to + (simple - from), 1);
        return at + 1;
    }
    if (string.bytes[at] != 'u' || at + 5 >= string.length) {
        return at + 1;
    }
    unsigned code = read_hex(string.bytes + at + 1);
    at += 5;
    if (code >= 0xD800 && code < 0xDC00 && at + 6 < string.length && string.bytes[at] == '\\' &&
        string.bytes[at + 1] == 'u') {
        code = 0x10000 + ((code - 0xD800) << 10) + (read_hex(string.bytes + at + 2) - 0xDC00);
        at += 6;
    }
    add_utf8(out, code);
    return at;
}

char *graph_slice_text(struct graph_slice string) {
    if (!graph_slice_is(string, '"')) {
        return NULL;
    }
    struct graph_buffer out = {0};
    graph_buffer_text(&out, "");
    for (size_t at = 1; at + 1 < string.length;) {
        if (string.bytes[at] == '\\') {
            at = add_escape(&out, string, at + 1);
        } else {
            graph_buffer_add(&out, string.bytes + at, 1);
            at++;
        }
    }
    return out.bytes;
}

char *graph_slice_compact(struct graph_slice value, size_t *length) {
    char *out = graph_alloc(value.length + 1);
    size_t used = 0;
    for (size_t at = 0; at < value.length;) {
        if (value.bytes[at] == '"') {
            size_t end = end_of_string(value.bytes, value.length, at);
            end = end == 0 ? value.length : end;
            memcpy(out + used, value.bytes + at, end - at);
            used += end - at;
            at = end;
        } else {
            if (!is_space(value.bytes[at])) {
                out[used++] = value.bytes[at];
            }
            at++;
        }
    }
    *length = used;
    return out;
}
