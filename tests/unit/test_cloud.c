/* SPDX-License-Identifier: Apache-2.0 */
/* The table of clouds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include "api/cloud.h"
#include "api/source.h"
#include "config/values.h"

static void all_clouds_are_found_in_any_case(void **state) {
    (void)state;
    assert_string_equal(imd_cloud_find("GccHigh")->graph_url, "https://graph.microsoft.us");
    assert_string_equal(imd_cloud_find("dod")->graph_url, "https://dod-graph.microsoft.us");
    assert_string_equal(imd_cloud_find("global")->login_url, "https://login.microsoftonline.com");
    assert_string_equal(imd_cloud_find("china")->login_url, "https://login.chinacloudapi.cn");
    assert_null(imd_cloud_find("gov"));
    assert_null(imd_cloud_find(NULL));
}

static void gcc_is_global_but_for_the_defender_hosts(void **state) {
    const struct imd_cloud *gcc = imd_cloud_find("gcc"), *global = imd_cloud_find("global");
    (void)state;

    assert_string_equal(gcc->login_url, global->login_url);
    assert_string_equal(gcc->graph_url, global->graph_url);
    assert_string_not_equal(gcc->endpoint_url, global->endpoint_url);
}

static void china_has_no_source(void **state) {
    (void)state;
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) assert_true((imd_cloud_find("china")->missing_sources & 1u << i) != 0);
    assert_int_equal(imd_cloud_find("global")->missing_sources, 0);
}

static void assert_base_url(const char *url) {
    size_t length;
    const char *problem;
    if (url == NULL) return;
    assert_true(imd_value_url(url, &length, &problem));
    assert_int_equal(length, strlen(url)); /* no slash at the end */
    assert_int_equal(strncmp(url, "https://", 8), 0);
}

static void every_host_is_an_https_url(void **state) {
    (void)state;
    for (const struct imd_cloud *cloud = imd_clouds; cloud->name != NULL; cloud++) {
        assert_non_null(cloud->login_url);
        assert_non_null(cloud->graph_url);
        assert_non_null(cloud->federation_audience);
        assert_base_url(cloud->login_url);
        assert_base_url(cloud->graph_url);
        assert_base_url(cloud->endpoint_url);
        assert_base_url(cloud->endpoint_audience);
        assert_base_url(cloud->portal_url);
        bool without_endpoint = (cloud->missing_sources & 1u << IMD_SOURCE_ENDPOINT_ALERTS) != 0;
        assert_int_equal(without_endpoint, cloud->endpoint_url == NULL);
        assert_int_equal(cloud->endpoint_audience == NULL, cloud->endpoint_url == NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_clouds_are_found_in_any_case),
        cmocka_unit_test(gcc_is_global_but_for_the_defender_hosts),
        cmocka_unit_test(china_has_no_source),
        cmocka_unit_test(every_host_is_an_https_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
