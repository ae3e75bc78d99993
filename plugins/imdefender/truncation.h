/* SPDX-License-Identifier: Apache-2.0 */
/* Where rsyslog would cut an alert, and the warning about it. */
#ifndef IMD_TRUNCATION_H
#define IMD_TRUNCATION_H

#include "interfaces.h"

/* Warns, naming the outputs, if this configuration has some that would cut long alerts. Once its actions are known. */
void imd_truncation_warn(rsconf_t *conf);

#endif
