/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what imd_json_valid() and the scanner accept with json-c's strict tokener, and reads what is valid.
 *
 * Where the two differ by design the input is passed over. json-c 0.16 is not as strict as its name says:
 *   - it accepts NaN, Infinity, control characters in strings, names in single quotes, numbers such as "1.", "-01" and
 *     "00", and UTF-8 that is longer than need be, a surrogate or beyond U+10FFFF;
 *   - to it a 0 byte is the end of the text;
 *   - it refuses a byte order mark (RFC 8259 allows both);
 *   - it counts the innermost value as a level of nesting. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/imdefender/base/json.h"
#include "../../plugins/imdefender/base/json_bytes.h"
#include "../../plugins/imdefender/base/json_scanner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool scanner_accepts(const char *json, size_t length, size_t chunk) {
    struct imd_json_scanner scanner;
    imd_json_scanner_init(&scanner);
    scanner.report_depth = (int)(chunk % 4) - 1;
    for (size_t done = 0; done < length; done += chunk) {
        size_t size = length - done < chunk ? length - done : chunk;
        char *copy = malloc(size);
        if (!copy) abort();
        memcpy(copy, json + done, size);
        const char *at = copy;
        enum imd_json_event event;
        do event = imd_json_scan(&scanner, &at, copy + size);
        while (event != IMD_JSON_MORE && event != IMD_JSON_MALFORMED);
        free(copy);
        if (event == IMD_JSON_MALFORMED) return false;
    }
    return imd_json_scanner_complete(&scanner);
}

static bool json_c_accepts(const char *json, size_t length) {
    struct json_tokener *tokener = json_tokener_new_ex(IMD_JSON_DEPTH_MAX + 1);
    if (!tokener) abort();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, json, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    bool whole = json_tokener_get_parse_end(tokener) == length;
    if (error == json_tokener_continue) { /* the end of the text ends a number */
        object = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
        whole = true;
    }
    json_object_put(object);
    json_tokener_free(tokener);
    return error == json_tokener_success && whole;
}

static const char *skip_digits(const char *at, const char *end) {
    while (at < end && imd_json_is_digit(*at)) at++;
    return at;
}

/* Whether a number, or what looks like one, begins at *at and is none after RFC 8259; moves *at behind it. */
static bool odd_number(const char **at, const char *end) {
    const char *from = *at;
    while (*at < end && **at != '\0' && strchr("0123456789+-.eE", **at)) ++*at;
    const char *stop = *at, *p = from + (*from == '-');
    const char *digits = p;
    p = skip_digits(p, stop);
    if (p == digits || (*digits == '0' && p - digits > 1)) return true;
    if (p < stop && *p == '.') {
        digits = ++p;
        p = skip_digits(p, stop);
        if (p == digits) return true;
    }
    if (p < stop && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < stop && (*p == '+' || *p == '-')) p++;
        digits = p;
        p = skip_digits(p, stop);
        if (p == digits) return true;
    }
    return p != stop;
}

/* UTF-8 that is too long for its character, a surrogate, or beyond U+10FFFF. */
static bool odd_utf8(const char *at, const char *end) {
    unsigned char lead = (unsigned char)at[0], next = end - at > 1 ? (unsigned char)at[1] : 0;
    return lead == 0xc0 || lead == 0xc1 || lead >= 0xf5 || (lead == 0xe0 && next < 0xa0) ||
           (lead == 0xed && next > 0x9f) || (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f);
}

/* Whether the text holds something that the two treat differently. */
static bool differs_by_design(const char *json, size_t length) {
    const char *at = json, *end = json + length;
    if (length >= 1 && json[0] == '\xef') return true;
    bool in_string = false;
    int depth = 0, deepest = 0;
    while (at < end) {
        char c = *at;
        if (c == '\0') return true;
        if (in_string) {
            if ((unsigned char)c < 0x20 || odd_utf8(at, end)) return true;
            if (c == '\\') at++;
            in_string = c != '"';
            at++;
            continue;
        }
        if (c == 'N' || c == 'I' || c == '\'') return true;
        if (c == '-' || imd_json_is_digit(c)) {
            if (odd_number(&at, end)) return true;
            continue;
        }
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (depth > deepest) deepest = depth;
        in_string = c == '"';
        at++;
    }
    return deepest >= IMD_JSON_DEPTH_MAX;
}

/* Reads everything there is, for the sanitizers to watch. */
static void read_all(struct imd_json_value value, int depth) {
    if (depth > IMD_JSON_DEPTH_MAX) abort();
    char text[64];
    int64_t number;
    imd_json_string(value, text, sizeof(text));
    free(imd_json_string_dup(value));
    imd_json_integer(value, &number);
    size_t position = 0;
    struct imd_json_value name, inner;
    while (imd_json_next(value, &position, &name, &inner)) {
        imd_json_name_is(name, "value");
        read_all(inner, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096) return 0;
    char *json = malloc(size ? size : 1); /* nothing behind the end */
    if (!json) abort();
    memcpy(json, data, size);
    const char *problem = NULL;
    bool valid = imd_json_valid(json, size, &problem);
    if (!valid && !problem) abort();
    for (size_t chunk = 1; chunk < 40; chunk = chunk * 2 + 1)
        if (scanner_accepts(json, size, chunk) != valid) abort();
    if (!differs_by_design(json, size) && json_c_accepts(json, size) != valid) {
        fprintf(stderr, "here %s, json-c the opposite: %.*s\n", valid ? "valid" : problem, (int)size, json);
        abort();
    }
    if (valid) read_all((struct imd_json_value){.data = json, .length = size}, 0);
    /* Reading what is not valid makes no sense, but stays inside the bytes. */
    size_t position = 0;
    struct imd_json_value name, value;
    for (int i = 0; i < 100; i++)
        if (!imd_json_next((struct imd_json_value){.data = json, .length = size}, &position, &name, &value)) break;
    free(json);
    return 0;
}
