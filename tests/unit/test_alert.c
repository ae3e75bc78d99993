/* SPDX-License-Identifier: Apache-2.0 */
/* What imd_alert_read() takes out of an object, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/imdefender/api/alert.h"

/* Rows of this test's own, so that it does not depend on the real table. */
static const struct imd_source alerts = {.id = IMD_SOURCE_ALERTS,
                                         .name = "alerts",
                                         .id_field = "id",
                                         .time_field = "lastUpdateDateTime",
                                         .created_field = "createdDateTime",
                                         .tenant_field = "tenantId",
                                         .severity_field = "severity",
                                         .incident_field = "incidentId",
                                         .link_field = "alertWebUrl"};
static const struct imd_source incidents = {.id = IMD_SOURCE_INCIDENTS,
                                            .name = "incidents",
                                            .id_field = "id",
                                            .time_field = "lastUpdateDateTime",
                                            .created_field = "createdDateTime",
                                            .tenant_field = "tenantId",
                                            .link_field = "incidentWebUrl"};
static const struct imd_source detections = {.id = IMD_SOURCE_SIEM_DETECTIONS,
                                             .name = "siem-detections",
                                             .id_field = "AlertId",
                                             .time_field = "AlertTime",
                                             .created_field = "AlertTime",
                                             .severity_field = "Severity"};

static struct imd_alert_fields fields;

static enum imd_alert_problem read_as(const struct imd_source *source, const char *json) {
    memset(&fields, 'x', sizeof(fields));
    return imd_alert_read(source, json, strlen(json), (struct imd_json_value){.data = NULL}, &fields);
}

/* What lies in a member that is known is not looked at: here it is no JSON. */
static void passes_over_the_largest_member(void **state) {
    (void)state;
    const char *json = "{\"id\":\"1\",\"b\":{[\"id\":\"3\"},\"lastUpdateDateTime\":\"1970-01-01T00:00:02Z\",\"c\":[]}";
    struct imd_json_value largest = {.data = strstr(json, "{["), .length = strlen("{[\"id\":\"3\"}")};
    assert_int_equal(imd_alert_read(&alerts, json, strlen(json), largest, &fields), IMD_ALERT_OK);
    assert_string_equal(fields.id, "1");
    assert_string_equal(fields.updated, "1970-01-01T00:00:02Z");
    assert_ptr_equal(fields.largest.data, largest.data);
    assert_int_equal(fields.largest.length, largest.length);
    assert_int_equal(read_as(&alerts, json), IMD_ALERT_NO_TIME); /* else it is read, and there is no way behind it */
}

static void reads_what_the_engine_needs(void **state) {
    (void)state;
    const char *json =
        "{\"id\":\"da1_-2\",\"title\":\"t\",\"tenantId\":\"0000-1\",\"severity\":\"high\","
        "\"createdDateTime\":\"1970-01-01T00:00:01Z\",\"lastUpdateDateTime\":\"1970-01-01T00:00:02.0000003Z\","
        "\"incidentId\":\"4711\",\"alertWebUrl\":\"https:\\/\\/p/a?tid=1\",\"incidentWebUrl\":\"https://p/i\","
        "\"evidence\":[{\"id\":\"no\",\"severity\":\"no\",\"lastUpdateDateTime\":\"no\"}]}";
    assert_int_equal(read_as(&alerts, json), IMD_ALERT_OK);
    assert_string_equal(fields.id, "da1_-2");
    assert_int_equal(fields.id_length, 6);
    assert_string_equal(fields.updated, "1970-01-01T00:00:02.0000003Z");
    assert_int_equal(fields.stamp, 2 * IMD_TICKS_PER_SECOND + 3);
    assert_int_equal(fields.created, IMD_TICKS_PER_SECOND);
    assert_string_equal(fields.tenant_id, "0000-1");
    assert_string_equal(fields.severity, "high");
    assert_string_equal(fields.incident_id, "4711");
    assert_string_equal(fields.web_url, "https://p/a?tid=1");
    assert_int_equal(read_as(&incidents, json), IMD_ALERT_OK);
    assert_string_equal(fields.web_url, "https://p/i");
}

static void an_incident_may_be_named_by_a_number(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"17", "17"}, {"\"17\"", "17"}, {"null", ""}, {"{}", ""}, {"true", ""}, {"[1]", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[160];
        snprintf(json, sizeof(json), "{\"id\":\"1\",\"lastUpdateDateTime\":\"1970-01-01T00:00:00Z\",\"incidentId\":%s}",
                 cases[i][0]);
        assert_int_equal(read_as(&alerts, json), IMD_ALERT_OK);
        assert_string_equal(fields.incident_id, cases[i][1]);
    }
}

static void one_member_can_be_two_fields(void **state) {
    (void)state;
    assert_int_equal(
        read_as(&detections, "{\"AlertId\":\"1\",\"AlertTime\":\"1970-01-01T00:00:01Z\",\"Severity\":\"Low\"}"),
        IMD_ALERT_OK);
    assert_int_equal(fields.stamp, IMD_TICKS_PER_SECOND);
    assert_int_equal(fields.created, IMD_TICKS_PER_SECOND);
    assert_string_equal(fields.severity, "Low");
}

#define STAMP "\"lastUpdateDateTime\":\"1970-01-01T00:00:00Z\""

static void what_is_optional_may_be_missing(void **state) {
    (void)state;
    static const char *const objects[] = {
        "{\"id\":\"1\"," STAMP "}",
        "{\"id\":\"1\"," STAMP ",\"tenantId\":null,\"severity\":null,\"alertWebUrl\":null,\"createdDateTime\":null}",
        "{\"id\":\"1\"," STAMP ",\"severity\":3,\"alertWebUrl\":{},\"createdDateTime\":\"yesterday\"}",
    };
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        assert_int_equal(read_as(&alerts, objects[i]), IMD_ALERT_OK);
        assert_string_equal(fields.tenant_id, "");
        assert_string_equal(fields.severity, "");
        assert_string_equal(fields.web_url, "");
        assert_int_equal(fields.created, IMD_TIME_NONE);
    }
}

static void ids_are_text_or_numbers(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"4711", "4711"},
        {"-1", "-1"},
        {"12345678901234567890123", "12345678901234567890123"},
        {"\"\\u0061\\/\"", "a/"},
        {"\"\xc3\xa9\"", "\xc3\xa9"},
        {"\" \"", " "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[128];
        snprintf(json, sizeof(json), "{\"id\":%s," STAMP "}", cases[i][0]);
        assert_int_equal(read_as(&alerts, json), IMD_ALERT_OK);
        assert_string_equal(fields.id, cases[i][1]);
        assert_int_equal(fields.id_length, strlen(cases[i][1]));
    }
}

static void the_last_of_equal_names_counts(void **state) {
    (void)state;
    assert_int_equal(
        read_as(&alerts, "{\"id\":\"1\",\"i\\u0064\":\"2\"," STAMP ",\"tenantId\":\"a\",\"tenantId\":\"b\"}"),
        IMD_ALERT_OK);
    assert_string_equal(fields.id, "2");
    assert_string_equal(fields.tenant_id, "b");
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *json;
        enum imd_alert_problem problem;
    } cases[] = {
        {"[]", IMD_ALERT_NOT_OBJECT},
        {"\"id\"", IMD_ALERT_NOT_OBJECT},
        {"1", IMD_ALERT_NOT_OBJECT},
        {"", IMD_ALERT_NOT_OBJECT},
        {"{}", IMD_ALERT_NO_ID},
        {"{" STAMP "}", IMD_ALERT_NO_ID},
        {"{\"id\":null," STAMP "}", IMD_ALERT_NO_ID},
        {"{\"id\":\"\"," STAMP "}", IMD_ALERT_NO_ID},
        {"{\"id\":{}," STAMP "}", IMD_ALERT_NO_ID},
        {"{\"id\":true," STAMP "}", IMD_ALERT_NO_ID},
        {"{\"Id\":\"1\"," STAMP "}", IMD_ALERT_NO_ID},
        {"{\"id\":\"1\"}", IMD_ALERT_NO_TIME},
        {"{\"id\":\"1\",\"lastUpdateDateTime\":null}", IMD_ALERT_NO_TIME},
        {"{\"id\":\"1\",\"lastUpdateDateTime\":\"\"}", IMD_ALERT_BAD_TIME},
        {"{\"id\":\"1\",\"lastUpdateDateTime\":17}", IMD_ALERT_BAD_TIME},
        {"{\"id\":\"1\",\"lastUpdateDateTime\":\"2026-13-01T00:00:00Z\"}", IMD_ALERT_BAD_TIME},
        {"{\"id\":\"1\",\"lastUpdateDateTime\":\"2026-01-01T00:00:00Z\\u0000\"}", IMD_ALERT_BAD_TIME},
        {"{\"id\":\"1\"," STAMP ",\"tenantId\":7}", IMD_ALERT_BAD_TENANT},
        {"{\"id\":\"1\"," STAMP ",\"tenantId\":[\"a\"]}", IMD_ALERT_BAD_TENANT},
        {"{\"tenantId\":{}}", IMD_ALERT_BAD_TENANT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum imd_alert_problem problem = read_as(&alerts, cases[i].json);
        if (problem != cases[i].problem) {
            fprintf(stderr, "expected %d, got %d: %s\n", cases[i].problem, problem, cases[i].json);
            fail();
        }
        assert_int_not_equal(strlen(imd_alert_problem_text(problem)), 0);
    }
    /* What could be read is there for the log. */
    assert_int_equal(read_as(&alerts, "{\"id\":\"1\",\"lastUpdateDateTime\":\"x\"}"), IMD_ALERT_BAD_TIME);
    assert_string_equal(fields.id, "1");
    assert_string_equal(fields.updated, "");
    assert_int_equal(fields.stamp, IMD_TIME_NONE);
}

/* Builds an object with `name` holding `length` letters beside a good id and time stamp. */
static char *with_long(const char *name, size_t length) {
    size_t size = length + 256;
    char *json = malloc(size), *letters = malloc(length + 1);
    assert_non_null(json);
    assert_non_null(letters);
    memset(letters, 'a', length);
    letters[length] = '\0';
    snprintf(json, size, "{\"id\":\"1\"," STAMP ",\"%s\":\"%s\"}", name, letters);
    free(letters);
    return json;
}

static void maxima_are_kept_and_nothing_is_cut(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t maximum;
        enum imd_alert_problem problem;
        const char *text;
    } cases[] = {
        {"id", IMD_ALERT_ID_MAX, IMD_ALERT_LONG_ID, fields.id},
        {"tenantId", IMD_ALERT_TENANT_MAX, IMD_ALERT_BAD_TENANT, fields.tenant_id},
        {"severity", IMD_ALERT_SEVERITY_MAX, IMD_ALERT_OK, fields.severity},
        {"alertWebUrl", IMD_ALERT_WEB_URL_MAX, IMD_ALERT_OK, fields.web_url},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *json = with_long(cases[i].name, cases[i].maximum);
        assert_int_equal(read_as(&alerts, json), IMD_ALERT_OK);
        assert_int_equal(strlen(cases[i].text), cases[i].maximum);
        free(json);
        json = with_long(cases[i].name, cases[i].maximum + 1);
        assert_int_equal(read_as(&alerts, json), cases[i].problem);
        assert_string_equal(cases[i].text, "");
        free(json);
    }
    char number[IMD_ALERT_ID_MAX + 64] = "{" STAMP ",\"id\":";
    size_t used = strlen(number);
    assert_true(used + 20 < sizeof(number));
    char *json = malloc(2 * IMD_ALERT_ID_MAX);
    memcpy(json, number, used);
    memset(json + used, '1', IMD_ALERT_ID_MAX + 1);
    memcpy(json + used + IMD_ALERT_ID_MAX + 1, "}", 2);
    assert_int_equal(read_as(&alerts, json), IMD_ALERT_LONG_ID);
    free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_engine_needs), cmocka_unit_test(passes_over_the_largest_member),
        cmocka_unit_test(an_incident_may_be_named_by_a_number),
        cmocka_unit_test(one_member_can_be_two_fields),
        cmocka_unit_test(what_is_optional_may_be_missing),    cmocka_unit_test(ids_are_text_or_numbers),
        cmocka_unit_test(the_last_of_equal_names_counts),     cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(maxima_are_kept_and_nothing_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
