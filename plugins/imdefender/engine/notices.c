/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator should know in good time: certificates that end soon, rights that go too far. Each is told once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "internal.h"

#define DAY INT64_C(86400)

/* --- certificates --- */

static const int64_t warnings[] = {30 * DAY, 14 * DAY, 7 * DAY, 1 * DAY};

struct imd_expiry {
    struct imd_expiry *next;
    char *file;
    int64_t expires;
    unsigned told; /* how many of `warnings` */
};

static struct imd_expiry *find_expiry(struct imd_engine *engine, const char *file) {
    for (struct imd_expiry *expiry = engine->expiries; expiry; expiry = expiry->next)
        if (strcmp(expiry->file, file) == 0) return expiry;
    struct imd_expiry *expiry = calloc(1, sizeof *expiry);
    if (expiry) expiry->file = strdup(file);
    if (!expiry || !expiry->file) {
        free(expiry);
        return NULL;
    }
    expiry->next = engine->expiries;
    engine->expiries = expiry;
    return expiry;
}

static unsigned warnings_due(int64_t left) {
    unsigned due = 0;
    while (due < sizeof warnings / sizeof *warnings && left <= warnings[due]) due++;
    return due;
}

void imd_notice_expiry(struct imd_engine *engine, const char *file, int64_t expires, int64_t now) {
    struct imd_expiry *expiry = find_expiry(engine, file);
    if (!expiry) return;
    if (expiry->expires != expires) { /* another certificate */
        expiry->expires = expires;
        expiry->told = 0;
    }
    unsigned due = warnings_due(expires - now);
    if (due <= expiry->told) return;
    expiry->told = due;
    char date[32] = "";
    time_t end = (time_t)expires;
    struct tm parts;
    if (gmtime_r(&end, &parts)) strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
    imd_log_print(&engine->log, IMD_LOG_WARNING,
                  "the certificate '%s' is good until %s, %lld %s from now: upload a new one to the application, then put it "
                  "and its key in place of the old ones",
                  file, date, (long long)((expires - now) / (expires - now >= 2 * DAY ? DAY : 3600)),
                  expires - now >= 2 * DAY ? "days" : "hours");
}

/* --- application roles --- */

static bool is_needed(const struct imd_tenant *tenant, enum imd_api api, const char *role, size_t length) {
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        const struct imd_source *source = &imd_sources[i];
        if ((tenant->settings->sources & 1u << i) != 0 && source->api == api && strlen(source->permission) == length &&
            memcmp(source->permission, role, length) == 0)
            return true;
    }
    return false;
}

static void list_needed(const struct imd_tenant *tenant, enum imd_api api, struct imd_buffer *out) {
    for (int i = 0; i < IMD_SOURCE_COUNT; i++)
        if ((tenant->settings->sources & 1u << i) != 0 && imd_sources[i].api == api && imd_sources[i].permission[0])
            imd_buffer_print(out, "%s%s", out->length ? ", " : "", imd_sources[i].permission);
}

void imd_notice_roles(struct imd_tenant *tenant, enum imd_api api, const char *roles) {
    struct imd_buffer beyond, needed;
    if (tenant->roles_told) return;
    imd_buffer_init(&beyond, IMD_TOKEN_ROLES_MAX);
    imd_buffer_init(&needed, 512);
    list_needed(tenant, api, &needed);
    for (size_t length; needed.length && *roles; roles += length + (roles[length] == ' ')) {
        length = strcspn(roles, " ");
        if (length && !is_needed(tenant, api, roles, length))
            imd_buffer_print(&beyond, "%s%.*s", beyond.length ? ", " : "", (int)length, roles);
    }
    if (beyond.length) {
        tenant->roles_told = true;
        imd_log_print(&tenant->input->engine->log, IMD_LOG_WARNING,
                      "tenant %s: the application holds roles that its sources do not need: %s; they need %s alone, so take the "
                      "others away from it",
                      imd_settings_name(tenant->settings), beyond.data, needed.data);
    }
    imd_buffer_free(&beyond);
    imd_buffer_free(&needed);
}

void imd_notice_free_all(struct imd_engine *engine) {
    for (struct imd_expiry *expiry; (expiry = engine->expiries);) {
        engine->expiries = expiry->next;
        free(expiry->file);
        free(expiry);
    }
}
