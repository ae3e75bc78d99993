/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine has to know of an object of a page: its name, its version, and what a message says about it.
 * Everything else stays in the object's bytes. */
#ifndef IMD_ALERT_H
#define IMD_ALERT_H

#include <stddef.h>
#include "../base/json.h"
#include "../base/timestamp.h"
#include "source.h"

#define IMD_ALERT_ID_MAX 1024    /* bytes of an id, decoded */
#define IMD_ALERT_UPDATED_MAX 64 /* of a time stamp as the API writes it */
#define IMD_ALERT_TENANT_MAX 128 /* of the object's own tenant id */
#define IMD_ALERT_SEVERITY_MAX 64
#define IMD_ALERT_WEB_URL_MAX 2048
#define IMD_ALERT_INCIDENT_MAX 64

/* Texts are decoded UTF-8. Over 3 KiB: keep one and use it again. */
struct imd_alert_fields {
    size_t id_length;
    imd_time stamp;   /* `updated` as a number */
    imd_time created; /* IMD_TIME_NONE if absent or unreadable */
    struct imd_json_value largest; /* as it was given to imd_alert_read() */
    char id[IMD_ALERT_ID_MAX + 1];
    char updated[IMD_ALERT_UPDATED_MAX + 1];   /* the source's time field, as the API wrote it */
    char tenant_id[IMD_ALERT_TENANT_MAX + 1];  /* "" if the object names no tenant */
    char severity[IMD_ALERT_SEVERITY_MAX + 1]; /* "" if absent or no short text */
    char web_url[IMD_ALERT_WEB_URL_MAX + 1];   /* "" if the source has none, or it is absent or longer */
    char incident_id[IMD_ALERT_INCIDENT_MAX + 1]; /* incident it belongs to, "" if absent or longer */
};

enum imd_alert_problem {
    IMD_ALERT_OK,
    IMD_ALERT_NOT_OBJECT,
    IMD_ALERT_NO_ID,     /* absent, null, empty, or neither text nor number */
    IMD_ALERT_LONG_ID,   /* over IMD_ALERT_ID_MAX */
    IMD_ALERT_NO_TIME,   /* absent or null */
    IMD_ALERT_BAD_TIME,  /* no text, or not an RFC 3339 time */
    IMD_ALERT_BAD_TENANT /* there, but no short text: it cannot be compared with the tenant that was polled */
};

/* Reads an element of a page: validated JSON (imd_page_receiver), as `source` names its fields. Of several members with
 * one name the last counts, as in the message's tree. A number serves as id as it is written. A member that `largest`
 * (`data` NULL: unknown) covers is passed over at once. Unless the answer is IMD_ALERT_OK, `out` holds what could be
 * read: texts that could not are "", times IMD_TIME_NONE. */
enum imd_alert_problem imd_alert_read(const struct imd_source *source, const char *json, size_t length,
                                      struct imd_json_value largest, struct imd_alert_fields *out);

/* A clause for logs: "it has no id". Static. */
const char *imd_alert_problem_text(enum imd_alert_problem problem);

#endif
