/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of an object inside an rsyslog message: libfastjson objects built straight from validated bytes.
 *
 * libfastjson's own tokener does the same several times slower, refuses nesting beyond 32 and changes the process's
 * locale on the way; what comes out is otherwise equal. */
#ifndef IMD_TREE_H
#define IMD_TREE_H

#include <stddef.h>
#include "base/json.h"
#include "config/settings.h"

struct fjson_object;
struct imd_shared_texts;

/* Builds the tree of `json`, which imd_json_valid() accepts or a page reader handed on. What is in it by `mode`:
 *   IMD_PARSE_JSON_ON       everything
 *   IMD_PARSE_JSON_SUMMARY  of an object its members that are scalars (null included) or arrays of strings (empty ones
 *                           included); other values as with ON
 *   IMD_PARSE_JSON_OFF      an object without members
 * As in the tokener: of several members with one name the last value counts, at the place of the first; integers beyond
 * 64 bits are clamped; other numbers keep their text; lone surrogates become U+FFFD; a name ends at its first \u0000.
 * `largest` may say where a member of it lies that is an object or array, which the summary then passes over at once
 * (`data` NULL: not known). Strings come from `texts`, which may be NULL. Returns one reference (fjson_object_put()
 * it). NULL when memory is short, with nothing left allocated, and for the bare value null, which libfastjson knows no
 * object for. Any thread, each with `texts` of its own. */
struct fjson_object *imd_tree_build(const char *json, size_t length, enum imd_parse_json mode,
                                    struct imd_json_value largest, struct imd_shared_texts *texts);

#endif
