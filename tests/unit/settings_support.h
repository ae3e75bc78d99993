/* SPDX-License-Identifier: Apache-2.0 */
/* Settings for tests: a complete tenant, with what the test changes about it. */
#ifndef IMD_SETTINGS_SUPPORT_H
#define IMD_SETTINGS_SUPPORT_H

#include "config/settings.h"

#define SETTINGS_TENANT "00000000-0000-0000-0000-000000000001"
#define SETTINGS_CLIENT "11111111-2222-3333-4444-555555555555"

/* A tenant with a client secret; then pairs of parameter and value, NULL after the last. Fails the test where a value
 * is refused. */
struct imd_settings *settings_with(const char *name, ...) __attribute__((sentinel));

/* Sets one parameter. */
void settings_put(struct imd_settings *settings, const char *name, const char *value);

#endif
