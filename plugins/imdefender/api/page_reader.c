/* SPDX-License-Identifier: Apache-2.0 */
/* The page reader: decides, at each name and value the scanner reports, what is copied and what is passed over. */
#include "page_reader.h"

#include <stdlib.h>
#include <string.h>
#include "../base/buffer.h"
#include "../base/json.h"
#include "../base/json_scanner.h"

#define ELEMENT_KEPT_MAX (256u << 10) /* memory that is kept from one element to the next */
#define ANNOTATION_MAX (16u << 10)    /* "@odata.nextLink", with quotes and escapes */
#define NAME_MAX_BYTES 128u           /* any longer name is none that matters, even with every character escaped */

enum member { MEMBER_OTHER, MEMBER_VALUE, MEMBER_NEXT_LINK, MEMBER_COUNT };

struct imd_page_reader {
    struct imd_page_limits limits;
    imd_page_receiver *receiver;
    void *context;
    struct imd_json_scanner scanner;
    struct imd_buffer element;    /* of "value", the current one */
    struct imd_buffer name;       /* of the current member of the page */
    struct imd_buffer annotation; /* value of the current member, if it is an annotation that matters */
    int element_depth;            /* at which the elements of the list lie */
    enum member member;
    unsigned values; /* members "value" so far, 2 standing for more */
    bool odd_shape;  /* a "value" is no array */
    bool next_link_seen;
    char *next_link;
    int64_t count;
    bool root_seen;
    bool looks_like_html;
    enum imd_page_problem problem;
    const char *detail; /* static text that says more about `problem`, or NULL */
    uint64_t limit;     /* that was passed, with IMD_PAGE_TOO_LARGE */
};

struct imd_page_reader *imd_page_reader_new(const struct imd_page_limits *limits, imd_page_receiver *receiver,
                                            void *context) {
    struct imd_page_reader *reader = calloc(1, sizeof(*reader));
    if (!reader) return NULL;
    reader->limits = *limits;
    if (reader->limits.object == 0) reader->limits.object = limits->body < SIZE_MAX ? (size_t)limits->body : SIZE_MAX;
    reader->receiver = receiver;
    reader->context = context;
    reader->count = -1;
    imd_json_scanner_init(&reader->scanner);
    reader->scanner.report_depth = 1;
    reader->element_depth = limits->bare_array ? 1 : 2;
    reader->scanner.measured_depth = (unsigned)reader->element_depth + 1;
    imd_buffer_init(&reader->element, reader->limits.object);
    imd_buffer_init(&reader->name, NAME_MAX_BYTES);
    imd_buffer_init(&reader->annotation, ANNOTATION_MAX);
    return reader;
}

void imd_page_reader_free(struct imd_page_reader *reader) {
    if (!reader) return;
    imd_buffer_free(&reader->element);
    imd_buffer_free(&reader->name);
    imd_buffer_free(&reader->annotation);
    free(reader->next_link);
    free(reader);
}

static void fail(struct imd_page_reader *reader, enum imd_page_problem problem, const char *detail) {
    if (reader->problem != IMD_PAGE_OK) return;
    reader->problem = problem;
    reader->detail = detail;
    reader->scanner.copy = NULL;
    imd_buffer_free(&reader->element); /* nothing more will come */
}

static void start_copy(struct imd_page_reader *reader, struct imd_buffer *buffer) {
    imd_buffer_clear(buffer);
    reader->scanner.copy = buffer;
}

static struct imd_json_value copied(const struct imd_buffer *buffer) {
    return (struct imd_json_value){.data = buffer->data, .length = buffer->length};
}

static enum member member_named(const struct imd_buffer *quoted) {
    struct imd_json_value name = {.data = quoted->data + 1, .length = quoted->length - 2};
    if (imd_json_name_is(name, "value")) return MEMBER_VALUE;
    if (imd_json_name_is(name, "@odata.nextLink")) return MEMBER_NEXT_LINK;
    if (imd_json_name_is(name, "@odata.count")) return MEMBER_COUNT;
    return MEMBER_OTHER;
}

static void name_ends(struct imd_page_reader *reader) {
    bool whole = reader->scanner.copy != NULL; /* else it was too long to be copied */
    reader->scanner.copy = NULL;
    reader->member = whole ? member_named(&reader->name) : MEMBER_OTHER;
}

static void root_begins(struct imd_page_reader *reader, char first) {
    reader->root_seen = true;
    if (reader->limits.bare_array) {
        if (first == '[') reader->values = 1;
    } else if (first == '{') {
        return;
    }
    if (reader->values) return;
    reader->scanner.report_depth = -1; /* the rest is only validated */
}

static void member_begins(struct imd_page_reader *reader, char first) {
    switch (reader->member) {
        case MEMBER_VALUE:
            if (reader->values < 2) reader->values++;
            if (first != '[') reader->odd_shape = true;
            if (first == '[' && reader->values == 1) reader->scanner.report_depth = 2;
            return;
        case MEMBER_NEXT_LINK:
            /* Following one of two links would lose what the other leads to. */
            if (reader->next_link_seen) fail(reader, IMD_PAGE_NOT_JSON, "two members \"@odata.nextLink\"");
            reader->next_link_seen = true;
            if (first == '"') start_copy(reader, &reader->annotation);
            return;
        case MEMBER_COUNT:
            reader->count = -1;
            if (first == '-' || (first >= '0' && first <= '9')) start_copy(reader, &reader->annotation);
            return;
        case MEMBER_OTHER:
            return;
    }
}

static void member_ends(struct imd_page_reader *reader) {
    bool has_copy = reader->scanner.copy != NULL;
    reader->scanner.copy = NULL;
    reader->scanner.report_depth = 1;
    if (!has_copy) return;
    struct imd_json_value value = copied(&reader->annotation);
    if (reader->member == MEMBER_COUNT) {
        imd_json_integer(value, &reader->count);
        return;
    }
    reader->next_link = imd_json_string_dup(value);
    if (!reader->next_link) fail(reader, IMD_PAGE_NO_MEMORY, NULL);
}

static void element_begins(struct imd_page_reader *reader) {
    start_copy(reader, &reader->element);
    reader->scanner.largest_length = 0;
}

static void element_ends(struct imd_page_reader *reader) {
    reader->scanner.copy = NULL;
    struct imd_json_value largest = {.data = NULL, .length = reader->scanner.largest_length};
    if (largest.length > 0) largest.data = reader->element.data + reader->scanner.largest_at;
    if (!reader->receiver(reader->context, reader->element.data, reader->element.length, largest))
        fail(reader, IMD_PAGE_STOPPED, NULL);
    if (reader->element.capacity > ELEMENT_KEPT_MAX) imd_buffer_free(&reader->element);
}

static void too_large(struct imd_page_reader *reader, const char *detail, uint64_t limit) {
    fail(reader, IMD_PAGE_TOO_LARGE, detail);
    reader->limit = limit;
}

/* The scanner gave up copying into `buffer`. A name or a count that is too long is no matter: it is as if absent. */
static void copy_failed(struct imd_page_reader *reader, const struct imd_buffer *buffer) {
    if (reader->scanner.copy_problem == IMD_JSON_COPY_NO_MEMORY)
        fail(reader, IMD_PAGE_NO_MEMORY, NULL);
    else if (buffer == &reader->element)
        too_large(reader, "an object passes the limit", reader->limits.object);
    else if (buffer == &reader->annotation && reader->member == MEMBER_NEXT_LINK)
        too_large(reader, "the member \"@odata.nextLink\" passes the limit", ANNOTATION_MAX);
    reader->scanner.copy_problem = IMD_JSON_COPY_OK;
}

static void handle(struct imd_page_reader *reader, enum imd_json_event event, const char *next) {
    switch (event) {
        case IMD_JSON_NAME_BEGINS:
            start_copy(reader, &reader->name);
            break;
        case IMD_JSON_NAME_ENDS:
            name_ends(reader);
            break;
        case IMD_JSON_VALUE_BEGINS:
            if (reader->scanner.depth == 0)
                root_begins(reader, *next);
            else if ((int)reader->scanner.depth == reader->element_depth)
                element_begins(reader);
            else
                member_begins(reader, *next);
            break;
        case IMD_JSON_VALUE_ENDS:
            if ((int)reader->scanner.depth == reader->element_depth)
                element_ends(reader);
            else if (reader->scanner.depth == 1)
                member_ends(reader);
            break;
        case IMD_JSON_MALFORMED:
            reader->looks_like_html = !reader->root_seen && *next == '<';
            fail(reader, IMD_PAGE_NOT_JSON, reader->scanner.problem);
            break;
        case IMD_JSON_MORE:
            break;
    }
}

enum imd_page_problem imd_page_reader_feed(struct imd_page_reader *reader, const char *bytes, size_t length) {
    if (reader->problem != IMD_PAGE_OK) return reader->problem;
    if (length > reader->limits.body - reader->scanner.offset) {
        too_large(reader, "it passes the limit", reader->limits.body);
        return reader->problem;
    }
    const char *at = bytes, *end = bytes + length;
    while (at < end && reader->problem == IMD_PAGE_OK) {
        const struct imd_buffer *copying = reader->scanner.copy;
        enum imd_json_event event = imd_json_scan(&reader->scanner, &at, end);
        if (reader->scanner.copy_problem != IMD_JSON_COPY_OK) copy_failed(reader, copying);
        if (reader->problem == IMD_PAGE_OK) handle(reader, event, at);
    }
    return reader->problem;
}

static int describe(const struct imd_page_reader *reader, struct imd_error *error) {
    unsigned long long offset = reader->scanner.offset;
    switch (reader->problem) {
        case IMD_PAGE_TOO_LARGE:
            return imd_error_set(error, "raise maxResponseSize or lower pageSize",
                                 "the answer is too large: %s of %llu bytes (byte %llu)", reader->detail,
                                 (unsigned long long)reader->limit, offset);
        case IMD_PAGE_NOT_JSON:
            return imd_error_set(error, "check apiUrl and the proxy", "the answer is not JSON: %s (byte %llu)%s",
                                 reader->detail, offset, reader->looks_like_html ? ", it looks like HTML" : "");
        case IMD_PAGE_NO_VALUE:
            return imd_error_set(error, "check apiUrl", "the answer is JSON but no list: %s (%llu bytes)",
                                 reader->detail, offset);
        case IMD_PAGE_STOPPED:
            return imd_error_set(error, NULL, "reading of the answer was stopped (byte %llu)", offset);
        case IMD_PAGE_NO_MEMORY:
            return imd_error_set(error, NULL, "memory is short while reading the answer (byte %llu)", offset);
        case IMD_PAGE_OK:
            break;
    }
    return 0;
}

enum imd_page_problem imd_page_reader_finish(struct imd_page_reader *reader, struct imd_error *error) {
    if (reader->problem == IMD_PAGE_OK) {
        if (reader->scanner.offset == 0)
            fail(reader, IMD_PAGE_NOT_JSON, "it is empty");
        else if (!imd_json_scanner_complete(&reader->scanner))
            fail(reader, IMD_PAGE_NOT_JSON, "it ends too early");
        else if (reader->values == 0)
            fail(reader, IMD_PAGE_NO_VALUE,
                 reader->limits.bare_array ? "it is no array" : "it has no member \"value\"");
        else if (reader->values > 1)
            fail(reader, IMD_PAGE_NO_VALUE, "it has several members \"value\"");
        else if (reader->odd_shape)
            fail(reader, IMD_PAGE_NO_VALUE, "its member \"value\" is no array");
    }
    if (reader->problem != IMD_PAGE_OK) describe(reader, error);
    return reader->problem;
}

const char *imd_page_reader_next_link(const struct imd_page_reader *reader) {
    return reader->next_link;
}

int64_t imd_page_reader_count(const struct imd_page_reader *reader) {
    return reader->count;
}
