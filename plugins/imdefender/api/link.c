/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <stdio.h>
#include <string.h>
#include "../base/buffer.h"

static const char *tenant_of(const struct imd_settings *settings, const char *token_tenant) {
    return strchr(settings->tenant_id, '.') && *token_tenant ? token_tenant : settings->tenant_id;
}

static bool has_tenant(const char *link) {
    return strstr(link, "?tid=") || strstr(link, "&tid=");
}

static bool write_link(struct imd_buffer *link, const struct imd_settings *settings, const struct imd_source *source,
                       const struct imd_alert_fields *fields) {
    if (fields->web_url[0]) return imd_buffer_add_text(link, fields->web_url);
    if (!source->portal_path || !settings->cloud->portal_url) return false;
    return imd_buffer_add_text(link, settings->cloud->portal_url) && imd_buffer_add_text(link, source->portal_path) &&
           imd_buffer_add_percent(link, fields->id);
}

static bool add_tenant(struct imd_buffer *link, const char *tenant) {
    if (has_tenant(link->data)) return true;
    return imd_buffer_print(link, "%ctid=", strchr(link->data, '?') ? '&' : '?') && imd_buffer_add_percent(link, tenant);
}

void imd_link_complete(const struct imd_settings *settings, const struct imd_source *source, const char *token_tenant,
                       struct imd_alert_fields *fields) {
    struct imd_buffer link;
    if (has_tenant(fields->web_url)) return;
    imd_buffer_init(&link, IMD_ALERT_WEB_URL_MAX);
    if (write_link(&link, settings, source, fields) && add_tenant(&link, tenant_of(settings, token_tenant)))
        snprintf(fields->web_url, sizeof fields->web_url, "%s", link.data);
    else
        fields->web_url[0] = 0;
    imd_buffer_free(&link);
}
