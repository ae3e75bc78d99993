/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the URL of a list request (OData 4.01; what the API takes is in the table of sources). */
#ifndef IMD_QUERY_H
#define IMD_QUERY_H

#include <stdbool.h>
#include "../base/buffer.h"
#include "../base/timestamp.h"
#include "source.h"

#define IMD_URL_MAX 16384 /* bytes; more than any server on the way takes */

struct imd_query {
    imd_time from, to;                 /* of the source's time field: from <= t < to; IMD_TIME_NONE: open */
    imd_time created_from, created_to; /* the same for the creation time */
    const char *values[2];             /* value of each partition property, NULL: any */
    const char *filter;                /* the user's, and-ed; NULL: none */
    bool ordered;                      /* ascending by the time field */
    unsigned top;
};

/* Adds "BASE/path?$filter=...&$orderby=...&$top=N" to `url`. False when it does not fit or memory is short. */
bool imd_query_url(struct imd_buffer *url, const char *base, const struct imd_source *source,
                   const struct imd_query *query);

#endif
