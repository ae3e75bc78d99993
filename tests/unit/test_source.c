/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <string.h>
#include "api/source.h"

static void all_sources_are_found_in_any_case(void **state) {
    (void)state;
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        assert_int_equal(imd_sources[i].id, i);
        assert_ptr_equal(imd_source_find(imd_sources[i].name), &imd_sources[i]);
    }
    assert_ptr_equal(imd_source_find("Endpoint-Alerts"), &imd_sources[IMD_SOURCE_ENDPOINT_ALERTS]);
    assert_null(imd_source_find("alert"));
    assert_null(imd_source_find(NULL));
}

static void the_source_alerts_is_as_documented(void **state) {
    const struct imd_source *alerts = imd_source_find("alerts");
    (void)state;

    assert_true(alerts->available);
    assert_int_equal(alerts->api, IMD_API_GRAPH);
    assert_string_equal(alerts->path, "/v1.0/security/alerts_v2");
    assert_string_equal(alerts->permission, "SecurityAlert.Read.All");
    assert_string_equal(alerts->id_field, "id");
    assert_string_equal(alerts->time_field, "lastUpdateDateTime");
    assert_string_equal(alerts->created_field, "createdDateTime");
    assert_int_equal(alerts->page_ceiling, 1000);
    assert_int_equal(alerts->per_minute, 150);
    assert_string_equal(alerts->partitions[0], "severity");
    assert_string_equal(alerts->partitions[1], "serviceSource");
}

static void ceilings_and_quotas_differ_by_source(void **state) {
    (void)state;
    assert_int_equal(imd_source_find("incidents")->page_ceiling, 50);
    assert_int_equal(imd_source_find("endpoint-alerts")->page_ceiling, 10000);
    assert_int_equal(imd_source_find("endpoint-alerts")->per_minute, 100);
    assert_int_equal(imd_source_find("endpoint-alerts")->per_hour, 1500);
}

static int count_values(const char *const *values) {
    int count = 0;
    for (; values[count] != NULL; count++) {
        for (int i = 0; i < count; i++) assert_string_not_equal(values[i], values[count]);
        assert_null(strchr(values[count], '\'')); /* they go between single quotes */
    }
    return count;
}

static void partitions_have_values_without_repetition(void **state) {
    const struct imd_source *alerts = imd_source_find("alerts");
    (void)state;

    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        for (int p = 0; p < 2; p++) {
            const char *const *values = imd_sources[i].partition_values[p];
            assert_int_equal(imd_sources[i].partitions[p] == NULL, values == NULL);
            if (values != NULL) assert_true(count_values(values) >= 4);
        }
    }
    assert_int_equal(count_values(alerts->partition_values[0]), 6);
    assert_int_equal(count_values(alerts->partition_values[1]), 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sources_are_found_in_any_case),
        cmocka_unit_test(the_source_alerts_is_as_documented),
        cmocka_unit_test(ceilings_and_quotas_differ_by_source),
        cmocka_unit_test(partitions_have_values_without_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
