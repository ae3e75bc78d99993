/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of a feed or an input, under their names in the statistics. */
#ifndef IMD_COUNTERS_H
#define IMD_COUNTERS_H

#include <stdint.h>

/* X(member, name in the statistics, 1 if it is a gauge) */
#define IMD_COUNTERS(X)                          \
    X(polls, "polls", 0)                         \
    X(polls_failed, "polls.failed", 0)           \
    X(alerts_fetched, "alerts.fetched", 0)       \
    X(alerts_submitted, "alerts.submitted", 0)   \
    X(alerts_acknowledged, "alerts.acknowledged", 0) \
    X(alerts_duplicate, "alerts.duplicate", 0)   \
    X(alerts_filtered, "alerts.filtered", 0)     \
    X(alerts_rejected, "alerts.rejected", 0)     \
    X(alerts_late, "alerts.late", 0)             \
    X(requests, "requests", 0)                   \
    X(requests_throttled, "requests.throttled", 0) \
    X(requests_failed, "requests.failed", 0)     \
    X(requests_partial, "requests.partial", 0)   \
    X(tokens_issued, "tokens.issued", 0)         \
    X(tokens_failed, "tokens.failed", 0)         \
    X(bytes_received, "bytes.received", 0)       \
    X(inflight, "inflight", 1)                   \
    X(lag_seconds, "lag.seconds", 1)             \
    X(success_age_seconds, "success.age.seconds", 1)

struct imd_counters {
#define IMD_COUNTER_MEMBER(member, name, gauge) uint64_t member;
    IMD_COUNTERS(IMD_COUNTER_MEMBER)
#undef IMD_COUNTER_MEMBER
};

/* Any thread. */
#define imd_count(counter, n) ((void)__atomic_add_fetch(&(counter), (uint64_t)(n), __ATOMIC_RELAXED))
#define imd_count_down(counter, n) ((void)__atomic_sub_fetch(&(counter), (uint64_t)(n), __ATOMIC_RELAXED))
#define imd_count_set(counter, n) __atomic_store_n(&(counter), (uint64_t)(n), __ATOMIC_RELAXED)
#define imd_count_read(counter) __atomic_load_n(&(counter), __ATOMIC_RELAXED)

#endif
