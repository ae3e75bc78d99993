/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a feed: a change of it is one log line, one health message, and one row in the store. */
#include <stdlib.h>
#include <string.h>
#include "../base/buffer.h"
#include "internal.h"

static bool add_member(struct imd_buffer *json, const char *name, const char *value) {
    return imd_buffer_print(json, "%s\"%s\":", json->length > 1 ? "," : "", name) &&
           imd_buffer_add_json(json, value, strlen(value));
}

/* The JSON of a health message; design 5.3 names its members. NULL when memory is short. */
static char *make_json(const struct imd_feed *feed, const char *state, const char *since, const char *reason,
                       const char *action) {
    struct imd_buffer json;
    imd_buffer_init(&json, 8192);
    bool good = imd_buffer_add_char(&json, '{') && add_member(&json, "tenantId", feed->tenant->settings->tenant_id) &&
                add_member(&json, "source", feed->source->name) && add_member(&json, "state", state) &&
                add_member(&json, "previous", feed->health) && add_member(&json, "since", since) &&
                add_member(&json, "reason", reason) && add_member(&json, "action", action) &&
                imd_buffer_add_char(&json, '}');
    if (good) return imd_buffer_take(&json);
    imd_buffer_free(&json);
    return NULL;
}

static void log_change(const struct imd_feed *feed, const char *state, const char *reason, const char *action) {
    char text[300];
    const struct imd_log *log = &feed->tenant->input->engine->log;
    imd_feed_text(feed, text, sizeof text);
    if (strcmp(state, "ok") != 0)
        imd_log_print(log, IMD_LOG_WARNING, "%s: %s -> %s: %s%s%s", text, feed->health, state, reason,
                      *action ? "; " : "", action);
    else
        imd_log_print(log, strcmp(feed->health, "starting") == 0 ? IMD_LOG_DEBUG : IMD_LOG_INFO, "%s: %s -> ok", text,
                      feed->health);
}

void imd_feed_set_health(struct imd_feed *feed, const char *state, const char *reason, const char *action) {
    if (strcmp(state, feed->health) == 0) return;
    char since[IMD_TIME_TEXT_MAX];
    imd_time now = imd_feed_server_now(feed);
    imd_time_print(now, since);
    log_change(feed, state, reason, action);
    char *json = make_json(feed, state, since, reason, action);
    /* Without memory for the message the state stays as it was, so that the change is told at the next poll. */
    if (!json || !imd_feed_send_health(feed, json, now)) return;
    imd_checkpointer_report(feed->tenant->input->engine->checkpointer, feed->account, state, reason, now);
    feed->health = state;
    feed->health_since = now;
}
