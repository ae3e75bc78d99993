/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of an input, and of its feeds where asked for, as rsyslog statistics objects (impstats).
 *
 * The objects point at the core's own counters, which are always kept, impstats loaded or not. Objects are added while
 * impstats may be reading, which every release allows, but never removed while it runs. */
#ifndef IMD_STATISTICS_H
#define IMD_STATISTICS_H

#include <stdbool.h>
#include "interfaces.h"

#include "engine/engine.h"

struct imd_statistics;

/* Makes the object of an input. `per_feed`: imd_statistics_refresh() adds one per tenant and source. NULL when memory
 * is short. */
struct imd_statistics *imd_statistics_new(const char *input, struct imd_engine *engine,
                                          struct imd_engine_input *engine_input, bool per_feed);

/* Adds objects of feeds that have appeared since. One thread at a time; never called out of an impstats callback, whose
 * caller holds a lock that adding needs in newer releases. */
void imd_statistics_refresh(struct imd_statistics *statistics);

/* Only when no input runs any more, impstats included, and before the engine is freed. NULL is allowed. */
void imd_statistics_free(struct imd_statistics *statistics);

#endif
