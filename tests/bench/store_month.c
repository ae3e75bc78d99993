/* SPDX-License-Identifier: Apache-2.0 */
/* What the state costs: commits as the engine makes them, and a simulated month of them.
 *
 * usage: store_month FILE TENANTS ALERTS-PER-DAY DAYS
 * Time is simulated in steps of 5 minutes, at each of which every tenant's progress is written; an alert is remembered for
 * a day, and what is older is forgotten once an hour. Prints: commits, their median and 99th percentile in ms, processor
 * microseconds for each change, and the size of the database with its log in bytes after each day. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include "state/store.h"

#define STEP_S 300
#define DAY (INT64_C(86400) * IMD_TICKS_PER_SECOND)
#define HOUR (INT64_C(3600) * IMD_TICKS_PER_SECOND)

struct month {
    struct imd_store *store;
    size_t tenants, alerts_per_day, days;
    char (*names)[48];
    struct imd_change *changes;
    struct imd_version *versions;
    double *took;
    size_t commits, changed, made;
};

static void fail(const char *what) {
    fprintf(stderr, "store_month: %s\n", what);
    exit(1);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct imd_version version_of(size_t number, imd_time now) {
    struct imd_version version = {.stamp = now, .met = now};
    uint64_t mixed = number * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(version.id.bytes, &mixed, sizeof mixed);
    return version;
}

/* One step: a change for each tenant; some have an alert. */
static void commit(struct month *month, size_t step, imd_time now) {
    size_t per_step = 86400 / STEP_S;
    struct imd_error error;
    for (size_t i = 0; i < month->tenants; i++) {
        size_t turn = step + i; /* not all in the same step */
        bool alert = turn * month->alerts_per_day / per_step != (turn + 1) * month->alerts_per_day / per_step;
        month->versions[i] = version_of(month->made, now);
        month->made += alert;
        month->changes[i] = (struct imd_change){
            .feed = {"bench", month->names[i], "alerts"},
            .has_checkpoint = true,
            .checkpoint = {.origin = now - 40 * DAY, .watermark = now, .succeeded = now, .swept = now},
            .versions = &month->versions[i],
            .version_count = alert,
            .forget_before = turn % (3600 / STEP_S) == 0 ? now - DAY - HOUR : IMD_TIME_NONE,
        };
    }
    double begin = seconds();
    if (month->store->operations->commit(month->store, month->changes, month->tenants, &error) < 0) fail(error.what);
    month->took[month->commits++] = seconds() - begin;
    month->changed += month->tenants;
}

static long long size_of(const char *file) {
    char log[4096];
    struct stat status;
    long long size = stat(file, &status) == 0 ? (long long)status.st_size : 0;
    snprintf(log, sizeof log, "%s-wal", file);
    return size + (stat(log, &status) == 0 ? (long long)status.st_size : 0);
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print(struct month *month) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double processor = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(month->took, month->commits, sizeof *month->took, compare);
    printf("%zu %.3f %.3f %.3f\n", month->commits, month->took[month->commits / 2] * 1e3,
           month->took[month->commits * 99 / 100] * 1e3, processor * 1e6 / (double)month->changed);
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: store_month FILE TENANTS ALERTS-PER-DAY DAYS");
    struct month month = {.tenants = strtoul(argv[2], NULL, 10), .alerts_per_day = strtoul(argv[3], NULL, 10),
                          .days = strtoul(argv[4], NULL, 10)};
    size_t steps = month.days * (86400 / STEP_S);
    struct imd_error error;
    month.store = imd_store_open_sqlite(argv[1], true, &error);
    if (!month.store) fail(error.what);
    month.names = calloc(month.tenants, sizeof *month.names);
    month.changes = calloc(month.tenants, sizeof *month.changes);
    month.versions = calloc(month.tenants, sizeof *month.versions);
    month.took = calloc(steps, sizeof *month.took);
    if (!month.names || !month.changes || !month.versions || !month.took || !month.tenants) fail("no memory");
    for (size_t i = 0; i < month.tenants; i++)
        snprintf(month.names[i], sizeof *month.names, "00000000-0000-0000-0000-%012zu", i + 1);
    imd_time begin = imd_time_from_unix(time(NULL)) - (imd_time)month.days * DAY;
    for (size_t step = 0; step < steps; step++) {
        commit(&month, step, begin + (imd_time)step * STEP_S * IMD_TICKS_PER_SECOND);
        if ((step + 1) % (86400 / STEP_S) == 0) printf("%lld ", size_of(argv[1]));
    }
    printf("\n");
    print(&month);
    month.store->operations->close(month.store);
    return 0;
}
