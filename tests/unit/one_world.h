/* SPDX-License-Identifier: Apache-2.0 */
/* What tests with one world at a time have in common. */
#ifndef ONE_WORLD_H
#define ONE_WORLD_H

#include "engine_support.h"

extern struct world world;

/* cmocka's set-up, without parameters and without an engine yet, and its tear-down, which checks the accounts. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* The usual start: so many tenants, as world_write_tenants() takes them. */
void world_begin(unsigned tenants, const char *extra);

#endif
