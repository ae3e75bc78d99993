/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where values begin and end inside JSON text, so that objects are served byte for byte as they were written.
 * It checks no more of the grammar than it needs for that. */
#ifndef GRAPH_SLICE_H
#define GRAPH_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct graph_slice {
    const char *bytes; /* NULL: no such value */
    size_t length;
};

/* The value that begins `text` (white space and a byte order mark skipped). */
struct graph_slice graph_slice_value(const char *text, size_t length);
/* The value of member `name` of an object; of two members of one name the last. */
struct graph_slice graph_slice_member(struct graph_slice object, const char *name);
/* Elements of an array one after the other: `position` is 0 at first. False at the end. */
bool graph_slice_next(struct graph_slice array, size_t *position, struct graph_slice *element);
bool graph_slice_is(struct graph_slice value, char first); /* '{', '[', '"' */
/* The text of a JSON string, escapes resolved, 0-terminated, to be freed; NULL if it is no string. */
char *graph_slice_text(struct graph_slice string);
/* The same value without white space outside strings, to be freed; *length receives its length. */
char *graph_slice_compact(struct graph_slice value, size_t *length);

#endif
