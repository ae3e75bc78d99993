/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a page of an OData list ({"value":[...],"@odata.nextLink":"..."}) while its bytes arrive.
 *
 * Each element of "value" is handed on as soon as its last byte is here, so memory follows the largest object and not
 * the page. The bytes are those of the API except white space outside strings, which is dropped. An answer counts only
 * when imd_page_reader_finish() says so: an error is never an empty page. */
#ifndef IMD_PAGE_READER_H
#define IMD_PAGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/error.h"
#include "../base/json.h"

struct imd_page_reader;

struct imd_page_limits {
    bool bare_array; /* the answer is the list itself, without an object around it */
    uint64_t body; /* bytes of the whole answer after decompression */
    size_t object; /* bytes of one element, white space outside strings not counted; 0: as `body` */
};

enum imd_page_problem {
    IMD_PAGE_OK,
    IMD_PAGE_TOO_LARGE, /* body or element over its limit */
    IMD_PAGE_NOT_JSON,  /* malformed, truncated, or no JSON at all */
    IMD_PAGE_NO_VALUE,  /* complete JSON, but not an object with one array "value" */
    IMD_PAGE_STOPPED,   /* the receiver asked to stop */
    IMD_PAGE_NO_MEMORY
};

/* Takes one element (any JSON type: the receiver rejects what is no object). `json` is valid during the call only and
 * has a 0 byte after its last byte; `largest` is the largest of the objects and arrays directly inside it (`data` NULL:
 * there is none). Returns false to stop reading. */
typedef bool imd_page_receiver(void *context, const char *json, size_t length, struct imd_json_value largest);

/* NULL when memory is short. */
struct imd_page_reader *imd_page_reader_new(const struct imd_page_limits *limits, imd_page_receiver *receiver,
                                            void *context);
void imd_page_reader_free(struct imd_page_reader *reader);

/* Consumes the next bytes of the body. After anything but IMD_PAGE_OK the reader only repeats that answer. */
enum imd_page_problem imd_page_reader_feed(struct imd_page_reader *reader, const char *bytes, size_t length);

/* The body has ended: IMD_PAGE_OK only if one complete JSON object with exactly one "value" array was read (or one
 * array, if that was asked for). Otherwise
 * `error` says what is wrong, with the offset, and never quotes the body. */
enum imd_page_problem imd_page_reader_finish(struct imd_page_reader *reader, struct imd_error *error);

/* What stood beside "value"; valid until free. NULL / -1 if absent, null or of another type. */
const char *imd_page_reader_next_link(const struct imd_page_reader *reader); /* "@odata.nextLink", decoded */
int64_t imd_page_reader_count(const struct imd_page_reader *reader);         /* "@odata.count" */

#endif
