/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the top-level members of an alert, incident or detection. */
#include "alert.h"

#include <stdbool.h>
#include <string.h>
#include "../base/json.h"

/* The members that were found; `data` is NULL for the others. */
struct members {
    struct imd_json_value id, updated, created, tenant, severity, incident, web_url;
};

/* One name that is looked for. */
struct wanted {
    const char *name;
    size_t length;
    struct imd_json_value *value;
};

static struct wanted want(const char *name, struct imd_json_value *value) {
    return (struct wanted){.name = name, .length = name ? strlen(name) : 0, .value = value};
}

static bool says(struct imd_json_value name, bool has_escape, const struct wanted *wanted) {
    if (!wanted->name) return false;
    if (has_escape) return imd_json_name_is(name, wanted->name);
    return name.length == wanted->length && memcmp(name.data, wanted->name, wanted->length) == 0;
}

static void find_members(const struct imd_source *source, struct imd_json_value object, struct imd_json_value largest,
                         struct members *found) {
    const struct wanted wanted[] = {
        want(source->id_field, &found->id),           want(source->time_field, &found->updated),
        want(source->created_field, &found->created), want(source->tenant_field, &found->tenant),
        want(source->severity_field, &found->severity), want(source->incident_field, &found->incident),
        want(source->link_field, &found->web_url),
    };
    size_t position = 0;
    struct imd_json_value name, value;
    while (imd_json_next_known(object, &position, largest, &name, &value)) {
        bool has_escape = memchr(name.data, '\\', name.length) != NULL;
        /* Every one of them is compared: two fields of a source may be one member. */
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
            if (says(name, has_escape, &wanted[i])) *wanted[i].value = value;
    }
}

static bool is_absent(struct imd_json_value value) {
    return !value.data || imd_json_is_null(value);
}

static enum imd_alert_problem read_id(struct imd_json_value value, struct imd_alert_fields *out) {
    if (is_absent(value)) return IMD_ALERT_NO_ID;
    char first = value.data[0];
    if (first == '-' || (first >= '0' && first <= '9')) {
        if (value.length > IMD_ALERT_ID_MAX) return IMD_ALERT_LONG_ID;
        memcpy(out->id, value.data, value.length);
        out->id[value.length] = '\0';
        out->id_length = value.length;
        return IMD_ALERT_OK;
    }
    if (first != '"' || value.length == 2) return IMD_ALERT_NO_ID;
    long length = imd_json_string(value, out->id, sizeof(out->id));
    if (length < 0) return IMD_ALERT_LONG_ID;
    out->id_length = (size_t)length;
    return IMD_ALERT_OK;
}

/* Text, or a number as it is written; "" for anything else, and for what is too long. */
static void read_incident(struct imd_json_value value, struct imd_alert_fields *out) {
    if (is_absent(value)) return;
    if (value.data[0] == '"') {
        imd_json_string(value, out->incident_id, sizeof(out->incident_id));
    } else if ((value.data[0] == '-' || (value.data[0] >= '0' && value.data[0] <= '9')) &&
               value.length <= IMD_ALERT_INCIDENT_MAX) {
        memcpy(out->incident_id, value.data, value.length);
        out->incident_id[value.length] = '\0';
    }
}

static enum imd_alert_problem read_updated(struct imd_json_value value, struct imd_alert_fields *out) {
    if (is_absent(value)) return IMD_ALERT_NO_TIME;
    long length = imd_json_string(value, out->updated, sizeof(out->updated));
    if (length >= 0 && imd_time_parse(out->updated, (size_t)length, &out->stamp)) return IMD_ALERT_OK;
    out->updated[0] = '\0';
    return IMD_ALERT_BAD_TIME;
}

static void read_created(struct imd_json_value value, struct imd_alert_fields *out) {
    char text[IMD_ALERT_UPDATED_MAX + 1];
    long length = value.data ? imd_json_string(value, text, sizeof(text)) : -1;
    if (length >= 0) imd_time_parse(text, (size_t)length, &out->created);
}

enum imd_alert_problem imd_alert_read(const struct imd_source *source, const char *json, size_t length,
                                      struct imd_json_value largest, struct imd_alert_fields *out) {
    out->id_length = 0;
    out->stamp = out->created = IMD_TIME_NONE;
    out->id[0] = out->updated[0] = out->tenant_id[0] = out->severity[0] = out->web_url[0] = '\0';
    out->incident_id[0] = '\0';
    out->largest = largest;
    if (length == 0 || json[0] != '{') return IMD_ALERT_NOT_OBJECT;

    struct members found = {.id = {.data = NULL}};
    find_members(source, (struct imd_json_value){.data = json, .length = length}, largest, &found);
    enum imd_alert_problem id = read_id(found.id, out);
    enum imd_alert_problem updated = read_updated(found.updated, out);
    enum imd_alert_problem tenant = IMD_ALERT_OK;
    if (!is_absent(found.tenant) && imd_json_string(found.tenant, out->tenant_id, sizeof(out->tenant_id)) < 0)
        tenant = IMD_ALERT_BAD_TENANT;
    read_created(found.created, out);
    read_incident(found.incident, out);
    if (found.severity.data) imd_json_string(found.severity, out->severity, sizeof(out->severity));
    if (found.web_url.data) imd_json_string(found.web_url, out->web_url, sizeof(out->web_url));

    /* Whose object it is matters most: only that stops the feed. */
    if (tenant != IMD_ALERT_OK) return tenant;
    return id != IMD_ALERT_OK ? id : updated;
}

const char *imd_alert_problem_text(enum imd_alert_problem problem) {
    switch (problem) {
        case IMD_ALERT_OK:
            return "it is complete";
        case IMD_ALERT_NOT_OBJECT:
            return "it is no JSON object";
        case IMD_ALERT_NO_ID:
            return "it has no id";
        case IMD_ALERT_LONG_ID:
            return "its id is longer than 1024 bytes";
        case IMD_ALERT_NO_TIME:
            return "it has no time of its last update";
        case IMD_ALERT_BAD_TIME:
            return "the time of its last update is unreadable";
        case IMD_ALERT_BAD_TENANT:
            return "the tenant it names is unreadable";
    }
    return "it is unreadable";
}
