/* SPDX-License-Identifier: Apache-2.0 */
/* One input(type="imdefender") of the configuration, from its parameters to its running parts. Main thread only. */
#ifndef IMD_INPUT_H
#define IMD_INPUT_H

#include <stdbool.h>
#include "interfaces.h"

#include "config/settings.h"
#include "config/tenants.h"
#include "engine/engine.h"
#include "statistics.h"
#include "submitter.h"

struct imd_input {
    struct imd_input *next;
    /* as configured */
    char *name, *ruleset_name, *tenants_file; /* NULL where not given */
    struct imd_settings *settings;
    char *file; /* where it stands in rsyslog's configuration; NULL and 0 if unknown */
    unsigned line;
    bool broken; /* has an error, which was reported: does not start */
    /* after imd_input_check() */
    ruleset_t *ruleset; /* NULL: the default one */
    struct imd_tenants *tenants;
    /* after imd_input_build() */
    struct imd_submitter *submitter;
    struct imd_engine_input *engine_input;
    struct imd_statistics *statistics;
};

/* Reads the parameters and reports every error in them; an input with errors is `broken`. NULL when memory is short. */
struct imd_input *imd_input_new(struct nvlst *parameters);

/* The second half of checking, once the whole configuration is known: name, ruleset, tenants. `before` are the inputs
 * that come first, up to this one. Reports what is wrong. */
void imd_input_check(struct imd_input *input, rsconf_t *conf, const struct imd_input *before);

/* Makes the submitter (not started yet), adds the input to the engine, and makes its statistics. */
int imd_input_build(struct imd_input *input, struct imd_engine *engine, bool per_feed_statistics,
                    struct imd_error *error);

/* Frees an input whose submitter has ended; statistics have to be freed before the engine, see imd_input_unbuild(). */
void imd_input_unbuild(struct imd_input *input);
void imd_input_free(struct imd_input *input);

/* Name for logs, statistics and the state. */
const char *imd_input_name(const struct imd_input *input);

#endif
