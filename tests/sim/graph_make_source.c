/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up incidents, endpoint alerts and SIEM detections. */
#include "graph_make_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph_make_evidence.h"
#include "graph_slice.h"
#include "graph_time.h"

#define PICK(random, list) (list)[graph_random_below(random, sizeof(list) / sizeof(list)[0])]

static const char *const titles[] = {"Suspicious PowerShell command line", "'Emotet' malware was prevented",
                                     "Ransomware behavior detected in the file system", "Suspicious service launched"};
static const char *const categories[] = {"Execution", "Malware", "Impact", "Persistence"};

/* --- incidents --- */

/* The incident that the n-th alert names; a number of its own if there is no such alert or the incident exists. */
static uint64_t incident_number(const struct graph_tenant *tenant, uint64_t number) {
    const struct graph_feed *alerts = &tenant->feeds[GRAPH_ALERTS];
    uint64_t found = 10000 + number;
    if (number > alerts->object_count || alerts->objects[number - 1]->current == NULL) {
        return found;
    }
    const struct graph_version *alert = alerts->objects[number - 1]->current;
    struct graph_slice whole = {alert->bytes, alert->length};
    char *id = graph_slice_text(graph_slice_member(whole, "incidentId"));
    if (id != NULL && graph_map_find(&tenant->feeds[GRAPH_INCIDENTS].by_id, id) == NULL) {
        found = strtoull(id, NULL, 10);
    }
    free(id);
    return found;
}

void graph_make_incident(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                         struct graph_random *random, struct graph_buffer *out) {
    static const char *const severities[] = {"informational", "low", "medium", "high"};
    char created_text[GRAPH_TIME_TEXT], changed_text[GRAPH_TIME_TEXT];
    uint64_t id = incident_number(tenant, number);
    graph_buffer_print(out,
                       "{\"@odata.type\":\"#microsoft.graph.security.incident\",\"id\":\"%" PRIu64
                       "\",\"tenantId\":\"%s\",\"status\":\"active\","
                       "\"incidentWebUrl\":\"https://security.microsoft.com/incidents/%" PRIu64
                       "?tid=%s\",\"redirectIncidentId\":null,",
                       id, tenant->id, id, tenant->id);
    graph_buffer_print(out,
                       "\"displayName\":\"Multi-stage incident involving %s on one endpoint\",\"createdDateTime\":\"%s\","
                       "\"lastUpdateDateTime\":\"%s\",\"assignedTo\":null,\"classification\":\"unknown\","
                       "\"determination\":\"unknown\",\"severity\":\"%s\",\"customTags\":[],\"systemTags\":[],",
                       PICK(random, categories), graph_time_print(created, 7, created_text),
                       graph_time_print(changed, 7, changed_text), PICK(random, severities));
    graph_buffer_print(out,
                       "\"description\":\"Made up.\\r\\nSecond line with \\u00fc.\",\"lastModifiedBy\":null,"
                       "\"resolvingComment\":null,\"summary\":null,\"priorityScore\":%" PRIu64 ",\"comments\":[]}",
                       graph_random_below(random, 100));
}

/* --- Defender for Endpoint --- */

static void add_endpoint_evidence(const char *created, struct graph_random *random, struct graph_buffer *out) {
    static const char *const types[] = {"User", "Process", "File", "Ip"};
    static const char *const files[] = {"update.exe", "rundll32.exe", "payload.dll"};
    const char *type = PICK(random, types);
    graph_buffer_print(out, "{\"entityType\":\"%s\",\"evidenceCreationTime\":\"%s\",\"sha1\":\"", type, created);
    graph_make_hex(random, 40, out);
    graph_buffer_text(out, "\",\"sha256\":\"");
    graph_make_hex(random, 64, out);
    graph_buffer_print(out,
                       "\",\"fileName\":\"%s\",\"filePath\":\"C:\\\\Users\\\\Public\",\"processId\":%" PRIu64
                       ",\"processCommandLine\":\"\\\"rundll32.exe\\\" a,b\",\"processCreationTime\":\"%s\","
                       "\"parentProcessId\":4,\"parentProcessCreationTime\":\"%s\",\"parentProcessFileName\":\"cmd.exe\","
                       "\"parentProcessFilePath\":\"C:\\\\Windows\\\\System32\",\"ipAddress\":\"192.0.2.7\",\"url\":null,",
                       PICK(random, files), graph_random_below(random, 60000), created, created);
    graph_buffer_text(out,
                      "\"registryKey\":null,\"registryHive\":null,\"registryValueType\":null,\"registryValue\":null,"
                      "\"accountName\":\"alice\",\"domainName\":\"CONTOSO\",\"userSid\":\"S-1-5-21-1004-1001\","
                      "\"aadUserId\":null,\"userPrincipalName\":\"alice@contoso.example\",\"detectionStatus\":\"Detected\"}");
}

static void add_endpoint_head(const struct graph_tenant *tenant, uint64_t number, struct graph_random *random,
                              struct graph_buffer *out) {
    static const char *const severities[] = {"Informational", "Low", "Medium", "High"};
    graph_buffer_print(out,
                       "{\"id\":\"da%07u%010" PRIu64 "_%" PRIu64 "\",\"incidentId\":%" PRIu64
                       ",\"investigationId\":%" PRIu64 ",\"assignedTo\":null,\"severity\":\"%s\",\"status\":\"New\",",
                       tenant->number, number, graph_random_below(random, 2000000000),
                       1000 + graph_random_below(random, 9000), graph_random_below(random, 1000),
                       PICK(random, severities));
    graph_buffer_print(out,
                       "\"classification\":null,\"determination\":null,\"investigationState\":\"Queued\","
                       "\"detectionSource\":\"WindowsDefenderAtp\",\"detectorId\":\"17e10bbc-3a68-474a-8aad-faef14d43952\","
                       "\"category\":\"%s\",\"threatFamilyName\":null,\"threatName\":null,\"title\":\"%s\","
                       "\"description\":\"Made up.\\r\\nSecond line with \\u00fc.\",\"machineId\":\"",
                       PICK(random, categories), PICK(random, titles));
    graph_make_hex(random, 40, out);
    graph_buffer_print(out,
                       "\",\"computerDnsName\":\"pc-0411.contoso.example\",\"rbacGroupName\":\"A\",\"aadTenantId\":\"%s\","
                       "\"mitreTechniques\":[\"T1059.001\"],"
                       "\"relatedUser\":{\"userName\":\"alice\",\"domainName\":\"CONTOSO\"},"
                       "\"loggedOnUsers\":[],\"comments\":[],",
                       tenant->id);
}

void graph_make_endpoint_alert(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                               size_t size, struct graph_random *random, struct graph_buffer *out) {
    char created_text[GRAPH_TIME_TEXT], changed_text[GRAPH_TIME_TEXT];
    size_t start = out->length;
    add_endpoint_head(tenant, number, random, out);
    graph_time_print(created, 7, created_text);
    graph_time_print(changed, 7, changed_text);
    graph_buffer_print(out,
                       "\"alertCreationTime\":\"%s\",\"firstEventTime\":\"%s\",\"lastEventTime\":\"%s\","
                       "\"lastUpdateTime\":\"%s\",\"resolvedTime\":null,\"evidence\":[",
                       created_text, created_text, created_text, changed_text);
    do {
        graph_buffer_text(out, out->bytes[out->length - 1] == '[' ? "" : ",");
        add_endpoint_evidence(created_text, random, out);
    } while (out->length - start < size);
    graph_buffer_text(out, "]}");
}

/* --- the SIEM API --- */

static void add_detection_head(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                               struct graph_random *random, struct graph_buffer *out) {
    static const char *const severities[] = {"Informational", "Low", "Medium", "High"};
    char created_text[GRAPH_TIME_TEXT], changed_text[GRAPH_TIME_TEXT], alert[40], hash[41];
    struct graph_buffer digits = {0};
    snprintf(alert, sizeof alert, "da%07u%010" PRIu64 "_1", tenant->number, number);
    graph_make_hex(random, 40, &digits);
    snprintf(hash, sizeof hash, "%s", digits.bytes);
    graph_buffer_free(&digits);
    graph_buffer_print(out,
                       "{\"AlertTime\":\"%s\",\"ComputerDnsName\":\"pc-0411.contoso.example\",\"AlertTitle\":\"%s\","
                       "\"Category\":\"%s\",\"Severity\":\"%s\",\"AlertId\":\"%s\",\"Actor\":\"\","
                       "\"LinkToWDATP\":\"https://securitycenter.windows.com/alert/%s\",",
                       graph_time_print(created, 7, created_text), PICK(random, titles), PICK(random, categories),
                       PICK(random, severities), alert, alert);
    graph_buffer_print(out,
                       "\"IocName\":\"\",\"IocValue\":\"\",\"CreatorIocName\":\"\",\"CreatorIocValue\":\"\",\"Sha1\":\"%s\","
                       "\"FileName\":\"update.exe\",\"FilePath\":\"C:\\\\Users\\\\Public\",\"IpAddress\":\"192.0.2.7\","
                       "\"Url\":\"\",\"IoaDefinitionId\":\"b20af1d2-5990-4672-87f1-acc2a8ff7725\",\"UserName\":\"alice\","
                       "\"AlertPart\":%" PRIu64 ",\"FullId\":\"%s:%s\",\"LastProcessedTimeUtc\":\"%s\",",
                       hash, graph_random_below(random, 4), alert, hash, graph_time_print(changed, 7, changed_text));
    graph_buffer_print(out,
                       "\"ExternalId\":\"%s\",\"IocUniqueId\":\"%s\",\"LinkToMTP\":\"https://security.microsoft.com/alert/%s\","
                       "\"IncidentLinkToMTP\":\"https://security.microsoft.com/incidents/byalert?alertId=%s&source=SIEM\","
                       "\"IncidentLinkToWDATP\":\"https://securitycenter.windows.com/incidents/byalert?alertId=%s&"
                       "source=SIEM\",",
                       hash, hash, alert, alert, alert);
}

void graph_make_detection(const struct graph_tenant *tenant, uint64_t number, int64_t created, int64_t changed,
                          struct graph_random *random, struct graph_buffer *out) {
    add_detection_head(tenant, number, created, changed, random, out);
    graph_buffer_text(out,
                      "\"ThreatCategory\":\"\",\"ThreatFamily\":\"\",\"ThreatName\":\"\",\"RemediationAction\":\"\","
                      "\"RemediationIsSuccess\":null,\"Source\":\"EDR\",\"Md5\":\"\",\"Sha256\":\"\","
                      "\"WasExecutingWhileDetected\":null,\"UserDomain\":\"CONTOSO\",\"LogOnUsers\":\"contoso\\\\alice\","
                      "\"MachineDomain\":\"contoso.example\",\"MachineName\":\"pc-0411\","
                      "\"InternalIPv4List\":\"192.0.2.7;127.0.0.1\",\"InternalIPv6List\":\"fe80::1;::1\",\"FileHash\":\"\",");
    graph_buffer_print(out,
                       "\"DeviceID\":\"0123456789abcdef0123456789abcdef01234567\",\"MachineGroup\":\"\","
                       "\"Description\":\"Made up.\\r\\nSecond line with \\u00fc.\",\"DeviceCreatedMachineTags\":\"\","
                       "\"CloudCreatedMachineTags\":\"\",\"CommandLine\":\"\",\"ReportID\":%" PRIu64 "}",
                       graph_random_below(random, 1000000));
}
