/* SPDX-License-Identifier: Apache-2.0 */
/* The table of alert sources. Facts: learn.microsoft.com/graph/api/security-list-alerts_v2,
 * .../security-list-incidents, learn.microsoft.com/defender-endpoint/api/get-alerts; ceilings and quotas as documented
 * or as the APIs answer. */
#include "source.h"

#include <stddef.h>
#include <strings.h>

static const char *const graph_severities[] = {"unknown", "informational",      "low", "medium",
                                               "high",    "unknownFutureValue", NULL};

/* The members behind unknownFutureValue arrive only with "Prefer: include-unknown-enum-members". */
static const char *const graph_services[] = {"unknown",
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

static const char *const incident_statuses[] = {
    "active", "resolved", "inProgress", "redirected", "unknownFutureValue", "awaitingAction", NULL};

static const char *const endpoint_severities[] = {"UnSpecified", "Informational", "Low", "Medium", "High", NULL};
static const char *const endpoint_statuses[] = {"Unknown", "New", "InProgress", "Resolved", NULL};

const struct imd_source imd_sources[IMD_SOURCE_COUNT] = {
    [IMD_SOURCE_ALERTS] = {.id = IMD_SOURCE_ALERTS,
                           .name = "alerts",
                           .available = true,
                           .api = IMD_API_GRAPH,
                           .path = "/v1.0/security/alerts_v2",
                           .permission = "SecurityAlert.Read.All",
                           .id_field = "id",
                           .time_field = "lastUpdateDateTime",
                           .created_field = "createdDateTime",
                           .tenant_field = "tenantId",
                           .severity_field = "severity",
                           .incident_field = "incidentId",
                           .link_field = "alertWebUrl",
                           .portal_path = "/alerts/",
                           .style = IMD_PAGE_ODATA,
                           .grain = 1,
                           .partitions = {"severity", "serviceSource"},
                           .partition_values = {graph_severities, graph_services},
                           .page_ceiling = 1000,
                           .per_minute = 150,
                           .per_hour = 0},
    [IMD_SOURCE_INCIDENTS] = {.id = IMD_SOURCE_INCIDENTS,
                              .name = "incidents",
                              .available = true,
                              .api = IMD_API_GRAPH,
                              .path = "/v1.0/security/incidents",
                              .permission = "SecurityIncident.Read.All",
                              .id_field = "id",
                              .time_field = "lastUpdateDateTime",
                              .created_field = "createdDateTime",
                              .tenant_field = "tenantId",
                              .severity_field = "severity",
                              .incident_field = "id",
                              .link_field = "incidentWebUrl",
                              .portal_path = "/incidents/",
                              .style = IMD_PAGE_ODATA,
                              .grain = 1,
                              .expand = "alerts",
                              .expand_by_default = false,
                              .partitions = {"severity", "status"},
                              .partition_values = {graph_severities, incident_statuses},
                              .page_ceiling = 50,
                              .per_minute = 150,
                              .per_hour = 0},
    [IMD_SOURCE_ENDPOINT_ALERTS] = {.id = IMD_SOURCE_ENDPOINT_ALERTS,
                                    .name = "endpoint-alerts",
                                    .available = true,
                                    .api = IMD_API_ENDPOINT,
                                    .path = "/api/alerts",
                                    .permission = "Alert.Read.All",
                                    .id_field = "id",
                                    .time_field = "lastUpdateTime",
                                    .created_field = "alertCreationTime",
                                    .tenant_field = "aadTenantId",
                                    .severity_field = "severity",
                                    .incident_field = "incidentId",
                                    .link_field = NULL,
                                    .portal_path = "/alerts/",
                                    .style = IMD_PAGE_ODATA,
                                    .grain = 1,
                                    .expand = "evidence",
                                    .expand_by_default = true,
                                    .partitions = {"severity", "status"},
                                    .partition_values = {endpoint_severities, endpoint_statuses},
                                    .page_ceiling = 10000,
                                    .per_minute = 100,
                                    .per_hour = 1500},
    /* Immutable detections in a bare array, chosen by the time they were processed; no documented ceiling or quota, so
     * the one of the endpoint API is used as a page. AlertId and AlertTime are those of the alert, which an old one may
     * share with a detection of today: so no creation time is known. */
    [IMD_SOURCE_SIEM_DETECTIONS] = {.id = IMD_SOURCE_SIEM_DETECTIONS,
                                    .name = "siem-detections",
                                    .available = true,
                                    .api = IMD_API_SIEM,
                                    .path = "/api/alerts",
                                    .permission = "" /* none documented */,
                                    .id_field = "FullId",
                                    .time_field = "LastProcessedTimeUtc",
                                    .created_field = NULL,
                                    .tenant_field = NULL,
                                    .severity_field = "Severity",
                                    .incident_field = NULL,
                                    .link_field = "LinkToMTP",
                                    .portal_path = NULL,
                                    .style = IMD_PAGE_WINDOW,
                                    .grain = 10000 /* the times of a query have milliseconds */,
                                    .deprecation = "Microsoft deprecated the SIEM API and may switch it off without "
                                                   "notice; use source alerts",
                                    .partitions = {NULL, NULL},
                                    .partition_values = {NULL, NULL},
                                    .page_ceiling = 10000,
                                    .per_minute = 0,
                                    .per_hour = 0},
};

const struct imd_source *imd_source_find(const char *name) {
    if (name == NULL) return NULL;
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        if (strcasecmp(imd_sources[i].name, name) == 0) return &imd_sources[i];
    }
    return NULL;
}
