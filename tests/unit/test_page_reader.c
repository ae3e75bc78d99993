/* SPDX-License-Identifier: Apache-2.0 */
/* What the page reader promises: every object of a complete page whole and unchanged, and an error for everything else,
 * whatever the chunks are in which the answer arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/imdefender/api/page_reader.h"
#include "../../plugins/imdefender/base/buffer.h"
#include "../../plugins/imdefender/base/json.h"
#include "../fuzz/largest_member.h"

static uint32_t dice(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* What came out of reading an answer. */
struct result {
    struct imd_buffer elements; /* each followed by a line end */
    size_t count;
    size_t stop_at; /* the receiver stops at this element, counted from 1; 0: never */
    enum imd_page_problem problem;
    struct imd_error error;
    char *next_link;
    int64_t total;
};

static bool receive(void *context, const char *json, size_t length, struct imd_json_value largest) {
    struct result *result = context;
    assert_int_equal(json[length], '\0');
    struct imd_json_value expected = largest_member((struct imd_json_value){.data = json, .length = length});
    assert_ptr_equal(largest.data, expected.data);
    assert_int_equal(largest.length, expected.length);
    assert_true(imd_buffer_add(&result->elements, json, length) && imd_buffer_add_char(&result->elements, '\n'));
    return ++result->count != result->stop_at;
}

static const struct imd_page_limits usual = {.body = 64u << 20, .object = 0};

/* Reads `body` in chunks of `chunk` bytes, each in memory of its own so that a sanitizer sees reads beyond it. */
static void read_page(struct result *result, const char *body, size_t length, size_t chunk,
                      const struct imd_page_limits *limits, size_t stop_at) {
    memset(result, 0, sizeof(*result));
    result->stop_at = stop_at;
    imd_buffer_init(&result->elements, 64u << 20);
    struct imd_page_reader *reader = imd_page_reader_new(limits, receive, result);
    assert_non_null(reader);
    enum imd_page_problem fed = IMD_PAGE_OK;
    for (size_t done = 0; done < length; done += chunk) {
        size_t size = length - done < chunk ? length - done : chunk;
        char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, body + done, size);
        enum imd_page_problem now = imd_page_reader_feed(reader, copy, size);
        free(copy);
        if (fed != IMD_PAGE_OK) assert_int_equal(now, fed); /* it only repeats its answer */
        fed = now;
    }
    result->problem = imd_page_reader_finish(reader, &result->error);
    if (fed != IMD_PAGE_OK) assert_int_equal(result->problem, fed);
    assert_int_equal(imd_page_reader_finish(reader, NULL), result->problem);
    const char *link = imd_page_reader_next_link(reader);
    result->next_link = link ? strdup(link) : NULL;
    result->total = imd_page_reader_count(reader);
    imd_page_reader_free(reader);
}

static void free_result(struct result *result) {
    imd_buffer_free(&result->elements);
    free(result->next_link);
}

static const char *elements_of(const struct result *result) {
    return result->elements.data ? result->elements.data : "";
}

static void expect_bytes(const char *body, size_t length, enum imd_page_problem problem, const char *elements) {
    static const size_t chunks[] = {1, 2, 3, 7, 16, 33, 1u << 20};
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        struct result result;
        read_page(&result, body, length, chunks[i], &usual, 0);
        if (result.problem != problem || strcmp(elements_of(&result), elements) != 0) {
            fprintf(stderr, "expected %d with:\n%sgot %d (%s) with:\n%sfor (chunks of %zu): %.*s\n", problem, elements,
                    result.problem, result.error.what, elements_of(&result), chunks[i], (int)length, body);
            fail();
        }
        assert_true(problem == IMD_PAGE_OK || result.error.what[0] != '\0');
        free_result(&result);
    }
}

static void expect(const char *body, enum imd_page_problem problem, const char *elements) {
    expect_bytes(body, strlen(body), problem, elements);
}

/* --- what is delivered --- */

static void delivers_each_element_without_white_space(void **state) {
    (void)state;
    expect("{\"value\":[]}", IMD_PAGE_OK, "");
    expect("{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}]}", IMD_PAGE_OK, "{\"id\":\"1\"}\n{\"id\":\"2\"}\n");
    expect(" {\r\n \"value\" : [ { \"id\" : \"a b\\n\" ,\t\"n\" : [ 1 , 2 ] } ,\n{ } ] } \n", IMD_PAGE_OK,
           "{\"id\":\"a b\\n\",\"n\":[1,2]}\n{}\n");
    expect("{\"value\":[1,-2.5e3 ,\"x\",null,true,[],[[3]],{}]}", IMD_PAGE_OK,
           "1\n-2.5e3\n\"x\"\nnull\ntrue\n[]\n[[3]]\n{}\n");
    expect("\xef\xbb\xbf{\"value\":[{}]}", IMD_PAGE_OK, "{}\n");
}

static void keeps_every_other_byte(void **state) {
    (void)state;
    expect("{\"value\":[{\"a\":\"\\/ \\u0041 \\ud800 \xe2\x80\x8b\xef\xbf\xbd  x\",\"n\":1.2300E+05,\"a\":null}]}",
           IMD_PAGE_OK, "{\"a\":\"\\/ \\u0041 \\ud800 \xe2\x80\x8b\xef\xbf\xbd  x\",\"n\":1.2300E+05,\"a\":null}\n");
}

static void passes_over_other_members(void **state) {
    (void)state;
    expect(
        "{\"@odata.context\":\"x\",\"a\":{\"value\":[1]},\"b\":[{\"value\":[2]}],\"value\":[3],\"c\":null,\"d\":[4]}",
        IMD_PAGE_OK, "3\n");
    expect("{\"v\\u0061lue\":[1]}", IMD_PAGE_OK, "1\n");
    expect("{\"values\":[1],\"valu\":[2],\"Value\":[3],\"value\":[4],\"\":[5]}", IMD_PAGE_OK, "4\n");
    expect("{\"value\":[{\"value\":[{\"value\":[1]}]}]}", IMD_PAGE_OK, "{\"value\":[{\"value\":[1]}]}\n");
}

static void long_names_and_values_of_other_members_are_not_kept(void **state) {
    (void)state;
    struct imd_buffer body;
    imd_buffer_init(&body, 1u << 20);
    assert_true(imd_buffer_add_text(&body, "{\""));
    for (int i = 0; i < 30000; i++) assert_true(imd_buffer_add_char(&body, 'n'));
    assert_true(imd_buffer_add_text(&body, "\":\""));
    for (int i = 0; i < 30000; i++) assert_true(imd_buffer_add_char(&body, 'v'));
    assert_true(imd_buffer_add_text(&body, "\",\"@odata.count\":"));
    for (int i = 0; i < 30000; i++) assert_true(imd_buffer_add_char(&body, '1'));
    assert_true(imd_buffer_add_text(&body, ",\"value\":[1]}"));
    struct imd_page_limits limits = {.body = 1u << 20, .object = 8};
    for (size_t chunk = 100; chunk < 200000; chunk *= 10) {
        struct result result;
        read_page(&result, body.data, body.length, chunk, &limits, 0);
        assert_int_equal(result.problem, IMD_PAGE_OK);
        assert_string_equal(elements_of(&result), "1\n");
        assert_int_equal(result.total, -1);
        free_result(&result);
    }
    imd_buffer_free(&body);
}

static void reads_next_link_and_count(void **state) {
    (void)state;
    static const struct {
        const char *body, *link;
        int64_t total;
    } cases[] = {
        {"{\"@odata.count\":12,\"@odata.nextLink\":\"https:\\/\\/h/p?$skip=1\\u0026a=b\",\"value\":[]}",
         "https://h/p?$skip=1&a=b", 12},
        {"{\"value\":[{\"@odata.nextLink\":\"inner\",\"@odata.count\":3}]}", NULL, -1},
        {"{\"value\":[],\"@odata.nextLink\":null,\"@odata.count\":null}", NULL, -1},
        {"{\"value\":[],\"@odata.nextLink\":[\"x\"],\"@odata.count\":\"7\"}", NULL, -1},
        {"{\"value\":[],\"@odata.nextLink\":\"\",\"@odata.count\":1.5}", "", -1},
        {"{\"value\":[],\"@odata.count\":1,\"@odata.count\":2}", NULL, 2},
        {"{\"value\":[],\"@odata.count\":1,\"@odata.count\":null}", NULL, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t chunk = 1; chunk < 100; chunk += 9) {
            struct result result;
            read_page(&result, cases[i].body, strlen(cases[i].body), chunk, &usual, 0);
            assert_int_equal(result.problem, IMD_PAGE_OK);
            if (cases[i].link)
                assert_string_equal(result.next_link, cases[i].link);
            else
                assert_null(result.next_link);
            assert_int_equal(result.total, cases[i].total);
            free_result(&result);
        }
    }
}

/* Bytes that are allocated; 0 where a sanitizer has its own allocator. */
static size_t allocated(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static bool ignore(void *context, const char *json, size_t length, struct imd_json_value largest) {
    (void)json;
    (void)largest;
    if (length > *(size_t *)context) *(size_t *)context = length;
    return true;
}

static void memory_of_a_large_element_is_given_back(void **state) {
    (void)state;
    size_t largest = 0, letters = 4u << 20;
    char *text = malloc(letters);
    assert_non_null(text);
    memset(text, 'a', letters);
    struct imd_page_reader *reader = imd_page_reader_new(&usual, ignore, &largest);
    assert_non_null(reader);
    size_t before = allocated();
    assert_int_equal(imd_page_reader_feed(reader, "{\"value\":[\"", 11), IMD_PAGE_OK);
    assert_int_equal(imd_page_reader_feed(reader, text, letters), IMD_PAGE_OK);
    assert_int_equal(imd_page_reader_feed(reader, "\",", 2), IMD_PAGE_OK);
    assert_int_equal(largest, letters + 2);
    assert_true(allocated() < before + (512u << 10));
    assert_int_equal(imd_page_reader_feed(reader, "1]}", 3), IMD_PAGE_OK);
    assert_int_equal(imd_page_reader_finish(reader, NULL), IMD_PAGE_OK);
    imd_page_reader_free(reader);
    free(text);
}

/* --- what is an error --- */

static void what_is_no_json_is_an_error(void **state) {
    (void)state;
    expect("", IMD_PAGE_NOT_JSON, "");
    expect("  \n", IMD_PAGE_NOT_JSON, "");
    expect("\xef\xbb\xbf", IMD_PAGE_NOT_JSON, "");
    expect("<!DOCTYPE html><html><body>Sign in</body></html>", IMD_PAGE_NOT_JSON, "");
    expect("{\"value\":[1]} x", IMD_PAGE_NOT_JSON, "1\n");
    expect("{\"value\":[1]}{\"value\":[2]}", IMD_PAGE_NOT_JSON, "1\n");
    expect("{\"value\":[1,2,]}", IMD_PAGE_NOT_JSON, "1\n2\n");
    expect("{\"value\":[{\"a\":\"\xff\"}]}", IMD_PAGE_NOT_JSON, "");
    expect_bytes("\0", 1, IMD_PAGE_NOT_JSON, "");
    expect_bytes("{\"value\":[1]}\0", 14, IMD_PAGE_NOT_JSON, "1\n");
    expect_bytes("{\"value\":[\"a\0b\"]}", 17, IMD_PAGE_NOT_JSON, "");
    expect("{\"value\":[],\"@odata.nextLink\":\"a\",\"@odata.nextLink\":\"b\"}", IMD_PAGE_NOT_JSON, "");
}

static void an_answer_cut_anywhere_is_an_error(void **state) {
    (void)state;
    const char *body = "{\"@odata.nextLink\":\"x\",\"value\":[{\"id\":\"\\u0041\"},2],\"b\":true}";
    for (size_t length = 0; length < strlen(body); length++) {
        struct result result;
        read_page(&result, body, length, 5, &usual, 0);
        assert_int_equal(result.problem, IMD_PAGE_NOT_JSON);
        free_result(&result);
    }
    expect(body, IMD_PAGE_OK, "{\"id\":\"\\u0041\"}\n2\n");
}

static void json_that_is_no_list_is_an_error(void **state) {
    (void)state;
    expect("{}", IMD_PAGE_NO_VALUE, "");
    expect("{\"error\":{\"code\":\"x\",\"value\":[1]}}", IMD_PAGE_NO_VALUE, "");
    expect("{\"value\":null}", IMD_PAGE_NO_VALUE, "");
    expect("{\"value\":{\"value\":[1]}}", IMD_PAGE_NO_VALUE, "");
    expect("{\"value\":\"[]\"}", IMD_PAGE_NO_VALUE, "");
    expect("[{\"value\":[1]}]", IMD_PAGE_NO_VALUE, "");
    expect("[]", IMD_PAGE_NO_VALUE, "");
    expect("null", IMD_PAGE_NO_VALUE, "");
    expect("12", IMD_PAGE_NO_VALUE, "");
    expect("\"value\"", IMD_PAGE_NO_VALUE, "");
    expect("{\"value\":[1],\"value\":[2]}", IMD_PAGE_NO_VALUE, "1\n");
    expect("{\"value\":[1],\"value\":[2],\"value\":[3]}", IMD_PAGE_NO_VALUE, "1\n");
    expect("{\"value\":null,\"value\":[2]}", IMD_PAGE_NO_VALUE, "");
    expect("{\"value\":[1],\"value\":null}", IMD_PAGE_NO_VALUE, "1\n");
}

static void limits_count_as_soon_as_they_are_passed(void **state) {
    (void)state;
    const char *body = "{\"value\":[ { \"a\" : 1 } , { \"a\" : \"01234567\" } ] }";
    static const struct {
        struct imd_page_limits limits;
        enum imd_page_problem problem;
        const char *elements;
    } cases[] = {
        {{.body = 50, .object = 0}, IMD_PAGE_OK, "{\"a\":1}\n{\"a\":\"01234567\"}\n"},
        {{.body = 49, .object = 16}, IMD_PAGE_OK, "{\"a\":1}\n{\"a\":\"01234567\"}\n"},
        {{.body = 48, .object = 16}, IMD_PAGE_TOO_LARGE, "{\"a\":1}\n{\"a\":\"01234567\"}\n"},
        {{.body = 100, .object = 15}, IMD_PAGE_TOO_LARGE, "{\"a\":1}\n"},
        {{.body = 100, .object = 6}, IMD_PAGE_TOO_LARGE, ""},
    };
    assert_int_equal(strlen(body), 49);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result;
        read_page(&result, body, strlen(body), 1, &cases[i].limits, 0);
        assert_int_equal(result.problem, cases[i].problem);
        assert_string_equal(elements_of(&result), cases[i].elements);
        free_result(&result);
    }
    /* An object that never ends is given up at the limit, not at its end. */
    struct result result = {.count = 0};
    struct imd_page_limits limits = {.body = 1u << 30, .object = 1000};
    struct imd_page_reader *reader = imd_page_reader_new(&limits, receive, &result);
    assert_int_equal(imd_page_reader_feed(reader, "{\"value\":[\"", 11), IMD_PAGE_OK);
    size_t fed = 1;
    while (imd_page_reader_feed(reader, "0123456789", 10) == IMD_PAGE_OK) fed += 10;
    assert_in_range(fed, 980, 1000);
    imd_page_reader_free(reader);
}

static void a_next_link_has_a_limit(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct imd_buffer body;
        imd_buffer_init(&body, 1u << 20);
        assert_true(imd_buffer_add_text(&body, "{\"value\":[],\"@odata.nextLink\":\""));
        for (int i = 0; i < (16 << 10) - 2 + more; i++) assert_true(imd_buffer_add_char(&body, 'x'));
        assert_true(imd_buffer_add_text(&body, "\"}"));
        for (size_t chunk = 1000; chunk <= 100000; chunk *= 100) {
            struct result result;
            read_page(&result, body.data, body.length, chunk, &usual, 0);
            assert_int_equal(result.problem, more ? IMD_PAGE_TOO_LARGE : IMD_PAGE_OK);
            free_result(&result);
        }
        imd_buffer_free(&body);
    }
}

static void the_receiver_can_stop(void **state) {
    (void)state;
    const char *body = "{\"value\":[1,2,3]}";
    struct result result;
    read_page(&result, body, strlen(body), 100, &usual, 2);
    assert_int_equal(result.problem, IMD_PAGE_STOPPED);
    assert_string_equal(elements_of(&result), "1\n2\n");
    free_result(&result);
}

static void errors_say_where_but_quote_nothing(void **state) {
    (void)state;
    struct result result;
    const char *secret = "{\"value\":[1],\"S3cret\":S3cret}";
    read_page(&result, secret, strlen(secret), 4, &usual, 0);
    assert_non_null(strstr(result.error.what, "byte 22"));
    assert_null(strstr(result.error.what, "S3cret"));
    free_result(&result);

    const char *html = "\n<html>S3cret</html>";
    read_page(&result, html, strlen(html), 4, &usual, 0);
    assert_non_null(strstr(result.error.what, "HTML"));
    assert_non_null(strstr(result.error.what, "byte 1"));
    assert_null(strstr(result.error.what, "S3cret"));
    free_result(&result);

    struct imd_page_limits limits = {.body = 100, .object = 4};
    const char *large = "{\"value\":[\"S3cret\"]}";
    read_page(&result, large, strlen(large), 4, &limits, 0);
    assert_non_null(strstr(result.error.what, "4 bytes"));
    assert_null(strstr(result.error.what, "S3cret"));
    assert_string_not_equal(result.error.remedy, "");
    free_result(&result);
}

/* --- any bytes in any chunks: as if the whole lay in memory --- */

static void copy_without_space(struct imd_buffer *out, struct imd_json_value value) {
    bool in_string = false;
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
        assert_true(imd_buffer_add_char(out, c));
        if (in_string && c == '\\')
            assert_true(imd_buffer_add_char(out, value.data[++i]));
        else if (c == '"')
            in_string = !in_string;
    }
    assert_true(imd_buffer_add_char(out, '\n'));
}

static void compare_with_whole(const char *body, size_t length, uint32_t *seed) {
    struct imd_json_value root = {.data = body, .length = length}, value, name, element;
    struct imd_buffer expected;
    imd_buffer_init(&expected, 1u << 20);
    bool valid = imd_json_valid(body, length, NULL);
    if (valid && imd_json_member(root, "value", &value) && value.data[0] == '[') {
        size_t position = 0;
        while (imd_json_next(value, &position, &name, &element)) copy_without_space(&expected, element);
    }
    struct result result;
    read_page(&result, body, length, 1 + dice(seed) % 40, &usual, 0);
    if (!valid) assert_int_equal(result.problem, IMD_PAGE_NOT_JSON);
    if (result.problem == IMD_PAGE_OK) {
        assert_true(valid);
        assert_string_equal(elements_of(&result), expected.data ? expected.data : "");
    }
    free_result(&result);
    imd_buffer_free(&expected);
}

static void damaged_pages_read_as_if_whole_in_memory(void **state) {
    (void)state;
    const char *good =
        "{ \"@odata.nextLink\" :\"h\",\"a\":{\"value\":[1]},\"value\": [ {\"i\":\"\\\"\xc3\xa9 \" , \"n\":[ 1, 2.5e1] "
        ", \"o\" : { \"p\" : [] } } ,"
        " \"s\", 7 ],\"@odata.count\":3 }";
    static const char bytes[] = "{}[]\",:\\ 0123e.-null\"\"value\xc3\xa9\x01";
    uint32_t seed = 11;
    for (int round = 0; round < 20000; round++) {
        char body[256];
        size_t length = strlen(good);
        memcpy(body, good, length);
        for (uint32_t damage = dice(&seed) % 3; damage > 0; damage--) {
            size_t at = dice(&seed) % length, to = dice(&seed) % length;
            if (dice(&seed) % 2)
                body[at] = bytes[dice(&seed) % (sizeof(bytes) - 1)];
            else
                body[at] = body[to];
        }
        if (dice(&seed) % 20 == 0) length = dice(&seed) % length;
        compare_with_whole(body, length, &seed);
    }
}

static void reads_a_bare_array_where_that_is_the_list(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum imd_page_problem problem;
        const char *elements;
    } cases[] = {
        {"[ {\"a\" : [1, 2]} , {\"b\":{\"value\":[3]}} ]", IMD_PAGE_OK, "{\"a\":[1,2]}\n{\"b\":{\"value\":[3]}}\n"},
        {" [] ", IMD_PAGE_OK, ""},
        {"[1,\"x\",null]", IMD_PAGE_OK, "1\n\"x\"\nnull\n"},
        {"{\"value\":[{}]}", IMD_PAGE_NO_VALUE, ""},
        {"17", IMD_PAGE_NO_VALUE, ""},
        {"[{\"a\":1}", IMD_PAGE_NOT_JSON, "{\"a\":1}\n"},
        {"[{}] x", IMD_PAGE_NOT_JSON, "{}\n"},
        {"", IMD_PAGE_NOT_JSON, ""},
    };
    static const struct imd_page_limits bare = {.bare_array = true, .body = 1u << 20};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t chunk = 1; chunk < 40; chunk += 6) {
            struct result result;
            read_page(&result, cases[i].body, strlen(cases[i].body), chunk, &bare, 0);
            assert_int_equal(result.problem, cases[i].problem);
            assert_string_equal(elements_of(&result), cases[i].elements);
            free_result(&result);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_each_element_without_white_space),
        cmocka_unit_test(reads_a_bare_array_where_that_is_the_list),
        cmocka_unit_test(keeps_every_other_byte),
        cmocka_unit_test(passes_over_other_members),
        cmocka_unit_test(long_names_and_values_of_other_members_are_not_kept),
        cmocka_unit_test(reads_next_link_and_count),
        cmocka_unit_test(memory_of_a_large_element_is_given_back),
        cmocka_unit_test(what_is_no_json_is_an_error),
        cmocka_unit_test(an_answer_cut_anywhere_is_an_error),
        cmocka_unit_test(json_that_is_no_list_is_an_error),
        cmocka_unit_test(limits_count_as_soon_as_they_are_passed),
        cmocka_unit_test(a_next_link_has_a_limit),
        cmocka_unit_test(the_receiver_can_stop),
        cmocka_unit_test(errors_say_where_but_quote_nothing),
        cmocka_unit_test(damaged_pages_read_as_if_whole_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
