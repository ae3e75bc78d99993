/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a page: which are new, and how they become deliveries. */
#include <stdlib.h>
#include <string.h>
#include "../api/link.h"
#include "../base/buffer.h"
#include "../base/fault.h"
#include "internal.h"

static struct imd_delivery *new_delivery(struct imd_feed *feed, enum imd_batch_kind kind) {
    struct imd_delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) return NULL;
    delivery->batch.kind = kind;
    delivery->batch.settings = imd_settings_share(feed->tenant->settings);
    delivery->batch.source = feed->source;
    delivery->batch.input = feed->tenant->input->name;
    delivery->account = imd_account_share(feed->account);
    delivery->forget_before = IMD_TIME_NONE;
    return delivery;
}

/* Hands a delivery to the checkpointer and its batch, if it has messages, to the sink. */
static void send_delivery(struct imd_feed *feed, struct imd_delivery *delivery) {
    struct imd_engine_input *input = feed->tenant->input;
    struct imd_batch *batch = &delivery->batch;
    if (input->closed) { /* nobody would take it any more */
        imd_delivery_free(delivery);
        return;
    }
    if (batch->count) {
        delivery->sink = &input->sink;
        imd_count(input->load.bytes, batch->bytes);
        imd_count(input->load.queued_bytes, batch->bytes);
        if (batch->kind == IMD_BATCH_ALERTS) {
            imd_count(input->load.alerts, batch->count);
            imd_count(feed->account->alerts, batch->count);
        }
    }
    IMD_FAULT_POINT("before-hand-over");
    imd_checkpointer_track(input->engine->checkpointer, delivery);
    IMD_FAULT_POINT("after-track");
    if (batch->count) input->sink.submit(input->sink.context, batch);
}

void imd_poll_hand_over(struct imd_poll *poll) {
    struct imd_delivery *delivery = poll->open;
    poll->open = NULL;
    if (delivery) send_delivery(poll->feed, delivery);
}

void imd_feed_mark(struct imd_feed *feed, imd_time forget_before) {
    struct imd_delivery *delivery = new_delivery(feed, IMD_BATCH_HEALTH);
    if (!delivery) return; /* the next mark says the same and more */
    delivery->has_checkpoint = true;
    delivery->checkpoint = feed->checkpoint;
    delivery->forget_before = forget_before;
    feed->marked = imd_feed_server_now(feed);
    IMD_FAULT_POINT("before-mark");
    send_delivery(feed, delivery);
}

/* --- filling --- */

/* Room for one more alert; powers of two from 4 on. */
static bool make_room(struct imd_delivery *delivery) {
    size_t count = delivery->batch.count;
    if (count && (count < 4 || (count & (count - 1)))) return true;
    size_t room = count ? count * 2 : 4;
    struct imd_alert *alerts = realloc(delivery->batch.alerts, room * sizeof *alerts);
    if (!alerts) return false;
    delivery->batch.alerts = alerts;
    struct imd_version *versions = realloc(delivery->versions, room * sizeof *versions);
    if (!versions) return false;
    delivery->versions = versions;
    return true;
}

static char *put(char **place, const char *text, size_t length) {
    char *start = *place;
    memcpy(start, text, length);
    start[length] = 0;
    *place += length + 1;
    return start;
}

/* Copies an alert into one block of memory that begins with its bytes. */
static bool fill_alert(struct imd_alert *alert, const char *json, size_t length,
                       const struct imd_alert_fields *fields) {
    size_t updated = strlen(fields->updated), severity = strlen(fields->severity), url = strlen(fields->web_url);
    size_t incident = strlen(fields->incident_id);
    char *place = malloc(length + fields->id_length + updated + severity + url + incident + 6);
    if (!place) return false;
    alert->json = put(&place, json, length);
    alert->json_length = length;
    alert->largest_at = fields->largest.data ? (size_t)(fields->largest.data - json) : 0;
    alert->largest_length = fields->largest.length;
    alert->id = put(&place, fields->id, fields->id_length);
    alert->updated = put(&place, fields->updated, updated);
    alert->severity = put(&place, fields->severity, severity);
    alert->web_url = put(&place, fields->web_url, url);
    alert->incident = put(&place, fields->incident_id, incident);
    alert->stamp = fields->stamp;
    return true;
}

static void make_key(struct imd_alert *alert, const struct imd_feed *feed, const struct imd_alert_fields *fields) {
    char stamp[IMD_TIME_TEXT_MAX];
    imd_time_print(fields->stamp, stamp);
    const char *parts[] = {feed->tenant->settings->tenant_id, feed->source->name, fields->id, stamp};
    const size_t lengths[] = {strlen(parts[0]), strlen(parts[1]), fields->id_length, strlen(stamp)};
    struct imd_digest digest = imd_digest_of(parts, lengths, 4);
    imd_digest_print(&digest, alert->key);
}

/* An id that is not remembered is new, unless it is so old that its first version must have been delivered and forgotten. */
static enum imd_change_kind change_of(const struct imd_feed *feed, enum imd_seen_answer answer, imd_time created) {
    bool forgotten = created != IMD_TIME_NONE && created >= feed->checkpoint.origin && created < feed->remembered_from;
    return answer == IMD_SEEN_UPDATE || forgotten ? IMD_CHANGE_UPDATE : IMD_CHANGE_NEW;
}

static bool deliver(struct imd_poll *poll, const char *json, size_t length, const struct imd_alert_fields *fields,
                    const struct imd_version *version, enum imd_change_kind change) {
    struct imd_feed *feed = poll->feed;
    if (!poll->open && !(poll->open = new_delivery(feed, IMD_BATCH_ALERTS))) return false;
    struct imd_batch *batch = &poll->open->batch;
    if (!make_room(poll->open)) return false;
    struct imd_alert *alert = &batch->alerts[batch->count];
    if (!fill_alert(alert, json, length, fields)) return false;
    if (!imd_seen_add(&feed->seen, version)) {
        free((void *)alert->json);
        return false;
    }
    alert->change = change;
    make_key(alert, feed, fields);
    poll->open->versions[batch->count++] = *version;
    poll->open->version_count = batch->count;
    batch->bytes += length;
    IMD_FAULT_POINT("after-object-taken");
    if (batch->count >= IMD_BATCH_ALERTS_MAX || batch->bytes >= IMD_BATCH_BYTES_MAX) imd_poll_hand_over(poll);
    return true;
}

/* --- judging --- */

bool imd_feed_is_foreign(const struct imd_feed *feed, const struct imd_alert_fields *fields) {
    const char *expected = feed->tenant->settings->tenant_id;
    if (strchr(expected, '.')) expected = feed->tenant->directory;
    return *expected && *fields->tenant_id && strcasecmp(expected, fields->tenant_id) != 0;
}

/* Sends one health message: `json` is taken over. `version` (may be NULL) is remembered when it is acknowledged. */
static bool send_health(struct imd_feed *feed, char *json, imd_time stamp, const struct imd_version *version) {
    struct imd_delivery *delivery = new_delivery(feed, IMD_BATCH_HEALTH);
    if (!delivery || !make_room(delivery) || (version && !imd_seen_add(&feed->seen, version))) {
        free(json);
        imd_delivery_free(delivery);
        return false;
    }
    struct imd_alert *alert = delivery->batch.alerts;
    *alert = (struct imd_alert){.json = json, .json_length = strlen(json), .id = feed->source->name, .updated = "",
                                .severity = "", .web_url = "", .incident = "", .stamp = stamp};
    const char *const parts[] = {json};
    struct imd_digest digest = imd_digest_of(parts, &alert->json_length, 1);
    imd_digest_print(&digest, alert->key);
    if (version) delivery->versions[delivery->version_count++] = *version;
    delivery->batch.count = 1;
    delivery->batch.bytes = alert->json_length;
    send_delivery(feed, delivery);
    return true;
}

bool imd_feed_send_health(struct imd_feed *feed, char *json, imd_time stamp) {
    return send_health(feed, json, stamp, NULL);
}

/* A message of its own carries what cannot be an alert version, so that nothing is lost. */
/* Why a message of its own takes the place of an alert. Texts are clauses without quotes, but for `cause`. */
struct rejection {
    const char *reason, *cause, *action, *follows;
};

static bool send_rejected(struct imd_feed *feed, const char *json, size_t length, const struct rejection *why,
                          const struct imd_version *version) {
    struct imd_buffer text, reason;
    imd_buffer_init(&text, length + 4096);
    imd_buffer_init(&reason, 1024);
    bool good = imd_buffer_print(&reason, "%s: %s", why->reason, why->cause) &&
                imd_buffer_print(&text, "{\"tenantId\":\"%s\",\"source\":\"%s\",\"state\":\"rejected\",\"previous\":\"%s\",",
                                 feed->tenant->settings->tenant_id, feed->source->name, feed->health) &&
                imd_buffer_add_text(&text, "\"reason\":") && imd_buffer_add_json(&text, reason.data, reason.length) &&
                imd_buffer_print(&text, ",\"action\":\"%s\",\"object\":", why->action) &&
                imd_buffer_add(&text, json, length) && imd_buffer_add_char(&text, '}');
    imd_buffer_free(&reason);
    if (good) return send_health(feed, imd_buffer_take(&text), version->met, version);
    imd_buffer_free(&text);
    return false;
}

/* The same object twice is a duplicate, whatever was wrong with it. */
static bool reject(struct imd_poll *poll, const char *json, size_t length, const struct rejection *why) {
    struct imd_feed *feed = poll->feed;
    imd_time now = imd_feed_server_now(feed);
    struct imd_version version = {.id = imd_digest_of(&json, &length, 1), .stamp = 0, .met = now};
    if (imd_seen_find(feed->seen, &version.id, 0, now) == IMD_SEEN_DUPLICATE) {
        imd_account_count(feed->account, alerts_duplicate, 1);
        return true;
    }
    if (!send_rejected(feed, json, length, why, &version)) return false;
    imd_account_count(feed->account, alerts_rejected, 1);
    char text[300], digest[IMD_DIGEST_TEXT_MAX];
    imd_log_print(&feed->tenant->input->engine->log, IMD_LOG_ERROR, "%s: %s: %s; %s (digest %s)",
                  imd_feed_text(feed, text, sizeof text), why->reason, why->cause, why->follows,
                  imd_digest_print(&version.id, digest));
    return true;
}

bool imd_poll_send_placeholder(struct imd_poll *poll, const char *json, size_t length) {
    const struct rejection why = {"the API does not deliver this object", poll->cause.reason,
                                  "look it up in the portal; report the id to Microsoft",
                                  "a health message with what is known of it takes its place, and it is tried again"};
    imd_account_count(poll->feed->account, alerts_fetched, 1);
    return reject(poll, json, length, &why);
}

static bool take(struct imd_poll *poll, const char *json, size_t length, struct imd_alert_fields *fields) {
    struct imd_feed *feed = poll->feed;
    imd_time now = imd_feed_server_now(feed);
    const char *id = fields->id;
    struct imd_version version = {
        .id = imd_digest_of(&id, &fields->id_length, 1), .stamp = fields->stamp, .met = now};
    enum imd_seen_answer answer = imd_seen_find(feed->seen, &version.id, version.stamp, now);
    imd_walk_object(&poll->walk, fields->stamp, fields->created, answer != IMD_SEEN_DUPLICATE);
    if (answer == IMD_SEEN_DUPLICATE) {
        imd_account_count(feed->account, alerts_duplicate, 1);
        return true;
    }
    if (fields->stamp < feed->checkpoint.origin) { /* the API did not obey the filter */
        imd_account_count(feed->account, alerts_filtered, 1);
        return true;
    }
    imd_link_complete(feed->tenant->settings, feed->source, feed->tenant->directory, fields);
    if (!deliver(poll, json, length, fields, &version, change_of(feed, answer, fields->created))) return false;
    if (poll->sweep && fields->stamp < poll->regular_lower) imd_account_count(feed->account, alerts_late, 1);
    return true;
}

bool imd_poll_object(void *context, const char *json, size_t length, struct imd_json_value largest) {
    struct imd_poll *poll = context;
    struct imd_feed *feed = poll->feed;
    struct imd_alert_fields *fields = &feed->tenant->input->engine->fields;
    enum imd_alert_problem problem = imd_alert_read(feed->source, json, length, largest, fields);
    imd_account_count(feed->account, alerts_fetched, 1);
    if (problem == IMD_ALERT_BAD_TENANT || imd_feed_is_foreign(feed, fields)) {
        imd_account_count(feed->account, alerts_rejected, 1);
        poll->wrong_tenant = true;
        return false;
    }
    bool taken;
    if (problem == IMD_ALERT_OK) {
        taken = take(poll, json, length, fields);
    } else {
        imd_walk_object(&poll->walk, fields->stamp, fields->created, false);
        const struct rejection why = {"the API sent an object that is no alert version", imd_alert_problem_text(problem),
                                      "look at the object; report it to Microsoft",
                                      "it is passed on whole in a health message"};
        taken = reject(poll, json, length, &why);
    }
    if (!taken) {
        poll->no_memory = true;
        imd_account_count(feed->account, alerts_rejected, 1);
    }
    return taken;
}
