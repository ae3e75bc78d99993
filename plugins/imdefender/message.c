/* SPDX-License-Identifier: Apache-2.0 */
/* An alert version, or a health message, as an rsyslog message. */
#include "message.h"

#include <errno.h>
#include <libfastjson/json.h>
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "syslog_fields.h"
#include "tree.h"

#define METADATA "metadata" /* $!metadata!imdefender, as other inputs keep theirs below $!metadata */
#define OWN_METADATA "imdefender"

static const char *msgid(const struct imd_batch *batch) {
    return batch->kind == IMD_BATCH_HEALTH ? IMD_MSGID_HEALTH : batch->source->name;
}

/* --- $! --- */

/* What libfastjson need not do: look for a member of that name, from front to back, and copy the name. */
#define NEW_LITERAL (FJSON_OBJECT_ADD_KEY_IS_NEW | FJSON_OBJECT_KEY_IS_CONSTANT)

/* Takes `value` over, also on failure. A failed allocation shows in errno only. */
static bool add_member(struct fjson_object *object, const char *name, struct fjson_object *value, unsigned options) {
    if (value == NULL) {
        return false;
    }
    errno = 0;
    fjson_object_object_add_ex(object, name, value, options);
    if (errno == ENOMEM) {
        fjson_object_put(value);
        return false;
    }
    return true;
}

static bool add_text(struct fjson_object *object, const char *literal, const char *value,
                     struct imd_shared_texts *texts) {
    const char *text = value != NULL ? value : "";
    return add_member(object, literal, imd_shared_text(texts, text, strlen(text)), NEW_LITERAL);
}

/* Leaves out what is not known. */
static bool add_known_text(struct fjson_object *object, const char *name, const char *value,
                           struct imd_shared_texts *texts) {
    return *value == '\0' || add_text(object, name, value, texts);
}

static struct fjson_object *build_labels(const struct imd_settings *settings, struct imd_shared_texts *texts) {
    struct fjson_object *labels = fjson_object_new_object();
    for (size_t i = 0; labels != NULL && i < settings->label_count; i++) {
        const char *text = settings->labels[i].value;
        if (!add_member(labels, settings->labels[i].name, imd_shared_text(texts, text, strlen(text)), 0)) {
            fjson_object_put(labels);
            return NULL;
        }
    }
    return labels;
}

static struct fjson_object *build_own_metadata(const struct imd_batch *batch, const struct imd_alert *alert,
                                               struct imd_shared_texts *texts) {
    const struct imd_settings *settings = batch->settings;
    struct fjson_object *own = fjson_object_new_object();
    if (own == NULL) {
        return NULL;
    }
    if (add_text(own, "tenantId", settings->tenant_id, texts) &&
        add_text(own, "tenantName", imd_settings_name(settings), texts) &&
        add_text(own, "cloud", settings->cloud->name, texts) && add_text(own, "source", msgid(batch), texts) &&
        add_text(own, "id", alert->id, texts) && add_text(own, "lastUpdate", alert->updated, texts) &&
        add_text(own, "change", alert->change == IMD_CHANGE_NEW ? "new" : "update", texts) &&
        add_text(own, "key", alert->key, texts) && add_known_text(own, "incidentId", alert->incident, texts) &&
        add_known_text(own, "webUrl", alert->web_url, texts) && add_text(own, "input", batch->input, texts) &&
        add_member(own, "labels", build_labels(settings, texts), NEW_LITERAL)) {
        return own;
    }
    fjson_object_put(own);
    return NULL;
}

/* The container $!metadata. An object of the API that has a member of this name keeps it: ours goes beside its members;
 * if it is no object, its value moves to $!metadata!value. (No alert has one so far, and `msg` shows it unchanged.) */
static struct fjson_object *metadata_of(struct fjson_object *tree) {
    struct fjson_object *theirs = NULL;
    const bool present = fjson_object_object_get_ex(tree, METADATA, &theirs);
    if (present && fjson_object_is_type(theirs, fjson_type_object)) {
        return theirs;
    }
    struct fjson_object *container = fjson_object_new_object();
    if (container == NULL) {
        return NULL;
    }
    if (present && theirs != NULL && !add_member(container, "value", fjson_object_get(theirs), NEW_LITERAL)) {
        fjson_object_put(container);
        return NULL;
    }
    return add_member(tree, METADATA, container, present ? 0 : NEW_LITERAL) ? container : NULL;
}

/* The whole of $!, for one msgAddJSON(): before 8.2606 adding to an existing subtree lands in the root. */
static struct fjson_object *build_tree(const struct imd_batch *batch, const struct imd_alert *alert,
                                       struct imd_shared_texts *texts) {
    const enum imd_parse_json mode =
        batch->kind == IMD_BATCH_HEALTH ? IMD_PARSE_JSON_ON : (enum imd_parse_json)batch->settings->parse_json;
    struct imd_json_value largest = {.data = NULL, .length = alert->largest_length};
    if (largest.length > 0) largest.data = alert->json + alert->largest_at;
    struct fjson_object *tree = imd_tree_build(alert->json, alert->json_length, mode, largest, texts);
    if (tree == NULL) {
        return NULL;
    }
    struct fjson_object *metadata = metadata_of(tree);
    if (metadata != NULL && add_member(metadata, OWN_METADATA, build_own_metadata(batch, alert, texts), 0)) {
        return tree;
    }
    fjson_object_put(tree);
    return NULL;
}

/* --- fields of RFC 5424 --- */

/* The message takes the alert's memory over, which begins with its text: an object may have megabytes, and one copy of
 * them is enough. rsyslog frees it as its own. */
static void take_text(smsg_t *message, struct imd_alert *alert) {
    message->pszRawMsg = (uchar *)alert->json;
    message->iLenRawMsg = (int)alert->json_length;
    MsgSetMSGoffs(message, 0);
    alert->json = NULL;
}

/* rsyslog shortens a text it has no memory for instead of failing, so the length is compared afterwards. */
static bool set_hostname(smsg_t *message, const struct imd_settings *settings) {
    const char *hostname = imd_hostname_choose(settings->tenant_name, settings->tenant_id);
    MsgSetHOSTNAME(message, (const uchar *)hostname, (int)strlen(hostname));
    return getHOSTNAMELen(message) == (int)strlen(hostname);
}

static bool set_structured_data(smsg_t *message, const struct imd_batch *batch, const struct imd_alert *alert) {
    const struct imd_structured_values values = {.tenant_id = batch->settings->tenant_id,
                                                 .tenant_name = imd_settings_name(batch->settings),
                                                 .source = msgid(batch),
                                                 .id = alert->id,
                                                 .severity = alert->severity,
                                                 .key = alert->key};
    struct imd_buffer text;
    imd_buffer_init(&text, IMD_STRUCTURED_DATA_MAX);
    bool set = imd_structured_data(&text, &values) && MsgSetStructuredData(message, text.data) == RS_RET_OK;
    imd_buffer_free(&text);
    return set;
}

/* rsyslog keeps microseconds; the seventh digit of the API's stamp is in $!metadata!imdefender!lastUpdate. */
static void set_timestamp(smsg_t *message, imd_time stamp) {
    if (stamp == IMD_TIME_NONE) {
        return; /* stays the time of reception */
    }
    const int64_t seconds = imd_time_to_unix(stamp);
    const imd_time ticks = stamp - imd_time_from_unix(seconds);
    struct timeval when = {.tv_sec = seconds, .tv_usec = (suseconds_t)(ticks / 10)};
    imd_datetime.timeval2syslogTime(&when, &message->tTIMESTAMP, TIME_IN_UTC);
}

static bool set_fields(smsg_t *message, const struct imd_batch *batch, const struct imd_alert *alert) {
    MsgSetFlowControlType(message, eFLOWCTL_FULL_DELAY);
    MsgSetInputName(message, batch->receipt);
    MsgSetRcvFrom(message, imd_glbl.GetLocalHostNameProp());
    MsgSetTAG(message, UCHAR_CONSTANT(IMD_SYSLOG_TAG), sizeof(IMD_SYSLOG_TAG) - 1);
    setProtocolVersion(message, MSG_RFC5424_PROTOCOL);
    msgSetPRI(message, (syslog_pri_t)(batch->settings->facility << 3 | imd_severity_number(alert->severity)));
    set_timestamp(message, alert->stamp);
    return set_hostname(message, batch->settings) &&
           MsgSetRcvFromIP(message, imd_glbl.GetLocalHostIP()) == RS_RET_OK &&
           MsgSetAPPNAME(message, IMD_APP_NAME) == RS_RET_OK && MsgSetPROCID(message, "-") == RS_RET_OK &&
           MsgSetMSGID(message, msgid(batch)) == RS_RET_OK && set_structured_data(message, batch, alert);
}

smsg_t *imd_message_new(const struct imd_batch *batch, struct imd_alert *alert, ruleset_t *ruleset,
                        struct imd_shared_texts *texts) {
    smsg_t *message = NULL;
    if (msgConstruct(&message) != RS_RET_OK) {
        return NULL;
    }
    MsgSetRuleset(message, ruleset);
    struct fjson_object *tree = NULL;
    /* msgAddJSON() owns the tree from the call on, also when it fails. */
    if (!set_fields(message, batch, alert) || (tree = build_tree(batch, alert, texts)) == NULL ||
        msgAddJSON(message, UCHAR_CONSTANT("!"), tree, 0, 0) != RS_RET_OK) {
        msgDestruct(&message);
        return NULL;
    }
    take_text(message, alert);
    return message;
}
