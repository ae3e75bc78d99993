/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's inside: one connection, its prepared statements, its transactions. Private to store_*.c. */
#ifndef IMD_STORE_SQLITE_H
#define IMD_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store.h"
#include "store_failure.h"
#include "store_files.h"

enum imd_store_statement {
    BEGIN_READ,
    FIND_FEED,
    READ_CHECKPOINT,
    READ_VERSIONS,
    LIST_FEEDS,
    GET_TOKEN,
    END,
    READER_STATEMENTS, /* a reader prepares the ones above only */
    BEGIN_WRITE = READER_STATEMENTS,
    READ_OWNER,
    ADD_FEED,
    SAVE_CHECKPOINT,
    ADD_VERSION,
    FORGET_VERSIONS,
    SAVE_STATUS,
    PUT_TOKEN,
    STATEMENTS
};

struct imd_store_sqlite {
    struct imd_store base;
    struct imd_store_files files;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    uint64_t generation; /* of this owner */
    bool writable;
};

static inline struct imd_store_sqlite *imd_store_of(struct imd_store *store) {
    return (struct imd_store_sqlite *)store;
}

/* --- statements --- */

/* Prepares what this kind of store needs; a table that is not as expected counts as damage. */
int imd_store_prepare(struct imd_store_sqlite *store, struct imd_error *error);

/* Set the error and return -1: after SQLite's `code`, or for a reason of our own. */
int imd_store_fail(struct imd_store_sqlite *store, int code, const char *doing, struct imd_error *error);
int imd_store_refuse(struct imd_store_sqlite *store, const char *remedy, const char *what, struct imd_error *error);

/* IMD_TIME_NONE and NULL are SQL's NULL. What is bound must last until imd_store_rest(). */
void imd_store_bind_text(sqlite3_stmt *statement, int place, const char *text);
void imd_store_bind_time(sqlite3_stmt *statement, int place, imd_time time);
const char *imd_store_column_text(sqlite3_stmt *statement, int column);
imd_time imd_store_column_time(sqlite3_stmt *statement, int column);

/* Makes a statement ready for its next use; nothing that was bound stays behind. */
void imd_store_rest(sqlite3_stmt *statement);

/* Runs a statement that gives no rows, and lets it rest. */
int imd_store_run(struct imd_store_sqlite *store, enum imd_store_statement which, const char *doing,
                  struct imd_error *error);

/* --- transactions --- */

/* Begins one that may write, provided this process still owns the store. */
int imd_store_begin_write(struct imd_store_sqlite *store, const char *doing, struct imd_error *error);

/* Commits if `result` is 0, otherwise (and when that fails) undoes everything, so that the store stays usable.
 * Returns 0 or -1. */
int imd_store_finish(struct imd_store_sqlite *store, int result, const char *doing, struct imd_error *error);

/* --- operations (store.h) --- */

int imd_store_load(struct imd_store *store, const struct imd_feed_name *feed, struct imd_checkpoint *checkpoint,
                   bool (*each)(void *context, const struct imd_version *version), void *context,
                   struct imd_error *error);
int imd_store_commit(struct imd_store *store, const struct imd_change *changes, size_t count, struct imd_error *error);
int imd_store_report(struct imd_store *store, const struct imd_feed_status *statuses, size_t count,
                     struct imd_error *error);
int imd_store_list(struct imd_store *store,
                   bool (*each)(void *context, const struct imd_feed_status *status,
                                const struct imd_checkpoint *checkpoint, uint64_t versions),
                   void *context, struct imd_error *error);
int imd_store_put_token(struct imd_store *store, const char *tenant, const char *client_id, const char *token,
                        struct imd_error *error);
int imd_store_get_token(struct imd_store *store, const char *tenant, const char *client_id, char **token,
                        struct imd_error *error);
bool imd_store_owned(struct imd_store *store);

#endif
