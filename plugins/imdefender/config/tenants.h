/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants file: YAML whose keys are the input parameters' names. */
#ifndef IMD_TENANTS_H
#define IMD_TENANTS_H

#include "settings.h"

#define IMD_TENANTS_MAX 100000               /* tenants in one file */
#define IMD_TENANTS_FILE_MAX (64u << 20)     /* bytes of a file */

struct imd_tenants {
    struct imd_settings **items; /* each checked; one reference each */
    size_t count;
};

/* Reads and checks the whole file. `input` holds the parameters of the input() that names it (not modified). All or nothing: on the first
 * error -1, `*tenants` untouched, `error` names file, line, tenant and parameter. An empty file, a file without
 * tenants, an unknown key, a key given twice, a duplicate tenant and source are errors. */
int imd_tenants_load(const char *path, const struct imd_settings *input, const struct imd_log *log,
                     struct imd_tenants **tenants, struct imd_error *error);

/* The one tenant that is given in input() itself; checked the same way. */
int imd_tenants_inline(const struct imd_settings *input, const struct imd_log *log, struct imd_tenants **tenants,
                       struct imd_error *error);

void imd_tenants_free(struct imd_tenants *tenants);

#endif
