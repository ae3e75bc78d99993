/* SPDX-License-Identifier: Apache-2.0 */
#include "one_world.h"

#include <stddef.h>

struct world world;

int world_set_up(void **state) {
    (void)state;
    world_init(&world, NULL, NULL);
    return 0;
}

int world_tear_down(void **state) {
    (void)state;
    if (world.engine) world_check_accounts(&world);
    world_free(&world);
    return 0;
}

void world_begin(unsigned tenants, const char *extra) {
    world_write_tenants(&world, tenants, extra);
    world_start(&world);
}
