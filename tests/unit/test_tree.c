/* SPDX-License-Identifier: Apache-2.0 */
/* imd_tree_build() makes what libfastjson's tokener makes, and survives every failing allocation.
 *
 * Arguments: directories whose files of JSON (or of one JSON value a line) are compared too, beside the fixtures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libfastjson/json.h>
#include <libfastjson/json_tokener.h>

#include "../../plugins/imdefender/base/buffer.h"
#include "../../plugins/imdefender/base/json.h"
#include "../../plugins/imdefender/shared_text.h"
#include "../../plugins/imdefender/tree.h"

/* fjson_global_do_case_sensitive_comparison() is exported, but in no header of the package. */
extern void fjson_global_do_case_sensitive_comparison(int newval);

/* --- counting and failing allocations, where no sanitizer has its own --- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED) || !defined(__GLIBC__)
#define CAN_FAIL_ALLOCATIONS 0
#else
#define CAN_FAIL_ALLOCATIONS 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static long fail_at = -1, allocations, live; /* fail_at < 0: not counting */

static bool fails(void) {
    if (fail_at < 0) return false;
    if (allocations++ != fail_at) return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *memory) {
    if (fail_at >= 0 && memory) live++;
    return memory;
}

void *malloc(size_t size) {
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size) {
    if (fails()) return NULL;
    void *larger = __libc_realloc(memory, size);
    return memory ? larger : counted(larger);
}

void free(void *memory) {
    if (fail_at >= 0 && memory) live--;
    __libc_free(memory);
}
#endif

static const struct imd_json_value NO_HINT = {.data = NULL};

/* --- comparing with the tokener --- */

static struct fjson_object *tokenize(const char *json, size_t length) {
    struct fjson_tokener *tokener = fjson_tokener_new_ex(IMD_JSON_DEPTH_MAX + 2);
    assert_non_null(tokener);
    struct fjson_object *tree = fjson_tokener_parse_ex(tokener, json, (int)length);
    /* A number or literal ends only with what follows it. */
    if (fjson_tokener_get_error(tokener) == fjson_tokener_continue) tree = fjson_tokener_parse_ex(tokener, " ", 1);
    if (fjson_tokener_get_error(tokener) != fjson_tokener_success) {
        fprintf(stderr, "the tokener says \"%s\" to: %.*s\n",
                fjson_tokener_error_desc(fjson_tokener_get_error(tokener)), (int)length, json);
        fail();
    }
    fjson_tokener_free(tokener);
    return tree;
}

/* The printed form tells neither 1 from 1.0 kept as text nor what follows a 0 byte in a string. */
static bool same(struct fjson_object *a, struct fjson_object *b) {
    enum fjson_type type = fjson_object_get_type(a);
    if (type != fjson_object_get_type(b)) return false;
    double x, y;
    switch (type) {
        case fjson_type_string:
            return fjson_object_get_string_len(a) == fjson_object_get_string_len(b) &&
                   memcmp(fjson_object_get_string(a), fjson_object_get_string(b),
                          (size_t)fjson_object_get_string_len(a) + 1) == 0;
        case fjson_type_int:
            return fjson_object_get_int64(a) == fjson_object_get_int64(b);
        case fjson_type_double:
            x = fjson_object_get_double(a);
            y = fjson_object_get_double(b);
            return memcmp(&x, &y, sizeof(x)) == 0;
        case fjson_type_array:
            if (fjson_object_array_length(a) != fjson_object_array_length(b)) return false;
            for (int i = 0; i < fjson_object_array_length(a); i++)
                if (!same(fjson_object_array_get_idx(a, i), fjson_object_array_get_idx(b, i))) return false;
            return true;
        case fjson_type_object: {
            if (fjson_object_object_length(a) != fjson_object_object_length(b)) return false;
            struct fjson_object_iterator i = fjson_object_iter_begin(a), j = fjson_object_iter_begin(b);
            struct fjson_object_iterator end = fjson_object_iter_end(a);
            for (; !fjson_object_iter_equal(&i, &end); fjson_object_iter_next(&i), fjson_object_iter_next(&j)) {
                if (strcmp(fjson_object_iter_peek_name(&i), fjson_object_iter_peek_name(&j)) != 0) return false;
                if (!same(fjson_object_iter_peek_value(&i), fjson_object_iter_peek_value(&j))) return false;
            }
            return true;
        }
        case fjson_type_null:
        case fjson_type_boolean:
            return fjson_object_get_boolean(a) == fjson_object_get_boolean(b);
    }
    return false;
}

static struct imd_shared_texts *texts; /* of all that is compared */

static void compare(const char *json, size_t length) {
    /* In memory that ends with the text, so that a sanitizer sees reads beyond it. */
    char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, json, length);
    assert_true(imd_json_valid(copy, length, NULL));
    struct fjson_object *built = imd_tree_build(copy, length, IMD_PARSE_JSON_ON, NO_HINT, NULL);
    struct fjson_object *shared = imd_tree_build(copy, length, IMD_PARSE_JSON_ON, NO_HINT, texts);
    free(copy);
    assert_true(same(built, shared));
    fjson_object_put(shared);
    struct fjson_object *expected = tokenize(json, length);
    if (!same(built, expected) ||
        strcmp(fjson_object_to_json_string(built), fjson_object_to_json_string(expected)) != 0) {
        fprintf(stderr, "expected %s\ngot      %s\nfor      %.*s\n", fjson_object_to_json_string(expected),
                fjson_object_to_json_string(built), (int)length, json);
        fail();
    }
    fjson_object_put(built);
    fjson_object_put(expected);
}

static const char *const samples[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "\"\"",
    "0",
    " { } ",
    "[ ]",
    "-0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1.0",
    "1.10",
    "-0.0",
    "1e5",
    "1E+5",
    "2.5e-7",
    "1e999",
    "-1e999",
    "1e-999",
    "0.1234567890123456789012345678901234567890123456789",
    "\"0123456789012345678901234567890\"",
    "\"01234567890123456789012345678901\"", /* 31 and 32 bytes are stored differently */
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"",
    "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\udc00\"",
    "\"\\ud800\\ud83d\\ude00\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\n\"",
    "\"\\udbff\\udfff\\ud800\\udc00\"",
    "\"\xc3\xa9\xe2\x80\x8b\xef\xbf\xbd\xf0\x9f\x98\x80\x7f\"",
    "{\"a\":1,\"b\":2,\"a\":3}",
    "{\"a\":1,\"a\":null,\"b\":{}}",
    "{\"a\":{\"x\":1},\"a\":[2]}",
    "{\"\":1,\"\":2}",
    "{\"a\\u0000b\":1,\"a\":2}",
    "{\"\\u0061\":1,\"a\":2}",
    "{\"a\\/b\":1,\"\\n\":2}",
    "{\"key\":1,\"KEY\":2,\"Key\":3}",
    "[null,[null],{\"a\":null}]",
    "[[],[[]],{},{\"a\":{}},[{}]]",
    " [ 1 , 2 , { \"a\" : [ ] , \"b\" : null } ] \n",
};

static void equals_the_tokener(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) compare(samples[i], strlen(samples[i]));
}

/* rsyslog makes libfastjson compare names without case unless it is told otherwise. */
static void equals_the_tokener_when_names_have_no_case(void **state) {
    fjson_global_do_case_sensitive_comparison(0);
    equals_the_tokener(state);
    fjson_global_do_case_sensitive_comparison(1);
}

static void builds_deeper_than_the_tokener_does_by_default(void **state) {
    (void)state;
    char json[8 * IMD_JSON_DEPTH_MAX];
    size_t length = 0;
    for (int i = 0; i < IMD_JSON_DEPTH_MAX; i++)
        length += (size_t)snprintf(json + length, sizeof(json) - length, i % 2 ? "[" : i ? "{\"a\":" : "{\"b\":");
    for (int i = IMD_JSON_DEPTH_MAX - 1; i >= 0; i--) json[length++] = i % 2 ? ']' : '}';
    compare(json, length);
}

static void handles_many_members(void **state) {
    (void)state;
    struct imd_buffer json;
    imd_buffer_init(&json, 1u << 20);
    assert_true(imd_buffer_add_char(&json, '{'));
    for (int i = 0; i < 3000; i++) assert_true(imd_buffer_print(&json, "%s\"n%d\":%d", i ? "," : "", i % 2900, i));
    assert_true(imd_buffer_add_char(&json, '}'));
    compare(json.data, json.length);
    imd_buffer_free(&json);
}

/* --- random values --- */

static uint32_t dice(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void add_space(struct imd_buffer *out, uint32_t *seed) {
    static const char *const spaces[] = {"", "", "", " ", "\n  ", "\t\r\n                    "};
    assert_true(imd_buffer_add_text(out, spaces[dice(seed) % 6]));
}

static void add_string(struct imd_buffer *out, uint32_t *seed) {
    static const char *const pieces[] = {"a",
                                         "B",
                                         "id",
                                         "x",
                                         " ",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "\\n",
                                         "\\u0041",
                                         "\\u00e9",
                                         "\\ud83d\\ude00",
                                         "\\ud800",
                                         "\\udc00",
                                         "\\u0000",
                                         "\xc3\xa9",
                                         "\xe2\x80\x8b",
                                         "\xf0\x9f\x98\x80",
                                         "0123456789abcdef",
                                         "#microsoft.graph.security.deviceEvidence"};
    assert_true(imd_buffer_add_char(out, '"'));
    for (uint32_t n = dice(seed) % 6; n > 0; n--) assert_true(imd_buffer_add_text(out, pieces[dice(seed) % 20]));
    assert_true(imd_buffer_add_char(out, '"'));
}

static void add_number(struct imd_buffer *out, uint32_t *seed) {
    if (dice(seed) % 4 == 0) assert_true(imd_buffer_add_char(out, '-'));
    uint32_t whole = dice(seed) % 3 ? 1 + dice(seed) : 0;
    assert_true(imd_buffer_print(out, "%u", whole));
    if (whole > 0 && dice(seed) % 6 == 0)
        assert_true(imd_buffer_print(out, "%u%u%u", dice(seed), dice(seed), dice(seed)));
    if (dice(seed) % 3 == 0) assert_true(imd_buffer_print(out, ".%u", dice(seed)));
    if (dice(seed) % 4 == 0) assert_true(imd_buffer_print(out, "%s%u", dice(seed) % 2 ? "e-" : "E+", dice(seed) % 400));
}

static void add_value(struct imd_buffer *out, uint32_t *seed, int depth) {
    static const char *const literals[] = {"true", "false", "null"};
    add_space(out, seed);
    switch (dice(seed) % (depth < 5 ? 7 : 4)) {
        case 0:
            assert_true(imd_buffer_add_text(out, literals[dice(seed) % 3]));
            break;
        case 1:
            add_number(out, seed);
            break;
        case 2:
        case 3:
            add_string(out, seed);
            break;
        case 4:
            assert_true(imd_buffer_add_char(out, '['));
            for (uint32_t n = dice(seed) % 6, i = 0; i < n; i++) {
                if (i) assert_true(imd_buffer_add_char(out, ','));
                add_value(out, seed, depth + 1);
            }
            add_space(out, seed);
            assert_true(imd_buffer_add_char(out, ']'));
            break;
        default:
            assert_true(imd_buffer_add_char(out, '{'));
            for (uint32_t n = dice(seed) % 12, i = 0; i < n; i++) {
                if (i) assert_true(imd_buffer_add_char(out, ','));
                add_space(out, seed);
                add_string(out, seed);
                add_space(out, seed);
                assert_true(imd_buffer_add_char(out, ':'));
                add_value(out, seed, depth + 1);
            }
            add_space(out, seed);
            assert_true(imd_buffer_add_char(out, '}'));
            break;
    }
    add_space(out, seed);
}

static void equals_the_tokener_on_random_values(void **state) {
    (void)state;
    struct imd_buffer json;
    imd_buffer_init(&json, 1u << 20);
    uint32_t seed = 5;
    for (int round = 0; round < 4000; round++) {
        imd_buffer_clear(&json);
        add_value(&json, &seed, 0);
        compare(json.data, json.length);
    }
    imd_buffer_free(&json);
}

/* --- files --- */

static char **directories;
static int directory_count;

static char *read_file(const char *path, size_t *length) {
    struct imd_buffer content;
    imd_buffer_init(&content, 64u << 20);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char block[8192];
    for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
        assert_true(imd_buffer_add(&content, block, got));
    fclose(file);
    *length = content.length;
    return imd_buffer_take(&content);
}

static unsigned compare_file(const char *path) {
    size_t length = 0;
    unsigned compared = 0;
    char *content = read_file(path, &length);
    if (!content) return 0; /* a directory */
    if (imd_json_valid(content, length, NULL)) {
        compare(content, length);
        compared = 1;
    } else {
        for (char *line = content, *end; line < content + length; line = end + 1) {
            end = memchr(line, '\n', (size_t)(content + length - line));
            if (!end) end = content + length;
            if (!imd_json_valid(line, (size_t)(end - line), NULL)) continue;
            compare(line, (size_t)(end - line));
            compared++;
        }
    }
    free(content);
    return compared;
}

static void equals_the_tokener_on_files(void **state) {
    (void)state;
    unsigned compared = 0;
    for (int i = 0; i < directory_count; i++) {
        DIR *directory = opendir(directories[i]);
        if (!directory) {
            fprintf(stderr, "cannot open the directory %s: %s\n", directories[i], strerror(errno));
            fail();
        }
        for (struct dirent *entry; (entry = readdir(directory));) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", directories[i], entry->d_name);
            if (entry->d_name[0] != '.') compared += compare_file(path);
        }
        closedir(directory);
    }
    printf("%u values of files compared\n", compared);
    assert_int_not_equal(compared, 0); /* the fixtures belong to the project: without them nothing was tested */
}

/* --- summary and off --- */

static void expect(const char *json, enum imd_parse_json mode, const char *expected) {
    struct fjson_object *built = imd_tree_build(json, strlen(json), mode, NO_HINT, NULL);
    assert_string_equal(fjson_object_to_json_string_ext(built, FJSON_TO_STRING_PLAIN), expected);
    fjson_object_put(built);
}

static void a_summary_holds_scalars_and_text_arrays(void **state) {
    (void)state;
    expect("{\"a\":\"x\",\"b\":1,\"c\":2.50,\"d\":null,\"e\":true}", IMD_PARSE_JSON_SUMMARY,
           "{\"a\":\"x\",\"b\":1,\"c\":2.50,\"d\":null,\"e\":true}");
    expect(" { \"t\" : [ \"x\" , \"]\" ] , \"u\" : [ ] } ", IMD_PARSE_JSON_SUMMARY, "{\"t\":[\"x\",\"]\"],\"u\":[]}");
    expect("{\"o\":{\"a\":1},\"p\":[1],\"q\":[\"x\",null],\"r\":[[\"x\"]],\"s\":[{\"a\":1}],\"z\":0}",
           IMD_PARSE_JSON_SUMMARY, "{\"z\":0}");
    expect("{\"e\":[{\"q\":\"\\\"}]\"}],\"\\u007a\":\"\\n\"}", IMD_PARSE_JSON_SUMMARY, "{\"z\":\"\\n\"}");
    expect("{\"a\":1,\"b\":2,\"a\":{}}", IMD_PARSE_JSON_SUMMARY, "{\"b\":2}"); /* the last one counts */
    expect("{\"a\":{},\"a\":1}", IMD_PARSE_JSON_SUMMARY, "{\"a\":1}");
    expect("{\"a\":1,\"a\":{},\"b\":2,\"a\":3}", IMD_PARSE_JSON_SUMMARY, "{\"b\":2,\"a\":3}");
    expect("{}", IMD_PARSE_JSON_SUMMARY, "{}");
    expect("[{\"a\":{}}]", IMD_PARSE_JSON_SUMMARY, "[{\"a\":{}}]");
}

/* Wherever the largest member is said to lie, and however it is shaped, the summary is the same. */
static void a_summary_is_the_same_with_a_hint(void **state) {
    (void)state;
    static const char json[] = "{\"a\":1,\"o\": {\"x\":[1,2]} ,\"p\":[ {\"y\":\"]\"} ],\"s\":[\"x\",\"y\"],\"o\":[[]],\"z\":0}";
    static const char expected[] = "{\"a\":1,\"s\":[\"x\",\"y\"],\"z\":0}";
    expect(json, IMD_PARSE_JSON_SUMMARY, expected);
    struct imd_json_value object = {.data = json, .length = strlen(json)}, name, value;
    unsigned hints = 0;
    for (size_t position = 0; imd_json_next(object, &position, &name, &value);) {
        if (*value.data != '{' && *value.data != '[') continue;
        struct fjson_object *built = imd_tree_build(json, strlen(json), IMD_PARSE_JSON_SUMMARY, value, NULL);
        assert_string_equal(fjson_object_to_json_string_ext(built, FJSON_TO_STRING_PLAIN), expected);
        fjson_object_put(built);
        hints++;
    }
    assert_int_equal(hints, 4);
}

static void off_is_an_empty_object(void **state) {
    (void)state;
    expect("{\"a\":1}", IMD_PARSE_JSON_OFF, "{}");
}

/* --- short memory --- */

#if CAN_FAIL_ALLOCATIONS
static void every_allocation_may_fail(void **state) {
    (void)state;
    char long_name[1500], long_text[1500];
    memset(long_name, 'n', sizeof(long_name));
    memset(long_text, 't', sizeof(long_text));
    struct imd_buffer json;
    imd_buffer_init(&json, 1u << 16);
    assert_true(
        imd_buffer_print(&json,
                         "{\"%.1400s\":\"%.1400s\\n\",\"a\":[1,2.5,\"0123456789012345678901234567890123\",null,[true]],"
                         "\"b\":{\"c\":{}},\"b\":1,\"s\":[\"x\",\"\\u0041\"]",
                         long_name, long_text));
    for (int i = 0; i < 100; i++)
        assert_true(imd_buffer_print(&json, ",\"m%d\":%d", i, i)); /* several pages, larger hash */
    assert_true(imd_buffer_add_char(&json, '}'));
    for (int mode = IMD_PARSE_JSON_ON; mode <= IMD_PARSE_JSON_SUMMARY; mode++) {
        bool built = false;
        for (long at = 0; !built; at++) {
            struct imd_shared_texts *own = imd_shared_texts_new();
            assert_non_null(own);
            allocations = 0;
            live = 1; /* `own`, which is freed before it is counted again */
            fail_at = at;
            struct fjson_object *tree = imd_tree_build(json.data, json.length, (enum imd_parse_json)mode, NO_HINT, own);
            bool failed_one = allocations > at;
            fjson_object_put(tree);
            imd_shared_texts_free(own);
            long left = live;
            fail_at = -1;
            built = tree != NULL;
            assert_int_equal(left, 0);
            assert_int_equal(built, !failed_one);
        }
        assert_true(allocations > 100);
    }
    imd_buffer_free(&json);
}
#endif

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_tokener),
        cmocka_unit_test(equals_the_tokener_when_names_have_no_case),
        cmocka_unit_test(builds_deeper_than_the_tokener_does_by_default),
        cmocka_unit_test(handles_many_members),
        cmocka_unit_test(equals_the_tokener_on_random_values),
        cmocka_unit_test(equals_the_tokener_on_files),
        cmocka_unit_test(a_summary_holds_scalars_and_text_arrays),
        cmocka_unit_test(a_summary_is_the_same_with_a_hint),
        cmocka_unit_test(off_is_an_empty_object),
#if CAN_FAIL_ALLOCATIONS
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
#ifdef IMD_FIXTURES
    char fixtures[] = IMD_FIXTURES;
    char *own[] = {fixtures};
    directories = own;
    directory_count = 1;
#endif
    if (argc > 1) {
        directories = argv + 1;
        directory_count = argc - 1;
    }
    texts = imd_shared_texts_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    imd_shared_texts_free(texts);
    return failed;
}
