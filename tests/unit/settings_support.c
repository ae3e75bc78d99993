/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void settings_put(struct imd_settings *settings, const char *name, const char *value) {
    struct imd_error error = {0};
    char text[2048];
    if (imd_settings_set(settings, name, &value, 1, &error) < 0)
        fail_msg("%s", imd_error_print(&error, NULL, text, sizeof text));
}

struct imd_settings *settings_with(const char *name, ...) {
    struct imd_settings *settings = imd_settings_new();
    va_list pairs;
    assert_non_null(settings);
    settings_put(settings, "tenantId", SETTINGS_TENANT);
    settings_put(settings, "clientId", SETTINGS_CLIENT);
    settings_put(settings, "clientSecret", "sim-secret");
    va_start(pairs, name);
    for (; name; name = va_arg(pairs, const char *)) settings_put(settings, name, va_arg(pairs, const char *));
    va_end(pairs);
    return settings;
}
