/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up alerts and updates. */
#include "graph_make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph_buffer.h"
#include "graph_make_evidence.h"
#include "graph_make_source.h"
#include "graph_slice.h"
#include "graph_time.h"

#define TYPICAL_SIZE 4600 /* with the member that ends the last evidence about 5 KB */
#define TIE_WINDOW (2 * GRAPH_SECOND)

static const struct kind {
    const char *title, *category, *technique, *service, *detection, *evidence, *prefix;
} kinds[] = {
    {"Suspicious PowerShell command line", "Execution", "T1059.001", "microsoftDefenderForEndpoint",
     "microsoftDefenderForEndpoint", "dpuf", "da"},
    {"'Emotet' malware was prevented", "Malware", "T1204.002", "microsoftDefenderForEndpoint", "antivirus", "dfp",
     "da"},
    {"Ransomware behavior detected in the file system", "Impact", "T1486", "microsoftDefenderForEndpoint",
     "microsoftDefenderForEndpoint", "dfpu", "da"},
    {"Persistence through a registry run key", "Persistence", "T1547.001", "microsoftDefenderForEndpoint",
     "customDetection", "drp", "ed"},
    {"Email reported by user as malware or phish\xE2\x80\x8B", "InitialAccess", "T1566.002",
     "microsoftDefenderForOffice365", "microsoftDefenderForOffice365", "maui", "fa"},
    {"A potentially malicious URL click was detected", "InitialAccess", "T1566", "microsoftDefenderForOffice365",
     "microsoftDefenderForOffice365", "mauw", "fa"},
    {"Impossible travel activity", "InitialAccess", "T1078", "microsoftDefenderForCloudApps", "cloudAppSecurity",
     "uics", "ca"},
    {"Unfamiliar sign-in properties", "CredentialAccess", "T1110", "azureAdIdentityProtection",
     "azureAdIdentityProtection", "uis", "ad"},
    {"Suspected DCSync attack (replication of directory services)", "CredentialAccess", "T1003.006",
     "microsoftDefenderForIdentity", "microsoftDefenderForIdentity", "dui", "aa"},
    {"Multi-stage incident involving lateral movement", "LateralMovement", "T1021.002", "microsoft365Defender",
     "microsoft365Defender", "ddupf", "ra"},
    {"DLP policy matched: credit card numbers in a shared file", "Exfiltration", "T1567", "dataLossPrevention",
     "microsoftDataLossPrevention", "ucm", "dl"},
    {"App with unusual consent pattern", "Persistence", "T1098", "microsoftAppGovernance", "appGovernanceDetection",
     "uc", "ma"},
};

/* Fractions of 0, 2, 3 and 7 digits, as seen in the field. */
static void print_stamp(int64_t ticks, struct graph_random *random, char out[GRAPH_TIME_TEXT]) {
    static const int digits[] = {0, 2, 3, 7};
    graph_time_print(ticks, digits[graph_random_below(random, 4)], out);
}

static void add_head(const struct graph_tenant *tenant, const struct kind *kind, const char *id, int64_t changed,
                     struct graph_random *random, struct graph_buffer *out) {
    static const char *const severities[] = {"informational", "low", "medium", "high"};
    char stamp[GRAPH_TIME_TEXT];
    uint64_t incident = 1000 + graph_random_below(random, 9000);
    graph_buffer_print(out,
                       "{\"@odata.type\":\"#microsoft.graph.security.alert\",\"id\":\"%s\",\"providerAlertId\":\"%s\","
                       "\"incidentId\":\"%" PRIu64 "\",\"tenantId\":\"%s\",\"title\":",
                       id, id, incident, tenant->id);
    graph_buffer_json(out, kind->title);
    graph_buffer_print(
        out,
        ",\"description\":\"Observed in the tenant.\\r\\nSecond line with \\u00fc, \xEF\xBF\xBD and a tab\\t.\","
        "\"recommendedActions\":\"1.\\tCheck the entity\\n2.\\tIsolate it \\/ reset the account\","
        "\"category\":\"%s\",\"severity\":\"%s\",\"status\":\"new\",\"classification\":null,"
        "\"determination\":null,\"serviceSource\":\"%s\",\"detectionSource\":\"%s\",\"productName\":null,",
        kind->category, severities[graph_random_below(random, 4)], kind->service, kind->detection);
    graph_buffer_print(out,
                       "\"detectorId\":\"%08" PRIx64 "-0000-4000-8000-00000000%04" PRIx64
                       "\",\"assignedTo\":null,\"actorDisplayName\":null,\"threatDisplayName\":null,"
                       "\"threatFamilyName\":null,\"investigationState\":\"queued\",\"mitreTechniques\":[\"%s\"],"
                       "\"systemTags\":[],\"categories\":[],\"comments\":[],\"alertPolicyId\":null,"
                       "\"additionalData\":null,\"customDetails\":{},\"resolvedDateTime\":null,",
                       graph_random_below(random, UINT32_MAX), graph_random_below(random, 65536), kind->technique);
    print_stamp(changed - 95 * GRAPH_SECOND, random, stamp);
    graph_buffer_print(out, "\"firstActivityDateTime\":\"%s\",", stamp);
    print_stamp(changed - 70 * GRAPH_SECOND, random, stamp);
    graph_buffer_print(
        out,
        "\"lastActivityDateTime\":\"%s\",\"alertWebUrl\":\"https://security.microsoft.com/alerts/%s?tid=%s\","
        "\"incidentWebUrl\":\"https://security.microsoft.com/incidents/%" PRIu64 "?tid=%s\",",
        stamp, id, tenant->id, incident, tenant->id);
}

void graph_make_alert(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed, size_t size,
                      struct graph_random *random, struct graph_buffer *out) {
    const struct kind *kind = &kinds[graph_random_below(random, sizeof kinds / sizeof kinds[0])];
    struct graph_buffer id = {0};
    char created_text[GRAPH_TIME_TEXT], changed_text[GRAPH_TIME_TEXT];
    graph_buffer_print(&id, "%s%07u%010" PRIu64 "_-%" PRIu64, kind->prefix, tenant->number, number,
                       graph_random_below(random, 2000000000));
    size_t start = out->length;
    size = size > 0 ? size : TYPICAL_SIZE + (size_t)graph_random_below(random, 400);
    add_head(tenant, kind, id.bytes, created, random, out);
    print_stamp(created, random, created_text);
    graph_time_print(changed, 7, changed_text);
    graph_buffer_print(out, "\"createdDateTime\":\"%s\",\"lastUpdateDateTime\":\"%s\",\"evidence\":[", created_text,
                       changed_text);
    for (size_t i = 0; kind->evidence[i] != '\0'; i++) {
        graph_buffer_text(out, i > 0 ? "," : "");
        graph_make_evidence(kind->evidence[i], created_text, random, out);
    }
    while (out->length - start < size) {
        graph_buffer_text(out, ",");
        graph_make_evidence("dfpuiwmarcs"[graph_random_below(random, 11)], created_text, random, out);
    }
    graph_buffer_text(out, "]}");
    graph_buffer_free(&id);
}

/* --- into the data --- */

static int64_t visible_at(const struct graph_make *how, int64_t stamp, int64_t now, struct graph_random *random) {
    if (how->late > 0 && graph_random_chance(random, how->late_percent)) {
        return stamp + how->late;
    }
    return now;
}

static void make_object(struct graph_feed *feed, int64_t created, int64_t changed, size_t size,
                        struct graph_random *random, struct graph_buffer *out) {
    struct graph_tenant *tenant = feed->tenant;
    switch (feed->source) {
        case GRAPH_INCIDENTS:
            graph_make_incident(tenant, feed->object_count + 1, created, changed, random, out);
            break;
        case GRAPH_ENDPOINT_ALERTS:
            graph_make_endpoint_alert(tenant, ++tenant->made, created, changed, size, random, out);
            break;
        case GRAPH_SIEM_DETECTIONS:
            /* Off the grid and finer than its queries can say; the same for the same moment, so that ties stay. */
            changed -= changed % 33333;
            graph_make_detection(tenant, ++tenant->made, created, changed, random, out);
            break;
        default:
            graph_make_alert(tenant, ++tenant->made, created, changed, size, random, out);
    }
}

void graph_make_at(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t changed,
                   int64_t now, struct graph_random *random) {
    struct graph_buffer bytes = {0};
    const char *problem;
    int64_t created = changed - GRAPH_SECOND / 10 - (int64_t)graph_random_below(random, 20 * GRAPH_SECOND);
    make_object(feed, created, changed, how->size, random, &bytes);
    if (!graph_data_add(data, feed, bytes.bytes, bytes.length, visible_at(how, changed, now, random), now, 0,
                        &problem)) {
        abort();
    }
    feed->last_changed = changed;
    graph_buffer_free(&bytes);
}

static int64_t next_stamp(const struct graph_feed *feed, const struct graph_make *how, int64_t now,
                          struct graph_random *random) {
    bool fresh = feed->last_changed > now - TIE_WINDOW && feed->last_changed <= now;
    return fresh && graph_random_chance(random, how->tie_percent) ? feed->last_changed : graph_time_grid(now);
}

void graph_make_new(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t now,
                    struct graph_random *random) {
    graph_make_at(data, feed, how, next_stamp(feed, how, now, random), now, random);
}

/* Copies `object` with the value of member `name`, where present, replaced. */
static void replace_member(struct graph_buffer *object, const char *name, const char *value) {
    struct graph_slice whole = {object->bytes, object->length};
    struct graph_slice member = graph_slice_member(whole, name);
    if (member.bytes == NULL) {
        return;
    }
    struct graph_buffer out = {0};
    size_t before = (size_t)(member.bytes - object->bytes);
    graph_buffer_add(&out, object->bytes, before);
    graph_buffer_json(&out, value);
    graph_buffer_add(&out, member.bytes + member.length, object->length - before - member.length);
    graph_buffer_free(object);
    *object = out;
}

bool graph_make_version(struct graph_data *data, struct graph_object *object, int64_t changed, int64_t visible,
                        int64_t now) {
    const struct graph_version *current = object->current;
    const struct graph_source *source = &graph_sources[object->feed->source];
    if (current == NULL || changed <= current->changed || source->style == GRAPH_WINDOWS) {
        return false;
    }
    struct graph_buffer bytes = {0};
    char stamp[GRAPH_TIME_TEXT];
    const char *problem;
    graph_buffer_add(&bytes, current->bytes, current->length);
    int status = graph_source_property(source, "status", strlen("status"));
    const char *former = status >= 0 ? current->values[status].text : NULL;
    bool fresh = former != NULL && (strcasecmp(former, "new") == 0 || strcmp(former, "active") == 0);
    bool capital = former != NULL && former[0] >= 'A' && former[0] <= 'Z';
    replace_member(&bytes, source->changed, graph_time_print(changed, 7, stamp));
    replace_member(&bytes, "status", fresh ? capital ? "InProgress" : "inProgress" : capital ? "Resolved" : "resolved");
    replace_member(&bytes, "assignedTo", "analyst@mssp.example");
    if (!graph_data_add(data, object->feed, bytes.bytes, bytes.length, visible, now, 0, &problem)) {
        abort();
    }
    graph_buffer_free(&bytes);
    return true;
}

bool graph_make_update(struct graph_data *data, struct graph_feed *feed, const struct graph_make *how, int64_t now,
                       struct graph_random *random) {
    size_t first = (size_t)graph_random_below(random, feed->object_count);
    for (size_t i = 0; i < feed->object_count; i++) {
        struct graph_object *object = feed->objects[(first + i) % feed->object_count];
        const struct graph_version *current = object->current;
        if (object->fixed || current == NULL || (how->served_only && current->served == 0)) {
            continue;
        }
        int64_t stamp = next_stamp(feed, how, now, random);
        if (stamp <= object->newest) {
            stamp = graph_time_grid_next(object->newest);
        }
        if (stamp <= now && graph_make_version(data, object, stamp, visible_at(how, stamp, now, random), now)) {
            feed->last_changed = stamp;
            return true;
        }
    }
    return false;
}
