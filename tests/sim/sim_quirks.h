/* SPDX-License-Identifier: Apache-2.0 */
/* The quirks of a scenario rule as graph_quirks. */
#ifndef SIM_QUIRKS_H
#define SIM_QUIRKS_H

#include <json-c/json.h>

#include "graph.h"

/* Adds the members of `object` to `quirks`; texts stay the object's. NULL, or the name of a member that is unknown or
 * has a wrong value. */
const char *sim_quirks_read(struct json_object *object, struct graph_quirks *quirks);

#endif
