/* SPDX-License-Identifier: Apache-2.0 */
/* The alert sources as rows of one table. Adding a source is adding a row. */
#ifndef IMD_SOURCE_H
#define IMD_SOURCE_H

#include <stdbool.h>

enum imd_source_id { IMD_SOURCE_ALERTS, IMD_SOURCE_INCIDENTS, IMD_SOURCE_ENDPOINT_ALERTS, IMD_SOURCE_SIEM_DETECTIONS,
                     IMD_SOURCE_COUNT };

enum imd_api { IMD_API_GRAPH, IMD_API_ENDPOINT, IMD_API_SIEM };

struct imd_source {
    enum imd_source_id id;
    const char *name;           /* as in the parameter `sources`, MSGID and statistics */
    bool available;             /* false: the name is known but this version cannot poll it yet */
    enum imd_api api;           /* decides host, audience and token */
    const char *path;           /* "/v1.0/security/alerts_v2" */
    const char *permission;     /* least application permission, for messages to the operator */
    const char *id_field;       /* JSON member that names the object */
    const char *time_field;     /* JSON member and OData property of its last update */
    const char *created_field;  /* JSON member of its creation */
    const char *partitions[2];  /* OData properties that split a page full of one time stamp, NULL where none */
    const char *const *partition_values[2]; /* their values, NULL-terminated lists */
    unsigned page_ceiling;      /* largest $top */
    unsigned per_minute, per_hour; /* documented quota per app and tenant; 0: none documented */
};

extern const struct imd_source imd_sources[IMD_SOURCE_COUNT];

/* NULL if there is no such source; upper and lower case are the same. */
const struct imd_source *imd_source_find(const char *name);

#endif
