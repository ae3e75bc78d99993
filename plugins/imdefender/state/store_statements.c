/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's prepared statements and transactions. */
#include "store_sqlite.h"

static const char *const texts[STATEMENTS] = {
    [BEGIN_READ] = "BEGIN",
    [FIND_FEED] = "SELECT id FROM feed WHERE input = ?1 AND tenant = ?2 AND source = ?3",
    [READ_CHECKPOINT] = "SELECT origin, watermark, swept, succeeded FROM checkpoint WHERE feed = ?1",
    [READ_VERSIONS] = "SELECT id, stamp, met FROM version WHERE feed = ?1",
    [LIST_FEEDS] =
        "SELECT f.input, f.tenant, f.source, s.state, s.reason, s.since, c.origin, c.watermark, c.swept, c.succeeded,"
        " (SELECT count(*) FROM version v WHERE v.feed = f.id)"
        " FROM feed f LEFT JOIN status s ON s.feed = f.id LEFT JOIN checkpoint c ON c.feed = f.id"
        " ORDER BY f.input, f.tenant, f.source",
    [GET_TOKEN] = "SELECT token FROM token WHERE tenant = ?1 AND client_id = ?2",
    [END] = "COMMIT",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [READ_OWNER] = "SELECT generation FROM owner WHERE one = 1",
    [ADD_FEED] = "INSERT INTO feed (input, tenant, source) VALUES (?1, ?2, ?3)",
    [SAVE_CHECKPOINT] =
        "INSERT INTO checkpoint (feed, origin, watermark, swept, succeeded) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (feed) DO UPDATE SET origin = coalesce(excluded.origin, origin),"
        " watermark = coalesce(excluded.watermark, watermark), swept = coalesce(excluded.swept, swept),"
        " succeeded = coalesce(excluded.succeeded, succeeded)",
    [ADD_VERSION] = "INSERT INTO version (feed, id, stamp, met) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    [FORGET_VERSIONS] =
        "DELETE FROM version WHERE feed = ?1 AND (id, stamp) IN"
        " (SELECT id, stamp FROM version INDEXED BY version_age"
        " WHERE feed = ?1 AND max(stamp, met) < ?2 LIMIT ?3)",
    [SAVE_STATUS] = "INSERT OR REPLACE INTO status (feed, state, reason, since) VALUES (?1, ?2, ?3, ?4)",
    [PUT_TOKEN] = "INSERT OR REPLACE INTO token (tenant, client_id, token) VALUES (?1, ?2, ?3)",
};

int imd_store_fail(struct imd_store_sqlite *store, int code, const char *doing, struct imd_error *error) {
    return imd_store_failure(store->db, code, store->files.path, doing, error);
}

int imd_store_refuse(struct imd_store_sqlite *store, const char *remedy, const char *what, struct imd_error *error) {
    imd_error_set(error, remedy, "%s", what);
    imd_error_file(error, store->files.path, 0);
    return -1;
}

void imd_store_bind_text(sqlite3_stmt *statement, int place, const char *text) {
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

void imd_store_bind_time(sqlite3_stmt *statement, int place, imd_time time) {
    if (time == IMD_TIME_NONE) {
        sqlite3_bind_null(statement, place);
    } else {
        sqlite3_bind_int64(statement, place, time);
    }
}

imd_time imd_store_column_time(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_INTEGER ? sqlite3_column_int64(statement, column)
                                                                    : IMD_TIME_NONE;
}

const char *imd_store_column_text(sqlite3_stmt *statement, int column) {
    return (const char *)sqlite3_column_text(statement, column);
}

void imd_store_rest(sqlite3_stmt *statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int imd_store_run(struct imd_store_sqlite *store, enum imd_store_statement which, const char *doing,
                  struct imd_error *error) {
    int code = sqlite3_step(store->statements[which]);
    int result = code == SQLITE_DONE ? 0 : imd_store_fail(store, code, doing, error);

    imd_store_rest(store->statements[which]);
    return result;
}

int imd_store_prepare(struct imd_store_sqlite *store, struct imd_error *error) {
    int count = store->writable ? STATEMENTS : READER_STATEMENTS;
    int i, code;

    for (i = 0; i < count; i++) {
        code = sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);
        /* A table that is not as expected means another hand was in the file. */
        if (code == SQLITE_ERROR) code = SQLITE_CORRUPT;
        if (code != SQLITE_OK) return imd_store_fail(store, code, "open the state", error);
    }
    return 0;
}

/* --- transactions --- */

/* After an error: the connection must be free for the next try. SQLite ends some transactions by itself. */
static void abandon(struct imd_store_sqlite *store) {
    if (!sqlite3_get_autocommit(store->db)) (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int imd_store_finish(struct imd_store_sqlite *store, int result, const char *doing, struct imd_error *error) {
    if (result == 0) result = imd_store_run(store, END, doing, error);
    if (result != 0) abandon(store);
    return result;
}

static int check_generation(struct imd_store_sqlite *store, const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[READ_OWNER];
    int code = sqlite3_step(statement);
    uint64_t generation = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    int result = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : imd_store_fail(store, code, doing, error);

    imd_store_rest(statement);
    if (result != 0) return -1;
    if (generation == store->generation) return 0;
    return imd_store_refuse(store, "end this process, or the other one and then restart this one",
                            "another process has taken the state over", error);
}

bool imd_store_owned(struct imd_store *store) {
    struct imd_store_sqlite *self = imd_store_of(store);
    int moved = 1;

    if (!self->writable || !imd_store_files_owned(&self->files)) return false;
    return sqlite3_file_control(self->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved == 0;
}

/* The generation is read inside the transaction: nobody can take the store over between the look and the commit. */
int imd_store_begin_write(struct imd_store_sqlite *store, const char *doing, struct imd_error *error) {
    if (!store->writable) return imd_store_refuse(store, NULL, "the state is open for reading only", error);
    if (!imd_store_owned(&store->base)) {
        return imd_store_refuse(store, "restart rsyslogd, and leave the files of its state alone while it runs",
                                "this process does not own the state any more: its files were replaced or removed",
                                error);
    }
    if (imd_store_run(store, BEGIN_WRITE, doing, error) != 0) return -1;
    if (check_generation(store, doing, error) == 0) return 0;
    abandon(store);
    return -1;
}
