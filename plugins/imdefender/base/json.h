/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as bytes: whether they are JSON, and reading of what is.
 *
 * Alerts are passed on as the very bytes that came, so nothing here builds a tree. For validation while the bytes
 * arrive see json_scanner.h, for a tree inside a message ../tree.h. */
#ifndef IMD_JSON_H
#define IMD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMD_JSON_DEPTH_MAX 128 /* nesting that is accepted */

/* Whether `json` is one complete value after RFC 8259 in UTF-8 (RFC 3629), white space around it allowed. Numbers may
 * have any number of digits, and lone surrogates in escapes (\ud800) are accepted: both are valid and have to arrive
 * unchanged. A byte order mark in front is skipped, as RFC 8259 section 8.1 allows. If not, and `problem` is not NULL,
 * *problem is set to a static text. */
bool imd_json_valid(const char *json, size_t length, const char **problem);

/* --- reading validated bytes: what follows never reads past the length, but makes sense of valid JSON only --- */

struct imd_json_value {
    const char *data; /* first byte of the value, a string's opening quote included */
    size_t length;    /* up to and with its last byte */
};

/* Goes through the members of an object (or the elements of an array, `name` then has length 0) that lies validated in
 * memory. `position` starts at 0. Returns false after the last one, or if `container` is neither.
 * `name` is the member's name without quotes, escapes not resolved. */
bool imd_json_next(struct imd_json_value container, size_t *position, struct imd_json_value *name,
                   struct imd_json_value *value);

/* The same, and does not look for the end of a value that is `known` (`data` NULL: none). */
bool imd_json_next_known(struct imd_json_value container, size_t *position, struct imd_json_value known,
                         struct imd_json_value *name, struct imd_json_value *value);

/* Returns what follows the value that begins at `at`, at most `end`. */
const char *imd_json_behind(const char *at, const char *end);

/* Whether a name from imd_json_next() says `text`, escapes resolved. */
bool imd_json_name_is(struct imd_json_value name, const char *text);

/* Finds a member by name (exact; names with escapes are compared after resolving). The last of several equal names
 * wins. Returns false if absent or `object` is not an object. */
bool imd_json_member(struct imd_json_value object, const char *name, struct imd_json_value *value);

/* Decodes a JSON string into UTF-8 with a 0 byte at the end. Lone surrogates become U+FFFD, \u0000 becomes U+FFFD.
 * Returns the length, or -1 if `value` is not a string or does not fit `size` (out is then ""). */
long imd_json_string(struct imd_json_value value, char *out, size_t size);

/* As imd_json_string() into memory of its own (free() it); NULL if it is not a string or memory is short. */
char *imd_json_string_dup(struct imd_json_value value);

/* Reads an integer, also from a string that holds one ("3599": managed-identity endpoints do that). False, and *number
 * left alone, for anything else, fractions, exponents and what does not fit 64 bits included. */
bool imd_json_integer(struct imd_json_value value, int64_t *number);

bool imd_json_is_null(struct imd_json_value value);

/* Resolves the escapes of what stands between a string's quotes into `out`, which has room for as many bytes as come
 * in (that is always enough); no 0 byte is added. Lone surrogates become U+FFFD. \u0000 becomes a 0 byte if `keep_nul`,
 * else U+FFFD. Returns the length. */
size_t imd_json_unescape(const char *from, const char *end, char *out, bool keep_nul);

#endif
