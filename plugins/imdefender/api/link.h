/* SPDX-License-Identifier: Apache-2.0 */
/* The link that opens an object in the customer's own portal, so that an analyst of many tenants lands in the right one. */
#ifndef IMD_LINK_H
#define IMD_LINK_H

#include "../config/settings.h"
#include "alert.h"

/* Completes fields->web_url: the API's link with "tid=" added where it lacks it; a link built from the portal's host and
 * the id where the API gives none. `token_tenant` is the token's tenant, for tenants configured by domain ("" if
 * unknown). It becomes "" if it does not fit. https://learn.microsoft.com/defender-endpoint/access-mssp-portal */
void imd_link_complete(const struct imd_settings *settings, const struct imd_source *source, const char *token_tenant,
                       struct imd_alert_fields *fields);

#endif
