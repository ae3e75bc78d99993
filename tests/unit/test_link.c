/* SPDX-License-Identifier: Apache-2.0 */
/* Links into the customer's portal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/imdefender/api/link.h"

#define TENANT "00000000-0000-0000-0000-000000000001"

static struct imd_alert_fields fields;

static const char *link_of(enum imd_source_id source, const char *cloud, const char *tenant, const char *token_tenant,
                           const char *id, const char *given) {
    char tenant_id[64];
    snprintf(tenant_id, sizeof tenant_id, "%s", tenant);
    struct imd_settings settings = {.tenant_id = tenant_id, .cloud = imd_cloud_find(cloud)};
    memset(&fields, 0, sizeof fields);
    snprintf(fields.id, sizeof fields.id, "%s", id);
    snprintf(fields.web_url, sizeof fields.web_url, "%s", given);
    imd_link_complete(&settings, &imd_sources[source], token_tenant, &fields);
    return fields.web_url;
}

static void the_link_of_the_api_is_kept(void **state) {
    (void)state;
    assert_string_equal(link_of(IMD_SOURCE_ALERTS, "global", TENANT, "", "da1", "https://p/alerts/da1?tid=other"),
                        "https://p/alerts/da1?tid=other");
    assert_string_equal(link_of(IMD_SOURCE_ALERTS, "global", TENANT, "", "da1", "https://p/a?x=1&tid=other"),
                        "https://p/a?x=1&tid=other");
}

static void a_link_without_tenant_gets_it(void **state) {
    (void)state;
    assert_string_equal(link_of(IMD_SOURCE_ALERTS, "global", TENANT, "", "da1", "https://p/alerts/da1"),
                        "https://p/alerts/da1?tid=" TENANT);
    assert_string_equal(link_of(IMD_SOURCE_SIEM_DETECTIONS, "global", TENANT, "", "1", "https://p/alert?id=1"),
                        "https://p/alert?id=1&tid=" TENANT);
}

static void an_endpoint_alert_gets_one_of_its_clouds_portal(void **state) {
    (void)state;
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "global", TENANT, "", "da1_-2", ""),
                        "https://security.microsoft.com/alerts/da1_-2?tid=" TENANT);
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "dod", TENANT, "", "a b", ""),
                        "https://security.apps.mil/alerts/a%20b?tid=" TENANT);
}

static void a_tenant_given_by_domain_is_named_by_its_id(void **state) {
    (void)state;
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "global", "contoso.example", TENANT, "1", ""),
                        "https://security.microsoft.com/alerts/1?tid=" TENANT);
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "global", "contoso.example", "", "1", ""),
                        "https://security.microsoft.com/alerts/1?tid=contoso.example");
}

static void where_no_link_can_be_made_there_is_none(void **state) {
    (void)state;
    assert_string_equal(link_of(IMD_SOURCE_SIEM_DETECTIONS, "global", TENANT, "", "1", ""), "");
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "china", TENANT, "", "1", ""), "");
    char id[IMD_ALERT_ID_MAX + 1];
    memset(id, ' ', sizeof id - 1); /* each becomes three bytes */
    id[sizeof id - 1] = 0;
    assert_string_equal(link_of(IMD_SOURCE_ENDPOINT_ALERTS, "global", TENANT, "", id, ""), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link_of_the_api_is_kept),
        cmocka_unit_test(a_link_without_tenant_gets_it),
        cmocka_unit_test(an_endpoint_alert_gets_one_of_its_clouds_portal),
        cmocka_unit_test(a_tenant_given_by_domain_is_named_by_its_id),
        cmocka_unit_test(where_no_link_can_be_made_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
