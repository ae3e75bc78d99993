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

const struct graph_source graph_sources[GRAPH_SOURCES] = {
    [GRAPH_ALERTS] = {"alerts",
                      "/v1.0/security/alerts_v2",
                      "https://graph.microsoft.com",
                      {"SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All", "SecurityIncident.Read.All",
                       "SecurityIncident.ReadWrite.All", NULL},
                      "id",
                      "lastUpdateDateTime",
                      "createdDateTime",
                      "tenantId",
                      alert_properties,
                      GRAPH_COUNT(alert_properties),
                      100,
                      1000,
                      false,
                      500},
    [GRAPH_INCIDENTS] = {"incidents",
                         "/v1.0/security/incidents",
                         "https://graph.microsoft.com",
                         {"SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All", NULL},
                         "id",
                         "lastUpdateDateTime",
                         "createdDateTime",
                         "tenantId",
                         incident_properties,
                         GRAPH_COUNT(incident_properties),
                         50,
                         50,
                         true,
                         500},
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
