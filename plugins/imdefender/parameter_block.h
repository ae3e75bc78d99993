/* SPDX-License-Identifier: Apache-2.0 */
/* The table of parameters as rsyslog's configuration parser wants it. Everything is read as text, so that types, ranges
 * and messages come from the one table. */
#ifndef IMD_PARAMETER_BLOCK_H
#define IMD_PARAMETER_BLOCK_H

#include <stdbool.h>
#include "interfaces.h"

#include "config/parameters.h"

/* Where the configuration parser stands: an object begins on this line or before it. NULL and 0 if unknown. */
struct imd_config_place {
    const char *file;
    unsigned line;
};
struct imd_config_place imd_config_place_now(void);

/* What is done with the parameters of an object. Values and names are gone when a call returns. */
struct imd_parameter_reader {
    void *context;
    void (*take)(void *context, const struct imd_parameter *parameter, const char *const values[], size_t count);
    void (*take_unknown)(void *context, const char *name, const char *nearest); /* `nearest` may be NULL */
};

/* Goes through the parameters of `scope` that are given in `list`, in the order of the table, and then through those
 * the table does not know, which rsyslog then leaves to us. False if rsyslog itself found something wrong (and has
 * reported it), or if memory is short. */
bool imd_parameter_block_read(struct nvlst *list, unsigned scope, const struct imd_parameter_reader *reader);

#endif
