/* SPDX-License-Identifier: Apache-2.0 */
/* The sources the test double serves. */
#include "graph_source.h"

#include <string.h>

#define GRAPH_COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const severities[] = {"unknown", "informational",      "low", "medium",
                                         "high",    "unknownFutureValue", NULL};
static const char *const alert_statuses[] = {"unknown", "new", "inProgress", "resolved", "unknownFutureValue", NULL};
static const char *const incident_statuses[] = {
    "active", "resolved", "inProgress", "redirected", "unknownFutureValue", "awaitingAction", NULL};
static const char *const classifications[] = {
    "unknown", "falsePositive", "truePositive", "informationalExpectedActivity", "unknownFutureValue", NULL};
static const char *const determinations[] = {"unknown",
                                             "apt",
                                             "malware",
                                             "securityPersonnel",
                                             "securityTesting",
                                             "unwantedSoftware",
                                             "other",
                                             "multiStagedAttack",
                                             "compromisedAccount",
                                             "phishing",
                                             "maliciousUserActivity",
                                             "notMalicious",
                                             "notEnoughDataToValidate",
                                             "confirmedActivity",
                                             "lineOfBusinessApplication",
                                             "unknownFutureValue",
                                             NULL};
static const char *const service_sources[] = {"unknown",
                                              "microsoftDefenderForEndpoint",
                                              "microsoftDefenderForIdentity",
                                              "microsoftDefenderForCloudApps",
                                              "microsoftDefenderForOffice365",
                                              "microsoft365Defender",
                                              "azureAdIdentityProtection",
                                              "microsoftAppGovernance",
                                              "dataLossPrevention",
                                              "unknownFutureValue",
                                              "microsoftDefenderForCloud",
                                              "microsoftSentinel",
                                              "microsoftInsiderRiskManagement",
                                              "microsoftThreatIntelligence",
                                              "microsoftSecurityForAI",
                                              NULL};

static const struct graph_property alert_properties[] = {
    {"assignedTo", GRAPH_TEXT, NULL},
    {"classification", GRAPH_ENUM, classifications},
    {"determination", GRAPH_ENUM, determinations},
    {"createdDateTime", GRAPH_TIME, NULL},
    {"lastUpdateDateTime", GRAPH_TIME, NULL},
    {"severity", GRAPH_ENUM, severities},
    {"serviceSource", GRAPH_ENUM, service_sources},
    {"status", GRAPH_ENUM, alert_statuses},
};

static const struct graph_property incident_properties[] = {
    {"assignedTo", GRAPH_TEXT, NULL},          {"classification", GRAPH_ENUM, classifications},
    {"createdDateTime", GRAPH_TIME, NULL},     {"determination", GRAPH_ENUM, determinations},
    {"lastUpdateDateTime", GRAPH_TIME, NULL},  {"severity", GRAPH_ENUM, severities},
    {"status", GRAPH_ENUM, incident_statuses},
};

static const char *const endpoint_severities[] = {"UnSpecified", "Informational", "Low", "Medium", "High", NULL};
static const char *const endpoint_statuses[] = {"Unknown", "New", "InProgress", "Resolved", NULL};

static const struct graph_property endpoint_properties[] = {
    {"alertCreationTime", GRAPH_TIME, NULL},
    {"lastUpdateTime", GRAPH_TIME, NULL},
    {"incidentId", GRAPH_NUMBER, NULL},
    {"InvestigationId", GRAPH_NUMBER, NULL},
    {"id", GRAPH_TEXT, NULL},
    {"assignedTo", GRAPH_TEXT, NULL},
    {"detectionSource", GRAPH_TEXT, NULL},
    {"lastEventTime", GRAPH_TIME, NULL},
    {"status", GRAPH_ENUM, endpoint_statuses},
    {"severity", GRAPH_ENUM, endpoint_severities},
    {"category", GRAPH_TEXT, NULL},
};

const struct graph_source graph_sources[GRAPH_SOURCES] = {
    [GRAPH_ALERTS] = {.name = "alerts",
                      .path = "/v1.0/security/alerts_v2",
                      .audience = "https://graph.microsoft.com",
                      .roles = {"SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All", "SecurityIncident.Read.All",
                                "SecurityIncident.ReadWrite.All", NULL},
                      .id = "id",
                      .changed = "lastUpdateDateTime",
                      .created = "createdDateTime",
                      .tenant = "tenantId",
                      .properties = alert_properties,
                      .property_count = GRAPH_COUNT(alert_properties),
                      .page = 100,
                      .ceiling = 1000,
                      .skip_limit = 500,
                      .per_minute = 150},
    [GRAPH_INCIDENTS] = {.name = "incidents",
                         .path = "/v1.0/security/incidents",
                         .audience = "https://graph.microsoft.com",
                         .roles = {"SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All", NULL},
                         .id = "id",
                         .changed = "lastUpdateDateTime",
                         .created = "createdDateTime",
                         .tenant = "tenantId",
                         .expand = "alerts",
                         .properties = incident_properties,
                         .property_count = GRAPH_COUNT(incident_properties),
                         .page = 50,
                         .ceiling = 50,
                         .refuses_larger = true,
                         .skip_limit = 500,
                         .per_minute = 150},
    [GRAPH_ENDPOINT_ALERTS] = {.name = "endpoint-alerts",
                               .path = "/api/alerts",
                               .audience = "https://api.securitycenter.microsoft.com",
                               .roles = {"Alert.Read.All", "Alert.ReadWrite.All", NULL},
                               .errors = GRAPH_ERRORS_ENDPOINT,
                               .id = "id",
                               .changed = "lastUpdateTime",
                               .created = "alertCreationTime",
                               .tenant = "aadTenantId",
                               .expand = "evidence",
                               .unlinked = true,
                               .properties = endpoint_properties,
                               .property_count = GRAPH_COUNT(endpoint_properties),
                               .page = 10000,
                               .ceiling = 10000,
                               .refuses_larger = true,
                               .skip_limit = 1000000,
                               .per_minute = 100,
                               .per_hour = 1500},
    [GRAPH_SIEM_DETECTIONS] = {.name = "siem-detections",
                               .path = "/api/alerts", /* on a host of its own; here the token's audience decides */
                               .audience = "https://graph.windows.net",
                               .old_tokens = true,
                               .style = GRAPH_WINDOWS,
                               .errors = GRAPH_ERRORS_SIEM,
                               .id = "FullId",
                               .changed = "LastProcessedTimeUtc",
                               .created = "AlertTime",
                               .page = 1000000, /* no limit documented */
                               .ceiling = 1000000},
};

int graph_source_by_name(const char *name) {
    for (int i = 0; i < GRAPH_SOURCES; i++) {
        if (strcmp(graph_sources[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int graph_source_property(const struct graph_source *source, const char *name, size_t length) {
    for (size_t i = 0; i < source->property_count; i++) {
        if (strlen(source->properties[i].name) == length && memcmp(source->properties[i].name, name, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}
