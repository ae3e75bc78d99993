/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of a list request: ranges, partitions, the user's filter, order and page size, encoded for any server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/query.h"

#define BASE "https://graph.example"
#define NOON INT64_C(17672256000000000) /* 2026-01-01T00:00:00Z */

static const struct imd_query everything = {.from = IMD_TIME_NONE,
                                            .to = IMD_TIME_NONE,
                                            .created_from = IMD_TIME_NONE,
                                            .created_to = IMD_TIME_NONE,
                                            .top = 1000};

static void check(const struct imd_query *query, enum imd_source_id source, const char *expected) {
    struct imd_buffer url;
    imd_buffer_init(&url, IMD_URL_MAX);
    assert_true(imd_query_url(&url, BASE, &imd_sources[source], query));
    assert_string_equal(url.data, expected);
    imd_buffer_free(&url);
}

static void without_bounds_there_is_no_filter(void **state) {
    (void)state;
    check(&everything, IMD_SOURCE_ALERTS, BASE "/v1.0/security/alerts_v2?$top=1000");
}

static void the_lower_bound_is_inclusive_and_the_upper_one_exclusive(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.from = NOON;
    query.to = NOON + 1;
    check(&query, IMD_SOURCE_ALERTS,
          BASE
          "/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%20ge%202026-01-01T00%3A00%3A00Z%20and%20"
          "lastUpdateDateTime%20lt%202026-01-01T00%3A00%3A00.0000001Z");
    query.from = IMD_TIME_NONE;
    check(&query, IMD_SOURCE_ALERTS,
          BASE "/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%20lt%202026-01-01T00%3A00%3A00.0000001Z");
}

static void times_keep_all_seven_digits(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.from = NOON + 1234567;
    check(&query, IMD_SOURCE_ALERTS,
          BASE "/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%20ge%202026-01-01T00%3A00%3A00.1234567Z");
}

static void creation_time_and_partitions_narrow_it_further(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.created_from = NOON;
    query.created_to = NOON + 10000000;
    query.values[0] = "high";
    query.values[1] = "microsoftDefenderForIdentity";
    query.top = 7;
    check(&query, IMD_SOURCE_ALERTS,
          BASE
          "/v1.0/security/alerts_v2?$top=7&$filter=createdDateTime%20ge%202026-01-01T00%3A00%3A00Z%20and%20"
          "createdDateTime%20lt%202026-01-01T00%3A00%3A01Z%20and%20severity%20eq%20%27high%27%20and%20"
          "serviceSource%20eq%20%27microsoftDefenderForIdentity%27");
}

static void each_source_has_its_own_fields(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.from = NOON;
    query.ordered = true;
    query.top = 50;
    check(&query, IMD_SOURCE_INCIDENTS,
          BASE
          "/v1.0/security/incidents?$top=50&$filter=lastUpdateDateTime%20ge%202026-01-01T00%3A00%3A00Z"
          "&$orderby=lastUpdateDateTime%20asc");
    check(&query, IMD_SOURCE_ENDPOINT_ALERTS,
          BASE
          "/api/alerts?$top=50&$filter=lastUpdateTime%20ge%202026-01-01T00%3A00%3A00Z&$orderby=lastUpdateTime%20asc");
}

static void navigation_properties_are_asked_for_where_there_are_any(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.expand = true;
    query.top = 5;
    check(&query, IMD_SOURCE_ALERTS, BASE "/v1.0/security/alerts_v2?$top=5");
    check(&query, IMD_SOURCE_INCIDENTS, BASE "/v1.0/security/incidents?$top=5&$expand=alerts");
    check(&query, IMD_SOURCE_ENDPOINT_ALERTS, BASE "/api/alerts?$top=5&$expand=evidence");
}

/* Milliseconds, UTC without saying so, and a millisecond wider at both ends: nobody documents what the bounds include.
 */
static void the_siem_api_is_asked_for_a_window(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.ordered = query.expand = true;
    query.filter = "severity eq 'high'";
    query.from = NOON;
    check(&query, IMD_SOURCE_SIEM_DETECTIONS, BASE "/api/alerts?limit=1000&sinceTimeUtc=2025-12-31T23%3A59%3A59.999");
    query.to = NOON + 1230000;
    check(&query, IMD_SOURCE_SIEM_DETECTIONS,
          BASE
          "/api/alerts?limit=1000&sinceTimeUtc=2025-12-31T23%3A59%3A59.999&untilTimeUtc=2026-01-01T00%3A00%3A00.124");
}

/* "a or b" beside the time range would otherwise let in everything that b matches, at every poll. */
static void the_users_filter_is_anded_as_a_whole(void **state) {
    (void)state;
    struct imd_query query = everything;
    query.from = NOON;
    query.filter = "severity eq 'high' or title eq 'a&b=c#d+e'";
    check(&query, IMD_SOURCE_ALERTS,
          BASE
          "/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%20ge%202026-01-01T00%3A00%3A00Z%20and%20%28"
          "severity%20eq%20%27high%27%20or%20title%20eq%20%27a%26b%3Dc%23d%2Be%27%29");
    query.from = IMD_TIME_NONE;
    query.filter = "status ne 'r\xc3\xa9solu'";
    check(&query, IMD_SOURCE_ALERTS,
          BASE "/v1.0/security/alerts_v2?$top=1000&$filter=%28status%20ne%20%27r%C3%A9solu%27%29");
}

static void a_filter_that_does_not_fit_is_refused_and_never_cut(void **state) {
    (void)state;
    struct imd_query query = everything;
    struct imd_buffer url;
    char *filter = malloc(IMD_URL_MAX + 1);
    memset(filter, '\'', IMD_URL_MAX);
    filter[IMD_URL_MAX] = 0;
    query.filter = filter;
    imd_buffer_init(&url, IMD_URL_MAX);
    assert_false(imd_query_url(&url, BASE, &imd_sources[0], &query));
    filter[IMD_URL_MAX / 2] = 0; /* fits until it is encoded */
    imd_buffer_clear(&url);
    assert_false(imd_query_url(&url, BASE, &imd_sources[0], &query));
    imd_buffer_free(&url);
    free(filter);
}

static void the_url_is_added_to_what_is_there(void **state) {
    (void)state;
    struct imd_buffer url;
    imd_buffer_init(&url, 200);
    imd_buffer_add_text(&url, "> ");
    assert_true(imd_query_url(&url, "", &imd_sources[0], &everything));
    assert_string_equal(url.data, "> /v1.0/security/alerts_v2?$top=1000");
    imd_buffer_free(&url);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_bounds_there_is_no_filter),
        cmocka_unit_test(the_lower_bound_is_inclusive_and_the_upper_one_exclusive),
        cmocka_unit_test(times_keep_all_seven_digits),
        cmocka_unit_test(creation_time_and_partitions_narrow_it_further),
        cmocka_unit_test(each_source_has_its_own_fields),
        cmocka_unit_test(navigation_properties_are_asked_for_where_there_are_any),
        cmocka_unit_test(the_siem_api_is_asked_for_a_window),
        cmocka_unit_test(the_users_filter_is_anded_as_a_whole),
        cmocka_unit_test(a_filter_that_does_not_fit_is_refused_and_never_cut),
        cmocka_unit_test(the_url_is_added_to_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
