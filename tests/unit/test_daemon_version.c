/* SPDX-License-Identifier: Apache-2.0 */
/* Finding out which release of rsyslog is running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/imdefender/daemon_version.h"

/* This test stands for a daemon: the text lies in its own read-only data, as in rsyslogd. */
const char *start_message(void);
const char *start_message(void) {
    return " [origin software=\"rsyslogd\" swVersion=\"8.2999.7.test\" x-pid=\"%d\" "
           "x-info=\"https://www.rsyslog.com\"] start";
}

static void finds_the_version_in_the_running_program(void **state) {
    (void)state;
    char version[IMD_DAEMON_VERSION_MAX];
    assert_true(strlen(start_message()) > 0);
    assert_true(imd_daemon_version_of((const void *)(uintptr_t)&start_message, version));
    assert_string_equal(version, "8.2999.7.test");
}

static void finds_none_in_an_object_that_is_no_rsyslogd(void **state) {
    (void)state;
    char version[IMD_DAEMON_VERSION_MAX] = "x";
    assert_false(imd_daemon_version_of((const void *)(uintptr_t)&_cmocka_run_group_tests, version));
    assert_string_equal(version, "");
}

static void finds_none_at_an_address_of_nothing(void **state) {
    (void)state;
    char version[IMD_DAEMON_VERSION_MAX];
    assert_false(imd_daemon_version_of(NULL, version));
}

static bool find(const char *image, char *version) {
    return imd_daemon_version_find(image, strlen(image), version);
}

static void skips_a_text_without_a_version(void **state) {
    (void)state;
    char version[IMD_DAEMON_VERSION_MAX];
    assert_true(find("software=\"rsyslogd\" swVersion=\"\" software=\"rsyslogd\" swVersion=\"8.2302.0\"", version));
    assert_string_equal(version, "8.2302.0");
}

static void takes_no_version_that_is_cut_or_too_long(void **state) {
    (void)state;
    char version[IMD_DAEMON_VERSION_MAX];
    assert_false(find("software=\"rsyslogd\" swVersion=\"8.2302.0", version));
    assert_false(find("software=\"rsyslogd\" swVersion=\"8.2302.0\n\"", version));
    assert_false(
        find("software=\"rsyslogd\" swVersion=\"8.2302.00000000000000000000000000000000000000000000000000000000"
             "000000000000\"",
             version));
    assert_false(find("swVersion=\"8.2302.0\"", version));
    assert_false(find("", version));
    assert_string_equal(version, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_version_in_the_running_program),
        cmocka_unit_test(finds_none_in_an_object_that_is_no_rsyslogd),
        cmocka_unit_test(finds_none_at_an_address_of_nothing),
        cmocka_unit_test(skips_a_text_without_a_version),
        cmocka_unit_test(takes_no_version_that_is_cut_or_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
