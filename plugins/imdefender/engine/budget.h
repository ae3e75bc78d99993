/* SPDX-License-Identifier: Apache-2.0 */
/* A budget of requests that stays below a documented quota: in any minute, and in any hour, no more than its share.
 *
 * One for each tenant and API, that is for what the quota is counted by: an application in a tenant. Requests are counted in
 * slots of 10 seconds and of 10 minutes, and a slot counts until the last moment of it is out of the window: exact enough
 * never to be above, in 56 bytes. */
#ifndef IMD_BUDGET_H
#define IMD_BUDGET_H

#include <stdint.h>

#define IMD_BUDGET_SLOTS 7

struct imd_budget_window {
    int64_t slot; /* number of the newest slot */
    uint16_t spent[IMD_BUDGET_SLOTS];
};

/* Zero it. */
struct imd_budget {
    struct imd_budget_window minute, hour;
};

/* ms until another request is allowed at `now` (ms, monotonic), 0: it is. `percent` of the quotas may be used; a quota of 0
 * is none. */
int64_t imd_budget_wait(const struct imd_budget *budget, unsigned per_minute, unsigned per_hour, unsigned percent,
                        int64_t now);

/* Counts a request, whatever comes of it. */
void imd_budget_spend(struct imd_budget *budget, int64_t now);

#endif
