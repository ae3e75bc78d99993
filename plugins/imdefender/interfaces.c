/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of functions that the daemon hands out, and the two checks that they fit this module. */
#include "interfaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon_version.h"

#define GUARD_BYTE 0xa5

struct imd_interfaces imd_interfaces;

/* One row per table. */
static const struct {
    const char *name;
    int version;
    void *table;
    unsigned char *guard;
} rows[] = {
#define ROW(name) \
    { #name, name##CURR_IF_VERSION, &imd_interfaces.name##_slot.table, imd_interfaces.name##_slot.guard }
    ROW(datetime), ROW(glbl), ROW(prop), ROW(ruleset), ROW(statsobj),
#undef ROW
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

rsRetVal imd_interfaces_check_daemon(void) {
    char running[IMD_DAEMON_VERSION_MAX];
    /* msgConstruct stands for "some function of the core": it is found in whatever object holds the daemon's code. */
    if (!imd_daemon_version_of((const void *)(uintptr_t)&msgConstruct, running)) {
        LogError(0, RS_RET_MISSING_INTERFACE,
                 "imdefender: this module is built for rsyslog %s, and the release of the running rsyslogd cannot be "
                 "found out; not loaded, since another release would corrupt its memory; install the module that "
                 "belongs to this rsyslogd",
                 IMD_RSYSLOG_VERSION);
        return RS_RET_MISSING_INTERFACE;
    }
    if (strcmp(running, IMD_RSYSLOG_VERSION) != 0) {
        LogError(0, RS_RET_INTERFACE_NOT_SUPPORTED,
                 "imdefender: this module is built for rsyslog %s, but rsyslogd %s is running; not loaded, since the "
                 "two would corrupt each other's memory; install the module that belongs to this rsyslogd",
                 IMD_RSYSLOG_VERSION, running);
        return RS_RET_INTERFACE_NOT_SUPPORTED;
    }
    return RS_RET_OK;
}

static bool guard_intact(size_t row) {
    for (size_t i = 0; i < IMD_INTERFACE_GUARD; i++) {
        if (rows[row].guard[i] != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

static rsRetVal use_row(obj_if_t *obj, size_t row) {
    interface_t *table = rows[row].table;
    table->ifVersion = rows[row].version;
    table->ifIsLoaded = 0;
    memset(rows[row].guard, GUARD_BYTE, IMD_INTERFACE_GUARD);
    rsRetVal result = obj->UseObj(__FILE__, (uchar *)(uintptr_t)rows[row].name, CORE_COMPONENT, table);
    if (result != RS_RET_OK) {
        LogError(0, result, "imdefender: rsyslogd has no interface '%s' of version %d; not loaded", rows[row].name,
                 rows[row].version);
        return result;
    }
    if (!guard_intact(row)) {
        LogError(0, RS_RET_INTERFACE_NOT_SUPPORTED,
                 "imdefender: rsyslogd's interface '%s' is larger than in the headers this module is built with, "
                 "although both say version %d; not loaded; build it with the headers of this rsyslogd",
                 rows[row].name, rows[row].version);
        return RS_RET_INTERFACE_NOT_SUPPORTED;
    }
    return RS_RET_OK;
}

rsRetVal imd_interfaces_use(obj_if_t *obj) {
    for (size_t row = 0; row < ROWS; row++) {
        rsRetVal result = use_row(obj, row);
        if (result != RS_RET_OK) {
            imd_interfaces_release(obj);
            return result;
        }
    }
    return RS_RET_OK;
}

void imd_interfaces_release(obj_if_t *obj) {
    for (size_t row = 0; row < ROWS; row++) {
        interface_t *table = rows[row].table;
        if (table->ifIsLoaded == 1) {
            obj->ReleaseObj(__FILE__, (uchar *)(uintptr_t)rows[row].name, CORE_COMPONENT, table);
        }
    }
}
