/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include <string.h>

#define MINUTE_SLOT_MS INT64_C(10000)
#define HOUR_SLOT_MS INT64_C(600000)

static unsigned spent_in(const struct imd_budget_window *window, int64_t slot) {
    unsigned sum = 0;
    for (int64_t i = 0; i < IMD_BUDGET_SLOTS && i <= window->slot; i++) /* the clock may be young */
        if (window->slot - i > slot - IMD_BUDGET_SLOTS) sum += window->spent[(window->slot - i) % IMD_BUDGET_SLOTS];
    return sum;
}

static uint64_t share_of(unsigned quota, unsigned percent) {
    uint64_t share = (uint64_t)quota * percent / 100;
    return quota == 0 ? UINT64_MAX : share == 0 ? 1 : share;
}

/* Until so many slots have fallen out of the window that there is room again. */
static int64_t wait_for(const struct imd_budget_window *window, uint64_t share, int64_t slot_ms, int64_t now) {
    int64_t slot = now / slot_ms, later = slot;
    while (later < slot + IMD_BUDGET_SLOTS && spent_in(window, later) >= share) later++;
    return later == slot ? 0 : later * slot_ms - now;
}

int64_t imd_budget_wait(const struct imd_budget *budget, unsigned per_minute, unsigned per_hour, unsigned percent,
                        int64_t now) {
    int64_t minute = wait_for(&budget->minute, share_of(per_minute, percent), MINUTE_SLOT_MS, now);
    int64_t hour = wait_for(&budget->hour, share_of(per_hour, percent), HOUR_SLOT_MS, now);
    return minute > hour ? minute : hour;
}

static void spend(struct imd_budget_window *window, int64_t slot) {
    if (slot - window->slot >= IMD_BUDGET_SLOTS) memset(window->spent, 0, sizeof window->spent);
    else
        for (int64_t i = window->slot + 1; i <= slot; i++) window->spent[i % IMD_BUDGET_SLOTS] = 0;
    window->slot = slot;
    uint16_t *spent = &window->spent[slot % IMD_BUDGET_SLOTS];
    if (*spent < UINT16_MAX) (*spent)++;
}

void imd_budget_spend(struct imd_budget *budget, int64_t now) {
    spend(&budget->minute, now / MINUTE_SLOT_MS);
    spend(&budget->hour, now / HOUR_SLOT_MS);
}
