/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: one state per place in RFC 8259's grammar, one function per group of states. Inside strings, white space
 * and digits it moves over many bytes at a time; between them it takes one step per token. */
#include "json_scanner.h"

#include <string.h>
#include "json_bytes.h"

enum state {
    /* between tokens, where white space may stand */
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* after '{' */
    EXPECT_COLON,
    EXPECT_SEPARATOR, /* after an element or member */
    COMPLETE,
    LAST_BETWEEN_TOKENS = COMPLETE,
    /* inside tokens */
    BEGINNING, /* at the first byte, where a byte order mark may stand */
    BYTE_ORDER_MARK,
    IN_STRING,
    IN_ESCAPE,
    IN_ESCAPE_DIGITS,
    IN_UTF8,
    IN_LITERAL,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INTEGER,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
    MALFORMED
};

struct cursor {
    const char *at;
    const char *end;
    const char *run; /* first byte passed but not yet copied */
};

void imd_json_scanner_init(struct imd_json_scanner *scanner) {
    memset(scanner, 0, sizeof(*scanner));
    scanner->state = BEGINNING;
    scanner->report_depth = -1;
}

static bool in_object(const struct imd_json_scanner *scanner) {
    unsigned top = scanner->depth - 1;
    return scanner->depth > 0 && (scanner->objects[top / 64] >> (top % 64) & 1);
}

static bool reported(const struct imd_json_scanner *scanner) {
    return (int)scanner->depth <= scanner->report_depth;
}

static enum imd_json_event refuse(struct imd_json_scanner *scanner, const char *problem) {
    scanner->state = MALFORMED;
    scanner->problem = problem;
    return IMD_JSON_MALFORMED;
}

/* Adds the bytes from `run` on to the copy. */
static void copy_run(struct imd_json_scanner *scanner, struct cursor *cursor) {
    struct imd_buffer *copy = scanner->copy;
    size_t length = (size_t)(cursor->at - cursor->run);
    cursor->run = cursor->at;
    if (!copy || length == 0) return;
    if (imd_buffer_add(copy, cursor->at - length, length)) return;
    scanner->copy_problem = length > copy->maximum - copy->length ? IMD_JSON_COPY_FULL : IMD_JSON_COPY_NO_MEMORY;
    scanner->copy = NULL;
}

/* Where the next byte of the text goes in the copy. */
static size_t copied(const struct imd_json_scanner *scanner, const struct cursor *cursor) {
    return scanner->copy->length + (size_t)(cursor->at - cursor->run);
}

static void measure(struct imd_json_scanner *scanner, const struct cursor *cursor) {
    size_t length = copied(scanner, cursor) - scanner->measured_from;
    if (length <= scanner->largest_length) return;
    scanner->largest_at = scanner->measured_from;
    scanner->largest_length = length;
}

static enum imd_json_event end_value(struct imd_json_scanner *scanner) {
    scanner->state = scanner->depth > 0 ? EXPECT_SEPARATOR : COMPLETE;
    return reported(scanner) ? IMD_JSON_VALUE_ENDS : IMD_JSON_MORE;
}

/* Behind the opening bracket. */
static enum imd_json_event open_container(struct imd_json_scanner *scanner, const struct cursor *cursor, bool object) {
    unsigned top = scanner->depth;
    if (top == scanner->measured_depth && scanner->copy) scanner->measured_from = copied(scanner, cursor) - 1;
    uint64_t bit = UINT64_C(1) << (top % 64);
    if (object)
        scanner->objects[top / 64] |= bit;
    else
        scanner->objects[top / 64] &= ~bit;
    scanner->depth++;
    scanner->state = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
    return IMD_JSON_MORE;
}

static enum imd_json_event close_container(struct imd_json_scanner *scanner, struct cursor *cursor) {
    cursor->at++;
    scanner->depth--;
    if (scanner->depth == scanner->measured_depth && scanner->copy) measure(scanner, cursor);
    return end_value(scanner);
}

static enum imd_json_event begin_literal(struct imd_json_scanner *scanner, const char *rest) {
    scanner->state = IN_LITERAL;
    scanner->literal = rest;
    return IMD_JSON_MORE;
}

/* Consumes the first byte of a value. */
static enum imd_json_event begin_value(struct imd_json_scanner *scanner, struct cursor *cursor) {
    char c = *cursor->at;
    if (!(c == '"' || c == '{' || c == '[' || c == '-' || c == 't' || c == 'f' || c == 'n' || imd_json_is_digit(c)))
        return refuse(scanner, "a value is missing");
    if (reported(scanner) && !scanner->announced) {
        scanner->announced = true;
        return IMD_JSON_VALUE_BEGINS;
    }
    scanner->announced = false;
    if ((c == '{' || c == '[') && scanner->depth == IMD_JSON_DEPTH_MAX) return refuse(scanner, "nested too deeply");
    cursor->at++;
    switch (c) {
        case '"':
            scanner->state = IN_STRING;
            scanner->in_name = false;
            return IMD_JSON_MORE;
        case '{':
        case '[':
            return open_container(scanner, cursor, c == '{');
        case 't':
            return begin_literal(scanner, "rue");
        case 'f':
            return begin_literal(scanner, "alse");
        case 'n':
            return begin_literal(scanner, "ull");
        default:
            scanner->state = c == '-' ? NUMBER_MINUS : c == '0' ? NUMBER_ZERO : NUMBER_INTEGER;
            return IMD_JSON_MORE;
    }
}

static enum imd_json_event begin_name(struct imd_json_scanner *scanner, struct cursor *cursor) {
    if (*cursor->at != '"') return refuse(scanner, "a member's name is missing");
    if (reported(scanner) && !scanner->announced) {
        scanner->announced = true;
        return IMD_JSON_NAME_BEGINS;
    }
    scanner->announced = false;
    cursor->at++;
    scanner->state = IN_STRING;
    scanner->in_name = true;
    return IMD_JSON_MORE;
}

static enum imd_json_event after_value(struct imd_json_scanner *scanner, struct cursor *cursor) {
    bool object = in_object(scanner);
    char c = *cursor->at;
    if (c == ',') {
        cursor->at++;
        scanner->state = object ? EXPECT_NAME : EXPECT_VALUE;
        return IMD_JSON_MORE;
    }
    if (c == (object ? '}' : ']')) return close_container(scanner, cursor);
    return refuse(scanner, "a comma or the end of an array or object is missing");
}

/* One step where white space may stand. */
static enum imd_json_event between_tokens(struct imd_json_scanner *scanner, struct cursor *cursor) {
    if (imd_json_is_space(*cursor->at)) {
        copy_run(scanner, cursor);
        cursor->at = cursor->run = imd_json_skip_space(cursor->at, cursor->end);
        if (cursor->at == cursor->end) return IMD_JSON_MORE;
    }
    switch (scanner->state) {
        case EXPECT_VALUE_OR_END:
            return *cursor->at == ']' ? close_container(scanner, cursor) : begin_value(scanner, cursor);
        case EXPECT_VALUE:
            return begin_value(scanner, cursor);
        case EXPECT_NAME_OR_END:
            return *cursor->at == '}' ? close_container(scanner, cursor) : begin_name(scanner, cursor);
        case EXPECT_NAME:
            return begin_name(scanner, cursor);
        case EXPECT_COLON:
            if (*cursor->at != ':') return refuse(scanner, "a colon is missing after a member's name");
            cursor->at++;
            scanner->state = EXPECT_VALUE;
            return IMD_JSON_MORE;
        case EXPECT_SEPARATOR:
            return after_value(scanner, cursor);
        default:
            return refuse(scanner, "something follows the end");
    }
}

/* After a byte >= 0x80: RFC 3629 section 4. */
static enum imd_json_event begin_utf8(struct imd_json_scanner *scanner, unsigned char lead) {
    scanner->utf8_low = 0x80;
    scanner->utf8_high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        scanner->left = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        scanner->left = 2;
        if (lead == 0xe0) scanner->utf8_low = 0xa0;  /* shorter form exists */
        if (lead == 0xed) scanner->utf8_high = 0x9f; /* surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        scanner->left = 3;
        if (lead == 0xf0) scanner->utf8_low = 0x90;  /* shorter form exists */
        if (lead == 0xf4) scanner->utf8_high = 0x8f; /* beyond U+10FFFF */
    } else {
        return refuse(scanner, "a string is not UTF-8");
    }
    scanner->state = IN_UTF8;
    return IMD_JSON_MORE;
}

static enum imd_json_event continue_utf8(struct imd_json_scanner *scanner, struct cursor *cursor) {
    while (cursor->at < cursor->end) {
        unsigned char c = (unsigned char)*cursor->at;
        if (c < scanner->utf8_low || c > scanner->utf8_high) return refuse(scanner, "a string is not UTF-8");
        cursor->at++;
        scanner->utf8_low = 0x80;
        scanner->utf8_high = 0xbf;
        if (--scanner->left > 0) continue;
        scanner->state = IN_STRING;
        break;
    }
    return IMD_JSON_MORE;
}

static enum imd_json_event continue_escape(struct imd_json_scanner *scanner, struct cursor *cursor) {
    char c = *cursor->at;
    if (c == 'u') {
        scanner->state = IN_ESCAPE_DIGITS;
        scanner->left = 4;
    } else if (c && strchr("\"\\/bfnrt", c)) {
        scanner->state = IN_STRING;
    } else {
        return refuse(scanner, "a string holds an unknown escape");
    }
    cursor->at++;
    return IMD_JSON_MORE;
}

static enum imd_json_event continue_escape_digits(struct imd_json_scanner *scanner, struct cursor *cursor) {
    while (cursor->at < cursor->end && scanner->left > 0) {
        char c = (char)(*cursor->at | 0x20); /* lower case; digits stay */
        if (!imd_json_is_digit(*cursor->at) && !(c >= 'a' && c <= 'f'))
            return refuse(scanner, "a string holds an incomplete \\u escape");
        cursor->at++;
        scanner->left--;
    }
    if (scanner->left == 0) scanner->state = IN_STRING;
    return IMD_JSON_MORE;
}

static enum imd_json_event continue_string(struct imd_json_scanner *scanner, struct cursor *cursor) {
    while ((cursor->at = imd_json_skip_plain(cursor->at, cursor->end)) < cursor->end) {
        unsigned char c = (unsigned char)*cursor->at;
        if (c == '"') {
            cursor->at++;
            if (!scanner->in_name) return end_value(scanner);
            scanner->state = EXPECT_COLON;
            return reported(scanner) ? IMD_JSON_NAME_ENDS : IMD_JSON_MORE;
        }
        if (c < 0x20) return refuse(scanner, "a string holds a control character");
        cursor->at++;
        enum imd_json_event event = IMD_JSON_MORE;
        if (c == '\\') {
            scanner->state = IN_ESCAPE;
            if (cursor->at < cursor->end) event = continue_escape(scanner, cursor);
        } else {
            event = begin_utf8(scanner, c);
            if (event == IMD_JSON_MORE)
                event = continue_utf8(scanner, cursor);
            else
                cursor->at--; /* the offset is that of the byte refused */
        }
        if (event != IMD_JSON_MORE || scanner->state != IN_STRING) return event;
    }
    return IMD_JSON_MORE;
}

static enum imd_json_event continue_literal(struct imd_json_scanner *scanner, struct cursor *cursor) {
    while (cursor->at < cursor->end && *scanner->literal) {
        if (*cursor->at != *scanner->literal) return refuse(scanner, "a value is neither true, false nor null");
        cursor->at++;
        scanner->literal++;
    }
    return *scanner->literal ? IMD_JSON_MORE : end_value(scanner);
}

/* One step inside a number; the byte after it ends it and is left where it is. */
static enum imd_json_event continue_number(struct imd_json_scanner *scanner, struct cursor *cursor) {
    const char *digits = cursor->at;
    while (cursor->at < cursor->end && imd_json_is_digit(*cursor->at)) cursor->at++;
    bool advanced = cursor->at > digits;
    switch (scanner->state) {
        case NUMBER_MINUS:
            if (!advanced) return refuse(scanner, "a number has no digit after its sign");
            scanner->state = *digits == '0' ? NUMBER_ZERO : NUMBER_INTEGER;
            if (*digits == '0') cursor->at = digits + 1;
            return IMD_JSON_MORE;
        case NUMBER_ZERO:
            cursor->at = digits;
            if (advanced) return refuse(scanner, "a number begins with a superfluous 0");
            break;
        case NUMBER_POINT:
            if (!advanced) return refuse(scanner, "a number has no digit after its point");
            scanner->state = NUMBER_FRACTION;
            return IMD_JSON_MORE;
        case NUMBER_E:
            if (!advanced && (*cursor->at == '+' || *cursor->at == '-')) {
                cursor->at++;
                scanner->state = NUMBER_E_SIGN;
                return IMD_JSON_MORE;
            }
            __attribute__((fallthrough));
        case NUMBER_E_SIGN:
            if (!advanced) return refuse(scanner, "a number has no digit in its exponent");
            scanner->state = NUMBER_EXPONENT;
            return IMD_JSON_MORE;
        default:
            break;
    }
    if (cursor->at == cursor->end) return IMD_JSON_MORE;
    char c = *cursor->at;
    if (c == '.' && (scanner->state == NUMBER_ZERO || scanner->state == NUMBER_INTEGER))
        scanner->state = NUMBER_POINT;
    else if ((c == 'e' || c == 'E') && scanner->state != NUMBER_EXPONENT)
        scanner->state = NUMBER_E;
    else
        return end_value(scanner);
    cursor->at++;
    return IMD_JSON_MORE;
}

/* RFC 8259 section 8.1: a parser may ignore a byte order mark. */
static enum imd_json_event begin_text(struct imd_json_scanner *scanner, struct cursor *cursor) {
    static const char mark[] = "\xef\xbb\xbf";
    if (scanner->state == BEGINNING) {
        scanner->state = *cursor->at == mark[0] ? BYTE_ORDER_MARK : EXPECT_VALUE;
        scanner->left = 3;
        return IMD_JSON_MORE;
    }
    if (*cursor->at != mark[3 - scanner->left]) return refuse(scanner, "a value is missing");
    cursor->at++;
    if (--scanner->left == 0) scanner->state = EXPECT_VALUE;
    return IMD_JSON_MORE;
}

static enum imd_json_event step(struct imd_json_scanner *scanner, struct cursor *cursor) {
    if (scanner->state <= LAST_BETWEEN_TOKENS) return between_tokens(scanner, cursor);
    switch (scanner->state) {
        case BEGINNING:
        case BYTE_ORDER_MARK:
            return begin_text(scanner, cursor);
        case IN_STRING:
            return continue_string(scanner, cursor);
        case IN_ESCAPE:
            return continue_escape(scanner, cursor);
        case IN_ESCAPE_DIGITS:
            return continue_escape_digits(scanner, cursor);
        case IN_UTF8:
            return continue_utf8(scanner, cursor);
        case IN_LITERAL:
            return continue_literal(scanner, cursor);
        case MALFORMED:
            return IMD_JSON_MALFORMED;
        default:
            return continue_number(scanner, cursor);
    }
}

enum imd_json_event imd_json_scan(struct imd_json_scanner *scanner, const char **at, const char *end) {
    struct cursor cursor = {.at = *at, .end = end, .run = *at};
    enum imd_json_event event = scanner->state == MALFORMED ? IMD_JSON_MALFORMED : IMD_JSON_MORE;
    while (event == IMD_JSON_MORE && cursor.at < end) event = step(scanner, &cursor);
    copy_run(scanner, &cursor);
    scanner->offset += (uint64_t)(cursor.at - *at);
    *at = cursor.at;
    return event;
}

bool imd_json_scanner_complete(const struct imd_json_scanner *scanner) {
    if (scanner->depth > 0) return false;
    switch (scanner->state) {
        case COMPLETE:
        case NUMBER_ZERO:
        case NUMBER_INTEGER:
        case NUMBER_FRACTION:
        case NUMBER_EXPONENT:
            return true;
        default:
            return false;
    }
}
