/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's result codes mean to an operator. */
#ifndef IMD_STORE_FAILURE_H
#define IMD_STORE_FAILURE_H

#include <sqlite3.h>
#include "../base/error.h"

/* What to do about a database that cannot be trusted. */
#define IMD_STORE_DAMAGED_REMEDY                                                                      \
    "restore the file from a backup, or, with rsyslogd stopped, move it and its -wal and -shm files " \
    "away: every feed then starts again with its backfill and alerts come twice"

/* Sets the error for the call on `db` (may be NULL) that returned `code`; `doing` completes "cannot ". Returns -1. */
int imd_store_failure(sqlite3 *db, int code, const char *path, const char *doing, struct imd_error *error);
#ifdef __clang_analyzer__ /* as imd_error_set() */
#define imd_store_failure(db, code, path, doing, error) ((imd_store_failure)(db, code, path, doing, error), -1)
#endif

#endif
