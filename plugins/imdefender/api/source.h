/* SPDX-License-Identifier: Apache-2.0 */
/* The alert sources as rows of one table. Adding a source is adding a row. */
#ifndef IMD_SOURCE_H
#define IMD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

enum imd_source_id { IMD_SOURCE_ALERTS, IMD_SOURCE_INCIDENTS, IMD_SOURCE_ENDPOINT_ALERTS, IMD_SOURCE_SIEM_DETECTIONS,
                     IMD_SOURCE_COUNT };

enum imd_api { IMD_API_GRAPH, IMD_API_ENDPOINT, IMD_API_SIEM };

enum imd_page_style {
    IMD_PAGE_ODATA,  /* $filter, $orderby, $top; {"value":[...]} */
    IMD_PAGE_WINDOW  /* sinceTimeUtc, untilTimeUtc, limit; a bare array, in no order that can be asked for */
};

struct imd_source {
    enum imd_source_id id;
    const char *name;           /* as in the parameter `sources`, MSGID and statistics */
    bool available;             /* false: the name is known but this version cannot poll it yet */
    enum imd_api api;           /* decides host, audience and token */
    const char *path;           /* "/v1.0/security/alerts_v2" */
    const char *permission;     /* least application permission, for messages to the operator; "" if it has none */
    const char *id_field;       /* JSON member that names the object */
    const char *time_field;     /* JSON member and OData property of its last update */
    const char *created_field;  /* JSON member of its creation, NULL if there is none */
    const char *tenant_field;   /* JSON member of the customer's tenant, NULL if the objects name none */
    const char *severity_field; /* JSON member of the severity */
    const char *incident_field; /* JSON member that names the incident the object belongs to, NULL if there is none */
    const char *link_field;     /* JSON member with the link to the portal, NULL if there is none */
    const char *portal_path;    /* path of the object in the portal, its id follows; NULL if unknown */
    enum imd_page_style style;
    int64_t grain;              /* ticks: the finest difference of times that a query can express */
    const char *expand;         /* navigation property that can be asked for along with the object, NULL if none */
    bool expand_by_default;
    const char *deprecation;    /* what to tell an operator who uses it, NULL if it is not deprecated */
    const char *partitions[2];  /* OData properties that split a page full of one time stamp, NULL where none */
    const char *const *partition_values[2]; /* their values, NULL-terminated lists */
    unsigned page_ceiling;      /* largest $top */
    unsigned per_minute, per_hour; /* documented quota per app and tenant; 0: none documented */
};

extern const struct imd_source imd_sources[IMD_SOURCE_COUNT];

/* NULL if there is no such source; upper and lower case are the same. */
const struct imd_source *imd_source_find(const char *name);

#endif
