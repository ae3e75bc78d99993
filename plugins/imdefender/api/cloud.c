/* SPDX-License-Identifier: Apache-2.0 */
/* The table of clouds. Hosts: learn.microsoft.com/graph/deployments and learn.microsoft.com/defender-endpoint/gov.
 * GCC signs in and asks Graph at the global hosts but has Defender hosts of its own. */
#include "cloud.h"

#include <strings.h>
#include "source.h"

#define SIEM_GCC "https://wdatp-alertexporter-us.gcc.securitycenter.windows.us"
#define SIEM_GOV "https://wdatp-alertexporter-us.securitycenter.windows.us"
#define ALL_SOURCES ((1u << IMD_SOURCE_COUNT) - 1)

const struct imd_cloud imd_clouds[] = {
    {.name = "global",
     .login_url = "https://login.microsoftonline.com",
     .graph_url = "https://graph.microsoft.com",
     .endpoint_url = "https://api.security.microsoft.com",
     .endpoint_audience = "https://api.securitycenter.microsoft.com",
     .siem_urls = {"https://wdatp-alertexporter-eu.windows.com", "https://wdatp-alertexporter-us.windows.com",
                   "https://wdatp-alertexporter-uk.windows.com"},
     .portal_url = "https://security.microsoft.com",
     .federation_audience = "api://AzureADTokenExchange",
     .missing_sources = 0},
    {.name = "gcc",
     .login_url = "https://login.microsoftonline.com",
     .graph_url = "https://graph.microsoft.com",
     .endpoint_url = "https://api-gcc.securitycenter.microsoft.us",
     .endpoint_audience = "https://api-gcc.securitycenter.microsoft.us",
     .siem_urls = {SIEM_GCC, SIEM_GCC, SIEM_GCC},
     .portal_url = "https://security.microsoft.com",
     .federation_audience = "api://AzureADTokenExchange",
     .missing_sources = 0},
    {.name = "gcchigh",
     .login_url = "https://login.microsoftonline.us",
     .graph_url = "https://graph.microsoft.us",
     .endpoint_url = "https://api-gov.securitycenter.microsoft.us",
     .endpoint_audience = "https://api-gov.securitycenter.microsoft.us",
     .siem_urls = {SIEM_GOV, SIEM_GOV, SIEM_GOV},
     .portal_url = "https://security.microsoft.us",
     .federation_audience = "api://AzureADTokenExchangeUSGov",
     .missing_sources = 0},
    {.name = "dod",
     .login_url = "https://login.microsoftonline.us",
     .graph_url = "https://dod-graph.microsoft.us",
     .endpoint_url = "https://api-gov.securitycenter.microsoft.us",
     .endpoint_audience = "https://api-gov.securitycenter.microsoft.us",
     .siem_urls = {SIEM_GOV, SIEM_GOV, SIEM_GOV},
     .portal_url = "https://security.apps.mil",
     .federation_audience = "api://AzureADTokenExchangeUSGov",
     .missing_sources = 0},
    {.name = "china",
     .login_url = "https://login.chinacloudapi.cn",
     .graph_url = "https://microsoftgraph.chinacloudapi.cn",
     .endpoint_url = NULL,
     .endpoint_audience = NULL,
     .portal_url = NULL,
     .federation_audience = "api://AzureADTokenExchangeChina",
     .missing_sources = ALL_SOURCES},
    {.name = NULL},
};

const struct imd_cloud *imd_cloud_find(const char *name) {
    if (name == NULL) return NULL;
    for (const struct imd_cloud *cloud = imd_clouds; cloud->name != NULL; cloud++) {
        if (strcasecmp(cloud->name, name) == 0) return cloud;
    }
    return NULL;
}
