/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the URL of a list request, in the style of its source (OData 4.01, or the windows of the SIEM API). */
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
    bool ordered;                      /* ascending by the time field; OData only */
    bool select;                       /* only what identifies an object: id, times, tenant, severity; OData only */
    bool expand;                       /* with the source's navigation property */
    unsigned top;
};

/* Adds "BASE/path?$top=N&$filter=...&$orderby=..." to `url`, or "?limit=N&sinceTimeUtc=...&untilTimeUtc=...", which
 * knows only `from` and `to`. False when it does not fit or memory is short. */
bool imd_query_url(struct imd_buffer *url, const char *base, const struct imd_source *source,
                   const struct imd_query *query);

#endif
