/* SPDX-License-Identifier: Apache-2.0 */
/* What base/json and its scanner promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/imdefender/base/json.h"
#include "../../plugins/imdefender/base/json_bytes.h"
#include "../../plugins/imdefender/base/json_scanner.h"

/* A small generator of its own, so that a failure comes back in every run. */
static uint32_t dice(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* --- a second validator, as simple as possible, to compare with: each function returns what is behind, or NULL --- */

static const char *plain_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

static const char *plain_utf8(const char *at, const char *end) {
    const unsigned char *b = (const unsigned char *)at;
    size_t left = (size_t)(end - at), length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (b[0] < 0xc2 || b[0] > 0xf4 || left < length) return NULL;
    uint32_t code = b[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) return NULL;
        code = code << 6 | (b[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return NULL;
    return at + length;
}

static const char *plain_string(const char *at, const char *end) {
    if (at == end || *at++ != '"') return NULL;
    while (at && at < end) {
        unsigned char c = (unsigned char)*at;
        if (c == '"') return at + 1;
        if (c < 0x20) return NULL;
        if (c >= 0x80) {
            at = plain_utf8(at, end);
        } else if (c != '\\') {
            at++;
        } else if (end - at < 2) {
            return NULL;
        } else if (at[1] == 'u') {
            if (end - at < 6) return NULL;
            for (int i = 2; i < 6; i++)
                if (at[i] == '\0' || !strchr("0123456789abcdefABCDEF", at[i])) return NULL;
            at += 6;
        } else {
            if (at[1] == '\0' || !strchr("\"\\/bfnrt", at[1])) return NULL;
            at += 2;
        }
    }
    return NULL;
}

static const char *plain_digits(const char *at, const char *end) {
    const char *from = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at > from ? at : NULL;
}

static const char *plain_number(const char *at, const char *end) {
    if (at < end && *at == '-') at++;
    if (at < end && *at == '0')
        at++;
    else if (!(at = plain_digits(at, end)))
        return NULL;
    if (at < end && *at == '.' && !(at = plain_digits(at + 1, end))) return NULL;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = plain_digits(at, end);
    }
    return at;
}

static const char *plain_value(const char *at, const char *end, int depth);

static const char *plain_container(const char *at, const char *end, int depth, char close) {
    if (depth == IMD_JSON_DEPTH_MAX) return NULL;
    at = plain_space(at + 1, end);
    if (at < end && *at == close) return at + 1;
    for (;;) {
        if (close == '}') {
            if (!(at = plain_string(plain_space(at, end), end))) return NULL;
            at = plain_space(at, end);
            if (at == end || *at++ != ':') return NULL;
        }
        if (!(at = plain_value(at, end, depth + 1))) return NULL;
        at = plain_space(at, end);
        if (at == end) return NULL;
        if (*at == close) return at + 1;
        if (*at++ != ',') return NULL;
    }
}

static const char *plain_value(const char *at, const char *end, int depth) {
    at = plain_space(at, end);
    if (at == end) return NULL;
    if (*at == '"') return plain_string(at, end);
    if (*at == '{') return plain_container(at, end, depth, '}');
    if (*at == '[') return plain_container(at, end, depth, ']');
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(literals[i]);
        if ((size_t)(end - at) >= length && memcmp(at, literals[i], length) == 0) return at + length;
    }
    return plain_number(at, end);
}

static bool plain_valid(const char *json, size_t length) {
    const char *end = json + length;
    if (length >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) json += 3;
    const char *behind = plain_value(json, end, 0);
    return behind && plain_space(behind, end) == end;
}

/* --- helpers --- */

static bool scan_in_chunks(const char *json, size_t length, size_t chunk) {
    struct imd_json_scanner scanner;
    imd_json_scanner_init(&scanner);
    for (size_t done = 0; done < length; done += chunk) {
        size_t size = length - done < chunk ? length - done : chunk;
        /* In memory of its own, so that a sanitizer sees a read beyond the chunk. */
        char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, json + done, size);
        const char *at = copy;
        enum imd_json_event event = imd_json_scan(&scanner, &at, copy + size);
        free(copy);
        if (event == IMD_JSON_MALFORMED) return false;
    }
    return imd_json_scanner_complete(&scanner);
}

static void check(const char *json, size_t length, bool expected) {
    const char *problem = NULL;
    bool valid = imd_json_valid(json, length, &problem);
    bool chunks = scan_in_chunks(json, length, 1) == valid && scan_in_chunks(json, length, 3) == valid &&
                  scan_in_chunks(json, length, 17) == valid;
    if (valid == expected && chunks && (valid || problem)) return;
    fprintf(stderr, "expected %s, got %s (%s)%s: %.*s\n", expected ? "valid" : "invalid", valid ? "valid" : "invalid",
            problem ? problem : "-", chunks ? "" : ", and another answer in chunks", (int)length, json);
    fail();
}

static struct imd_json_value value_of(const char *json) {
    return (struct imd_json_value){.data = json, .length = strlen(json)};
}

/* --- validation --- */

static void check_all(const char *const texts[], size_t count, bool expected) {
    for (size_t i = 0; i < count; i++) check(texts[i], strlen(texts[i]), expected);
}

static const char *const good_texts[] = {
    "0",
    "-0",
    "12",
    "-1.5",
    "1e5",
    "1E+5",
    "1.25e-7",
    "123456789012345678901234567890",
    "0.000",
    "0e0",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "{\"\":{}}",
    " [ ] ",
    "\t{\r\n} ",
    "[1,2,3]",
    "[1 , 2\n,\t3 ]",
    "{\"a\":1,\"a\":2}",
    "{ \"a\" : [ true , null ] }",
    "\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041 \\uAbCd\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\udc00 \\ud800\\ud800\"",
    "\"\x7f\"",
    "\"\xc3\xa9\"",
    "\"\xe2\x80\x8b\"",
    "\"\xef\xbf\xbd\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
    "\xef\xbb\xbf{}",
    "\xef\xbb\xbf \"x\"",
    "\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\xc3\xa9 0123456789abcdef\""};

static void accepts_all_of_rfc_8259(void **state) {
    (void)state;
    check_all(good_texts, sizeof(good_texts) / sizeof(good_texts[0]), true);
}

static const char *const bad_words[] = {"01",   "-",    "-a",    "+1",  "1.",    ".5",    "1e",  "1e+",
                                        "1.e5", "0x10", "-01",   "1-",  "1.2.3", "1e5.0", "NaN", "Infinity",
                                        "tru",  "True", "truee", "nul", "nulll", "fals",  "nan"};

static void refuses_other_numbers_and_literals(void **state) {
    (void)state;
    check_all(bad_words, sizeof(bad_words) / sizeof(bad_words[0]), false);
}

static const char *const bad_strings[] = {
    "\"",   "\"a",      "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u\"",
    "\"\\", "\"\\u123", "'a'",    "\"\n\"",  "\"\x1f\"",  "\"\t\"",      "\"0123456789abcdef\x01\""};

static void refuses_other_strings(void **state) {
    (void)state;
    check_all(bad_strings, sizeof(bad_strings) / sizeof(bad_strings[0]), false);
    check("\"a\0b\"", 5, false);
}

static const char *const bad_utf8[] = {"\"\x80\"",
                                       "\"\xc0\xaf\"",
                                       "\"\xc1\xbf\"",
                                       "\"\xe0\x9f\xbf\"",
                                       "\"\xed\xa0\x80\"",
                                       "\"\xf0\x8f\xbf\xbf\"",
                                       "\"\xf4\x90\x80\x80\"",
                                       "\"\xf5\x80\x80\x80\"",
                                       "\"\xff\"",
                                       "\"\xc3\"",
                                       "\"\xe2\x80\"",
                                       "\"\xe2\x80\xc3\xa9\"",
                                       "\"\xc3",
                                       "\"\xc3\\n\""};

static void refuses_strings_that_are_not_utf8(void **state) {
    (void)state;
    check_all(bad_utf8, sizeof(bad_utf8) / sizeof(bad_utf8[0]), false);
}

static const char *const bad_structures[] = {"",
                                             " ",
                                             "\xef\xbb\xbf",
                                             "\xef\xbb",
                                             "\xef\xbb\xbf\xef\xbb\xbf{}",
                                             " \xef\xbb\xbf{}",
                                             "[",
                                             "]",
                                             "[1",
                                             "[1,",
                                             "[1,]",
                                             "[,1]",
                                             "[1 2]",
                                             "[1}",
                                             "{",
                                             "}",
                                             "{1:2}",
                                             "{\"a\"}",
                                             "{\"a\":}",
                                             "{\"a\":1,}",
                                             "{\"a\":1 \"b\":2}",
                                             "{\"a\" 1}",
                                             "{\"a\":1]",
                                             "{,}",
                                             "{a:1}",
                                             "[1]]",
                                             "{} {}",
                                             "1 2",
                                             "[] x",
                                             "<html></html>",
                                             "/**/[]",
                                             "[]//x",
                                             "\x0b[]",
                                             "\xa0[]"};

static void refuses_other_structures(void **state) {
    (void)state;
    check_all(bad_structures, sizeof(bad_structures) / sizeof(bad_structures[0]), false);
    check("[]\0", 3, false);
    check("\0[]", 3, false);
    check("[1,\0 2]", 7, false);
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char text[2 * IMD_JSON_DEPTH_MAX + 2];
    for (size_t depth = IMD_JSON_DEPTH_MAX - 1; depth <= IMD_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        check(text, 2 * depth, depth <= IMD_JSON_DEPTH_MAX);
    }
}

static void the_scanner_tells_where_it_went_wrong(void **state) {
    (void)state;
    static const struct {
        const char *json;
        uint64_t offset;
    } cases[] = {{"[1,x]", 3}, {"{\"a\":tru }", 8}, {"<html>", 0}, {"[\"a\xff\"]", 3}, {"[\"\\q\"]", 3}, {"[01]", 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct imd_json_scanner scanner;
        imd_json_scanner_init(&scanner);
        const char *at = cases[i].json, *end = at + strlen(at);
        assert_int_equal(imd_json_scan(&scanner, &at, end), IMD_JSON_MALFORMED);
        assert_int_equal(scanner.offset, cases[i].offset);
        assert_ptr_equal(at, cases[i].json + cases[i].offset);
        assert_non_null(scanner.problem);
        assert_int_equal(imd_json_scan(&scanner, &at, end), IMD_JSON_MALFORMED);
        assert_false(imd_json_scanner_complete(&scanner));
    }
}

static void the_scanner_reports_names_and_values_down_to_a_depth(void **state) {
    (void)state;
    const char *json = " {\"a\" : [1, [2] ] ,\"b\":-5}", *at = json, *end = json + strlen(json);
    struct imd_json_scanner scanner;
    imd_json_scanner_init(&scanner);
    scanner.report_depth = 2;
    char log[128];
    size_t used = 0;
    for (;;) {
        static const char letters[] = ".nNvV!"; /* in the order of the events */
        enum imd_json_event event = imd_json_scan(&scanner, &at, end);
        used += (size_t)snprintf(log + used, sizeof(log) - used, "%c%u@%d ", letters[event], scanner.depth,
                                 (int)(at - json));
        if (event == IMD_JSON_MORE) break;
    }
    assert_string_equal(log, "v0@1 n1@2 N1@5 v1@8 v2@9 V2@10 v2@12 V2@15 V1@17 n1@19 N1@22 v1@23 V1@25 V0@26 .0@26 ");
}

static void the_scanner_copies_without_white_space(void **state) {
    (void)state;
    const char *json = "[ { \"a b\" : [ 1 ,\n2 ] , \"c\":\"\\n \" } ]";
    for (size_t chunk = 1; chunk < 40; chunk++) {
        struct imd_json_scanner scanner;
        struct imd_buffer copy;
        imd_json_scanner_init(&scanner);
        imd_buffer_init(&copy, 100);
        scanner.copy = &copy;
        for (size_t done = 0; done < strlen(json); done += chunk) {
            const char *at = json + done, *end = strlen(at) < chunk ? at + strlen(at) : at + chunk;
            assert_int_equal(imd_json_scan(&scanner, &at, end), IMD_JSON_MORE);
        }
        assert_string_equal(copy.data, "[{\"a b\":[1,2],\"c\":\"\\n \"}]");
        imd_buffer_free(&copy);
    }
}

static void a_full_copy_is_told_and_scanning_goes_on(void **state) {
    (void)state;
    struct imd_json_scanner scanner;
    struct imd_buffer copy;
    imd_json_scanner_init(&scanner);
    imd_buffer_init(&copy, 4);
    scanner.copy = &copy;
    const char *json = "[1, 2, 3]", *at = json;
    assert_int_equal(imd_json_scan(&scanner, &at, json + strlen(json)), IMD_JSON_MORE);
    assert_int_equal(scanner.copy_problem, IMD_JSON_COPY_FULL);
    assert_null(scanner.copy);
    assert_true(imd_json_scanner_complete(&scanner));
    imd_buffer_free(&copy);
}

/* Random damage to good texts: the scanner and the plain validator agree on each. */
static void agrees_with_a_plain_validator(void **state) {
    (void)state;
    static const char *const seeds[] = {
        "{\"id\":\"da1_2\",\"n\":[1,-2.50,3e-7,0],\"t\":true,\"f\":false,\"z\":null,\"o\":{\"x\":{}}}",
        "[\"\\ud83d\\ude00 \\u00e9\\/\\n\",\"\xc3\xa9\xe2\x80\x8b\xf0\x9f\x98\x80 0123456789abcdef\", [ ] , { } ]",
        "\xef\xbb\xbf [ \"\xed\x9f\xbf\xf4\x8f\xbf\xbf\" , -0.0E+0 ]",
    };
    static const char bytes[] = "{}[]\",:\\u0123-+.eEtrufalsn \n\t\x01\x80\xc3\xa9\xe2\xed\xf0\xf4\xff/";
    uint32_t seed = 7;
    for (int round = 0; round < 60000; round++) {
        char text[256];
        const char *from = seeds[dice(&seed) % 3];
        size_t length = strlen(from);
        memcpy(text, from, length);
        for (uint32_t damage = dice(&seed) % 4; damage > 0; damage--) {
            size_t at = dice(&seed) % length;
            char byte = bytes[dice(&seed) % sizeof(bytes)];
            switch (dice(&seed) % 3) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    memmove(text + at + 1, text + at, length - at);
                    text[at] = byte;
                    length++;
                    break;
                default:
                    memmove(text + at, text + at + 1, length - at - 1);
                    length--;
                    break;
            }
        }
        check(text, length, plain_valid(text, length));
    }
}

static void wide_steps_equal_plain_ones(void **state) {
    (void)state;
    static const char kinds[] = "ab \n\t\r\"\\\x01\x1f\x20\x21\x7f\x80\xff";
    uint32_t seed = 3;
    for (int round = 0; round < 20000; round++) {
        char text[70];
        size_t length = dice(&seed) % sizeof(text);
        char usual = kinds[dice(&seed) % 3];
        for (size_t i = 0; i < length; i++)
            text[i] = dice(&seed) % 40 ? usual : kinds[dice(&seed) % (sizeof(kinds) - 1)];
        const char *end = text + length, *plain = text, *quote = text, *space = text;
        while (plain < end && imd_json_is_plain(*plain)) plain++;
        while (quote < end && *quote != '"' && *quote != '\\') quote++;
        while (space < end && imd_json_is_space(*space)) space++;
        assert_ptr_equal(imd_json_skip_plain(text, end), plain);
        assert_ptr_equal(imd_json_skip_plain_portable(text, end), plain);
        assert_ptr_equal(imd_json_skip_text(text, end), quote);
        assert_ptr_equal(imd_json_skip_text_portable(text, end), quote);
        assert_ptr_equal(imd_json_skip_space(text, end), space);
        assert_ptr_equal(imd_json_skip_space_portable(text, end), space);
    }
}

/* --- reading --- */

static void goes_through_members_and_elements(void **state) {
    (void)state;
    struct imd_json_value name, value;
    size_t position = 0;
    struct imd_json_value object = value_of(" { \"a\" : 1 , \"b\\\"}\":{\"c\":[1,\"]\"]},\"\":\"x\\\\\" } ");
    static const char *const expected[][2] = {{"a", "1"}, {"b\\\"}", "{\"c\":[1,\"]\"]}"}, {"", "\"x\\\\\""}};
    for (size_t i = 0; i < 3; i++) {
        assert_true(imd_json_next(object, &position, &name, &value));
        assert_int_equal(name.length, strlen(expected[i][0]));
        assert_memory_equal(name.data, expected[i][0], name.length);
        assert_int_equal(value.length, strlen(expected[i][1]));
        assert_memory_equal(value.data, expected[i][1], value.length);
    }
    assert_false(imd_json_next(object, &position, &name, &value));

    struct imd_json_value array = value_of("\xef\xbb\xbf[ null,[2,3] ,\"x\"]");
    static const char *const elements[] = {"null", "[2,3]", "\"x\""};
    position = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(imd_json_next(array, &position, &name, &value));
        assert_int_equal(name.length, 0);
        assert_int_equal(value.length, strlen(elements[i]));
        assert_memory_equal(value.data, elements[i], value.length);
    }
    assert_false(imd_json_next(array, &position, &name, &value));

    static const char *const none[] = {"{}", "[ ]", "1", "\"[1]\"", "", " "};
    for (size_t i = 0; i < 6; i++) {
        position = 0;
        assert_false(imd_json_next(value_of(none[i]), &position, &name, &value));
    }
}

static void finds_members_by_name(void **state) {
    (void)state;
    struct imd_json_value value,
        object = value_of("{\"a\":1,\"v\\u0061l\":2,\"a\":3,\"A\":4,\"\\ud83d\\ude00\":5,\"x\":{\"y\":6}}");
    assert_true(imd_json_member(object, "a", &value));
    assert_memory_equal(value.data, "3", 1);
    assert_true(imd_json_member(object, "val", &value));
    assert_memory_equal(value.data, "2", 1);
    assert_true(imd_json_member(object, "\xf0\x9f\x98\x80", &value));
    assert_memory_equal(value.data, "5", 1);
    assert_false(imd_json_member(object, "y", &value));
    assert_false(imd_json_member(object, "va", &value));
    assert_false(imd_json_member(object, "vall", &value));
    assert_false(imd_json_member(value_of("[\"a\"]"), "a", &value));
    assert_false(imd_json_member(value_of(""), "a", &value));
}

static void decodes_strings(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\"\"", ""},
        {"\"abc\"", "abc"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"a\\u0000b\"",
         "a\xef\xbf\xbd"
         "b"},
        {"\"\\ud800x\"", "\xef\xbf\xbdx"},
        {"\"\\udc00\"", "\xef\xbf\xbd"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud800\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud800\\u0041\"",
         "\xef\xbf\xbd"
         "A"},
        {"\"\xe2\x80\x8b\"", "\xe2\x80\x8b"},
        {"\"\\uFFFD\"", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64], *copy = imd_json_string_dup(value_of(cases[i][0]));
        assert_string_equal(copy, cases[i][1]);
        free(copy);
        assert_int_equal(imd_json_string(value_of(cases[i][0]), out, sizeof(out)), strlen(cases[i][1]));
        assert_string_equal(out, cases[i][1]);
    }
    assert_null(imd_json_string_dup(value_of("12")));
    assert_null(imd_json_string_dup(value_of("null")));
}

static void a_string_that_does_not_fit_is_refused_whole(void **state) {
    (void)state;
    char out[4];
    assert_int_equal(imd_json_string(value_of("\"abc\""), out, sizeof(out)), 3);
    assert_int_equal(imd_json_string(value_of("\"abcd\""), out, sizeof(out)), -1);
    assert_string_equal(out, "");
    assert_int_equal(imd_json_string(value_of("\"\\u0061\\u0062\\u0063\""), out, sizeof(out)),
                     3); /* fits once decoded */
    assert_string_equal(out, "abc");
    assert_int_equal(imd_json_string(value_of("\"\\u0061\\u0062\\u0063\\u0064\""), out, sizeof(out)), -1);
    assert_string_equal(out, "");
    assert_int_equal(imd_json_string(value_of("123"), out, sizeof(out)), -1);
}

static void reads_integers(void **state) {
    (void)state;
    int64_t number = 0;
    assert_true(imd_json_integer(value_of("3599"), &number) && number == 3599);
    assert_true(imd_json_integer(value_of("\"3599\""), &number) && number == 3599);
    assert_true(imd_json_integer(value_of("-1"), &number) && number == -1);
    assert_true(imd_json_integer(value_of("9223372036854775807"), &number) && number == INT64_MAX);
    assert_true(imd_json_integer(value_of("-9223372036854775808"), &number) && number == INT64_MIN);
    number = 5;
    static const char *const others[] = {"9223372036854775808",
                                         "-9223372036854775809",
                                         "18446744073709551617",
                                         "99999999999999999999",
                                         "1.0",
                                         "1e3",
                                         "\"\"",
                                         "\"-\"",
                                         "\" 1\"",
                                         "\"1x\"",
                                         "null",
                                         "true",
                                         "[1]",
                                         "{}",
                                         ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(imd_json_integer(value_of(others[i]), &number));
    assert_int_equal(number, 5);
}

static void knows_null(void **state) {
    (void)state;
    assert_true(imd_json_is_null(value_of("null")));
    assert_false(imd_json_is_null(value_of("\"null\"")));
    assert_false(imd_json_is_null(value_of("")));
}

/* Containers are passed 64 bytes at a time; whatever looks like their end lies once at each place of such a block. */
static void passes_containers_wherever_they_end(void **state) {
    (void)state;
    static const char *const inner[] = {"\"]}{[\"", "\"\\\"]\"", "\"\\\\\"", "\"\\\\\\\"}\"", "[[{\"a\":[]}],{}]", "{}"};
    for (size_t kind = 0; kind < sizeof(inner) / sizeof(inner[0]); kind++) {
        for (int before = 0; before < 140; before++) {
            for (int behind = 0; behind < 140; behind += 23) {
                char json[512];
                int length = snprintf(json, sizeof(json), "[{\"x\":\"%.*s\",\"y\":%s},\"%*s\"]", before,
                                      "................................................................................."
                                      "..............................................................",
                                      inner[kind], behind, "");
                size_t position = 0;
                struct imd_json_value list = {.data = json, .length = (size_t)length}, name, value;
                assert_true(imd_json_valid(json, (size_t)length, NULL));
                assert_true(imd_json_next(list, &position, &name, &value));
                assert_int_equal(value.length, length - behind - 5);
                assert_true(imd_json_next(list, &position, &name, &value));
                assert_int_equal(value.length, behind + 2);
                assert_false(imd_json_next(list, &position, &name, &value));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_all_of_rfc_8259),
        cmocka_unit_test(refuses_other_numbers_and_literals),
        cmocka_unit_test(refuses_other_strings),
        cmocka_unit_test(refuses_strings_that_are_not_utf8),
        cmocka_unit_test(refuses_other_structures),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(the_scanner_tells_where_it_went_wrong),
        cmocka_unit_test(the_scanner_reports_names_and_values_down_to_a_depth),
        cmocka_unit_test(the_scanner_copies_without_white_space),
        cmocka_unit_test(a_full_copy_is_told_and_scanning_goes_on),
        cmocka_unit_test(agrees_with_a_plain_validator),
        cmocka_unit_test(wide_steps_equal_plain_ones),
        cmocka_unit_test(goes_through_members_and_elements),
        cmocka_unit_test(passes_containers_wherever_they_end),
        cmocka_unit_test(finds_members_by_name),
        cmocka_unit_test(decodes_strings),
        cmocka_unit_test(a_string_that_does_not_fit_is_refused_whole),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(knows_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
