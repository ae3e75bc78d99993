/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the state database.
 *
 * feed        names, once; everything else refers to them by number
 * checkpoint  the times of a feed: apart from the names, so that the rows a poll writes are small and lie together
 * version     what was delivered and may be met again
 * status      health, for people
 * token       rotated refresh tokens
 * owner       one row; whoever opens for writing raises `generation`, which fences an earlier owner off */
#include "store_schema.h"

#include <stddef.h>
#include <string.h>
#include "store_failure.h"

#define BUSY_MILLISECONDS 2000

/* One text for each schema version, never changed once released: step n leads from version n to n + 1.
 * version_age finds what to forget without a walk over all versions of a feed. */
static const char *const steps[IMD_STORE_SCHEMA] = {
    "CREATE TABLE feed (id INTEGER PRIMARY KEY, input TEXT NOT NULL, tenant TEXT NOT NULL, source TEXT NOT NULL,"
    " UNIQUE (input, tenant, source));"
    "CREATE TABLE checkpoint (feed INTEGER PRIMARY KEY, origin INTEGER, watermark INTEGER, swept INTEGER,"
    " succeeded INTEGER);"
    "CREATE TABLE version (feed INTEGER NOT NULL, id BLOB NOT NULL, stamp INTEGER NOT NULL, met INTEGER NOT NULL,"
    " PRIMARY KEY (feed, id, stamp)) WITHOUT ROWID;"
    "CREATE INDEX version_age ON version (feed, max(stamp, met));"
    "CREATE TABLE status (feed INTEGER PRIMARY KEY, state TEXT, reason TEXT, since INTEGER);"
    "CREATE TABLE token (tenant TEXT NOT NULL, client_id TEXT NOT NULL, token TEXT NOT NULL,"
    " PRIMARY KEY (tenant, client_id)) WITHOUT ROWID;"
    "CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL);"
    "INSERT INTO owner (one, generation) VALUES (1, 0);",
};

static int run(sqlite3 *db, const char *sql, const char *path, const char *doing, struct imd_error *error) {
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : imd_store_failure(db, code, path, doing, error);
}

/* The first column of the first row. */
static int ask(sqlite3 *db, const char *sql, const char *path, const char *doing, int64_t *number,
               struct imd_error *error) {
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    int result = 0;

    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *number = sqlite3_column_int64(statement, 0);
    } else {
        result = imd_store_failure(db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, path, doing, error);
    }
    sqlite3_finalize(statement);
    return result;
}

/* As ask(), for a text: -1 if it is not `expected`. */
static int expect(sqlite3 *db, const char *sql, const char *expected, const char *path, const char *doing,
                  const char *remedy, struct imd_error *error) {
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    int result = 0;
    const char *text;

    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        result = imd_store_failure(db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, path, doing, error);
    } else {
        text = (const char *)sqlite3_column_text(statement, 0);
        if (text == NULL || strcmp(text, expected) != 0) {
            result = imd_error_set(error, remedy, "cannot %s: SQLite answers \"%s\"", doing, text == NULL ? "" : text);
            imd_error_file(error, path, 0);
        }
    }
    sqlite3_finalize(statement);
    return result;
}

int imd_store_schema_recognise(sqlite3 *db, const char *path, bool *fresh, struct imd_error *error) {
    static const char doing[] = "open the state";
    int64_t application, schema, tables;

    if (ask(db, "SELECT count(*) FROM sqlite_master", path, doing, &tables, error) != 0 ||
        ask(db, "PRAGMA application_id", path, doing, &application, error) != 0 ||
        ask(db, "PRAGMA user_version", path, doing, &schema, error) != 0) {
        return -1;
    }
    *fresh = application == 0 && schema == 0 && tables == 0;
    if (*fresh) return 0;
    if (application != IMD_STORE_APPLICATION) {
        imd_error_set(error, "name another file; this one is left alone",
                      "cannot open the state: it is a database of another application");
    } else if (schema > IMD_STORE_SCHEMA) {
        imd_error_set(error, "install that version again, or name another file",
                      "cannot open the state: a newer version of imdefender wrote it (schema %lld, known up to %d)",
                      (long long)schema, IMD_STORE_SCHEMA);
    } else if (schema < 1 || tables == 0) {
        imd_error_set(error, IMD_STORE_DAMAGED_REMEDY, "cannot open the state: it is damaged (schema %lld)",
                      (long long)schema);
    } else {
        return 0;
    }
    imd_error_file(error, path, 0);
    return -1;
}

int imd_store_schema_inspect(sqlite3 *db, const char *path, struct imd_error *error) {
    return expect(db, "PRAGMA quick_check(1)", "ok", path, "use the state, it is damaged", IMD_STORE_DAMAGED_REMEDY,
                  error);
}

int imd_store_schema_connect(sqlite3 *db, const char *path, struct imd_error *error) {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MILLISECONDS);
    /* A damaged or planted file must not run SQL of its own. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return run(
        db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;",
        path, "open the state", error);
}

static int apply_steps(sqlite3 *db, const char *path, struct imd_error *error) {
    static const char doing[] = "create the tables of the state";
    int64_t schema;
    char pragma[96];

    if (ask(db, "PRAGMA user_version", path, doing, &schema, error) != 0) return -1;
    if (schema == IMD_STORE_SCHEMA) return 0;
    for (; schema < IMD_STORE_SCHEMA; schema++) {
        if (run(db, steps[schema], path, doing, error) != 0) return -1;
    }
    sqlite3_snprintf(sizeof(pragma), pragma, "PRAGMA application_id=%d; PRAGMA user_version=%d;", IMD_STORE_APPLICATION,
                     IMD_STORE_SCHEMA);
    return run(db, pragma, path, doing, error);
}

static int become_owner(sqlite3 *db, const char *path, uint64_t *generation, struct imd_error *error) {
    static const char doing[] = "take the state over";
    int64_t number = 0;

    if (run(db, "UPDATE owner SET generation = generation + 1 WHERE one = 1", path, doing, error) != 0 ||
        ask(db, "SELECT generation FROM owner WHERE one = 1", path, doing, &number, error) != 0) {
        return -1;
    }
    *generation = (uint64_t)number;
    return 0;
}

int imd_store_schema_take(sqlite3 *db, const char *path, uint64_t *generation, struct imd_error *error) {
    static const char doing[] = "open the state for writing";

    /* EXTRA: a commit is durable when it returns, as with FULL; besides, the rollback journal that SQLite uses on the
     * way to WAL does not come back after a power cut, to undo the creation of a database that holds commits by then.
     * secure_delete: no old refresh tokens in free pages. */
    if (run(db, "PRAGMA synchronous=EXTRA; PRAGMA secure_delete=FAST; PRAGMA journal_size_limit=16777216;", path, doing,
            error) != 0 ||
        expect(db, "PRAGMA journal_mode=WAL", "wal", path, "switch the state to a write-ahead log",
               "put the state file on a local file system", error) != 0 ||
        run(db, "BEGIN IMMEDIATE", path, doing, error) != 0) {
        return -1;
    }
    if (apply_steps(db, path, error) != 0 || become_owner(db, path, generation, error) != 0 ||
        run(db, "COMMIT", path, doing, error) != 0) {
        if (!sqlite3_get_autocommit(db)) (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}
