/* SPDX-License-Identifier: Apache-2.0 */
/* The Microsoft clouds as rows of one table. Adding a cloud is adding a row. */
#ifndef IMD_CLOUD_H
#define IMD_CLOUD_H

#include <stddef.h>

struct imd_cloud {
    const char *name;                 /* as in the parameter `cloud` */
    const char *login_url;            /* "https://login.microsoftonline.com" */
    const char *graph_url;            /* "https://graph.microsoft.com"; also the Graph audience */
    const char *endpoint_url;         /* Defender for Endpoint host, NULL if the cloud has none documented */
    const char *endpoint_audience;    /* audience (v2 scope without "/.default") for Defender for Endpoint, or NULL */
    const char *siem_urls[3];         /* hosts of the SIEM API by index of parameter region; all equal where there is one */
    const char *portal_url;           /* "https://security.microsoft.com", or NULL */
    const char *federation_audience;  /* "api://AzureADTokenExchange" */
    unsigned missing_sources;         /* bits (1u << enum imd_source_id) of the sources this cloud does not have */
};

extern const struct imd_cloud imd_clouds[]; /* ends with a row whose name is NULL */

/* NULL if there is no such cloud; upper and lower case are the same. */
const struct imd_cloud *imd_cloud_find(const char *name);

#endif
