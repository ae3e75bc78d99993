/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds an answer to the page reader in chunks whose sizes come from the input, and compares the slices with those of
 * the whole body in memory. The first byte of the input seeds the chunk sizes, the second chooses limits. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/imdefender/api/page_reader.h"
#include "../../plugins/imdefender/base/buffer.h"
#include "../../plugins/imdefender/base/json.h"
#include "largest_member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static bool receive(void *context, const char *json, size_t length, struct imd_json_value largest) {
    struct imd_buffer *slices = context;
    require(length > 0 && json[length] == '\0', "an element ends with a 0 byte");
    require(imd_json_valid(json, length, NULL), "an element is valid");
    struct imd_json_value expected = largest_member((struct imd_json_value){.data = json, .length = length});
    require(largest.data == expected.data && largest.length == expected.length, "the largest member lies where it is said");
    require(imd_buffer_add(slices, json, length) && imd_buffer_add_char(slices, '\n'), "memory suffices");
    return true;
}

static void add_without_space(struct imd_buffer *out, struct imd_json_value value) {
    bool in_string = false;
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
        imd_buffer_add_char(out, c);
        if (in_string && c == '\\')
            imd_buffer_add_char(out, value.data[++i]);
        else if (c == '"')
            in_string = !in_string;
    }
    imd_buffer_add_char(out, '\n');
}

/* What the whole body holds. */
struct whole {
    bool valid;
    unsigned values;
    bool array; /* the first "value" is one */
    unsigned next_links;
    char *next_link;
    struct imd_buffer slices;
};

static void read_whole(struct whole *whole, const char *body, size_t length) {
    memset(whole, 0, sizeof(*whole));
    imd_buffer_init(&whole->slices, 1u << 20);
    whole->valid = imd_json_valid(body, length, NULL);
    if (!whole->valid) return;
    struct imd_json_value root = {.data = body, .length = length}, name, value, ignored, element;
    size_t position = 0;
    while (imd_json_next(root, &position, &name, &value)) {
        if (imd_json_name_is(name, "@odata.nextLink") && name.length > 0) {
            whole->next_links++;
            free(whole->next_link);
            whole->next_link = imd_json_string_dup(value);
        }
        if (!imd_json_name_is(name, "value")) continue;
        if (whole->values++ > 0 || value.data[0] != '[') continue;
        whole->array = true;
        size_t inner = 0;
        while (imd_json_next(value, &inner, &ignored, &element)) add_without_space(&whole->slices, element);
    }
}

static void judge(const struct whole *whole, const struct imd_page_reader *reader, enum imd_page_problem problem,
                  const struct imd_buffer *slices) {
    bool list = whole->valid && whole->values == 1 && whole->array && whole->next_links < 2;
    require((problem == IMD_PAGE_OK) == list, "a page is accepted if and only if it is a list");
    if (!whole->valid || whole->next_links > 1) require(problem == IMD_PAGE_NOT_JSON, "NOT_JSON");
    if (whole->valid && whole->next_links < 2 && !list) require(problem == IMD_PAGE_NO_VALUE, "NO_VALUE");
    if (problem != IMD_PAGE_OK) return;
    require(slices->length == whole->slices.length, "as many bytes");
    require(slices->length == 0 || memcmp(slices->data, whole->slices.data, slices->length) == 0, "the same bytes");
    const char *link = imd_page_reader_next_link(reader);
    require(!link == !whole->next_link && (!link || strcmp(link, whole->next_link) == 0), "the same link");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 8192) return 0;
    uint32_t seed = data[0] * 2654435761u;
    bool limited = data[1] < 32;
    struct imd_page_limits limits = {.body = limited ? data[1] * 8u : 1u << 20, .object = limited ? data[1] : 0};
    const char *body = (const char *)data + 2;
    size_t length = size - 2;

    struct imd_buffer slices;
    imd_buffer_init(&slices, 1u << 20);
    struct imd_page_reader *reader = imd_page_reader_new(&limits, receive, &slices);
    if (!reader) abort();
    for (size_t done = 0, chunk; done < length; done += chunk) {
        seed = seed * 1664525u + 1013904223u;
        chunk = 1 + (seed >> 8) % (data[0] % 2 ? 3 : 300);
        if (chunk > length - done) chunk = length - done;
        char *copy = malloc(chunk);
        if (!copy) abort();
        memcpy(copy, body + done, chunk);
        imd_page_reader_feed(reader, copy, chunk);
        free(copy);
    }
    struct imd_error error;
    memset(&error, 0, sizeof(error));
    enum imd_page_problem problem = imd_page_reader_finish(reader, &error);
    require((problem != IMD_PAGE_OK) == (error.what[0] != '\0'), "an error has a text");
    struct whole whole;
    read_whole(&whole, body, length);
    if (limited)
        require(problem != IMD_PAGE_OK || length <= limits.body, "the body keeps to its limit");
    else
        judge(&whole, reader, problem, &slices);
    free(whole.next_link);
    imd_buffer_free(&whole.slices);
    imd_buffer_free(&slices);
    imd_page_reader_free(reader);
    return 0;
}
