/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds in the SQLite store: loading, committing, reporting, listing. */
#include <string.h>
#include "../base/fault.h"
#include "store_sqlite.h"

/* --- feeds --- */

/* 1 and *id if the feed is there, 0 if not, -1 on error. */
static int find_feed(struct imd_store_sqlite *store, const struct imd_feed_name *feed, sqlite3_int64 *id,
                     const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[FIND_FEED];
    int code, result;

    imd_store_bind_text(statement, 1, feed->input);
    imd_store_bind_text(statement, 2, feed->tenant);
    imd_store_bind_text(statement, 3, feed->source);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *id = sqlite3_column_int64(statement, 0);
        result = 1;
    } else {
        result = code == SQLITE_DONE ? 0 : imd_store_fail(store, code, doing, error);
    }
    imd_store_rest(statement);
    return result;
}

static int find_or_add_feed(struct imd_store_sqlite *store, const struct imd_feed_name *feed, sqlite3_int64 *id,
                            const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[ADD_FEED];
    int found = find_feed(store, feed, id, doing, error);

    if (found != 0) return found > 0 ? 0 : -1;
    imd_store_bind_text(statement, 1, feed->input);
    imd_store_bind_text(statement, 2, feed->tenant);
    imd_store_bind_text(statement, 3, feed->source);
    if (imd_store_run(store, ADD_FEED, doing, error) != 0) return -1;
    *id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

/* --- loading --- */

static void read_times(sqlite3_stmt *statement, int column, struct imd_checkpoint *checkpoint) {
    checkpoint->origin = imd_store_column_time(statement, column);
    checkpoint->watermark = imd_store_column_time(statement, column + 1);
    checkpoint->swept = imd_store_column_time(statement, column + 2);
    checkpoint->succeeded = imd_store_column_time(statement, column + 3);
}

static int read_checkpoint(struct imd_store_sqlite *store, sqlite3_int64 feed, struct imd_checkpoint *checkpoint,
                           const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[READ_CHECKPOINT];
    int code, result;

    sqlite3_bind_int64(statement, 1, feed);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) read_times(statement, 0, checkpoint);
    result = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : imd_store_fail(store, code, doing, error);
    imd_store_rest(statement);
    return result;
}

static int read_versions(struct imd_store_sqlite *store, sqlite3_int64 feed,
                         bool (*each)(void *context, const struct imd_version *version), void *context,
                         const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[READ_VERSIONS];
    struct imd_version version;
    int code, result = 0;

    sqlite3_bind_int64(statement, 1, feed);
    while (result == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            result = imd_store_fail(store, code, doing, error);
        } else if (sqlite3_column_bytes(statement, 0) != (int)sizeof(version.id.bytes)) {
            result = imd_store_refuse(store, IMD_STORE_DAMAGED_REMEDY,
                                      "the state is damaged: a digest has a wrong length", error);
        } else {
            memcpy(version.id.bytes, sqlite3_column_blob(statement, 0), sizeof(version.id.bytes));
            version.stamp = sqlite3_column_int64(statement, 1);
            version.met = sqlite3_column_int64(statement, 2);
            if (!each(context, &version)) result = imd_error_set(error, NULL, "cannot %s: memory is short", doing);
        }
    }
    imd_store_rest(statement);
    return result;
}

int imd_store_load(struct imd_store *store, const struct imd_feed_name *feed, struct imd_checkpoint *checkpoint,
                   bool (*each)(void *context, const struct imd_version *version), void *context,
                   struct imd_error *error) {
    static const char doing[] = "load the state of a feed";
    struct imd_store_sqlite *self = imd_store_of(store);
    sqlite3_int64 id = 0;
    int found, result;

    *checkpoint = (struct imd_checkpoint){IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE};
    if (imd_store_run(self, BEGIN_READ, doing, error) != 0) return -1;
    found = find_feed(self, feed, &id, doing, error);
    result = found < 0 ? -1 : 0;
    if (found > 0) {
        result = read_checkpoint(self, id, checkpoint, doing, error);
        if (result == 0 && each != NULL) result = read_versions(self, id, each, context, doing, error);
    }
    result = imd_store_finish(self, result, doing, error);
    if (result != 0) imd_error_tenant(error, feed->tenant);
    return result == 0 ? found : -1;
}

/* --- committing --- */

static int save_checkpoint(struct imd_store_sqlite *store, sqlite3_int64 feed, const struct imd_checkpoint *checkpoint,
                           const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[SAVE_CHECKPOINT];

    sqlite3_bind_int64(statement, 1, feed);
    imd_store_bind_time(statement, 2, checkpoint->origin);
    imd_store_bind_time(statement, 3, checkpoint->watermark);
    imd_store_bind_time(statement, 4, checkpoint->swept);
    imd_store_bind_time(statement, 5, checkpoint->succeeded);
    return imd_store_run(store, SAVE_CHECKPOINT, doing, error);
}

static int add_version(struct imd_store_sqlite *store, sqlite3_int64 feed, const struct imd_version *version,
                       const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[ADD_VERSION];

    sqlite3_bind_int64(statement, 1, feed);
    sqlite3_bind_blob(statement, 2, version->id.bytes, sizeof(version->id.bytes), SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, version->stamp);
    sqlite3_bind_int64(statement, 4, version->met);
    return imd_store_run(store, ADD_VERSION, doing, error);
}

/* Takes what it dropped off *budget. */
static int forget_versions(struct imd_store_sqlite *store, sqlite3_int64 feed, imd_time before, size_t *budget,
                           const char *doing, struct imd_error *error) {
    sqlite3_stmt *statement = store->statements[FORGET_VERSIONS];
    size_t dropped;

    if (before == IMD_TIME_NONE || *budget == 0) return 0;
    sqlite3_bind_int64(statement, 1, feed);
    sqlite3_bind_int64(statement, 2, before);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)*budget);
    if (imd_store_run(store, FORGET_VERSIONS, doing, error) != 0) return -1;
    dropped = (size_t)sqlite3_changes(store->db);
    *budget -= dropped < *budget ? dropped : *budget;
    return 0;
}

static int save_change(struct imd_store_sqlite *store, const struct imd_change *change, size_t *budget,
                       const char *doing, struct imd_error *error) {
    sqlite3_int64 id = 0;
    size_t i;

    if (find_or_add_feed(store, &change->feed, &id, doing, error) != 0) return -1;
    if (change->has_checkpoint && save_checkpoint(store, id, &change->checkpoint, doing, error) != 0) return -1;
    for (i = 0; i < change->version_count; i++) {
        if (add_version(store, id, &change->versions[i], doing, error) != 0) return -1;
    }
    return forget_versions(store, id, change->forget_before, budget, doing, error);
}

int imd_store_commit(struct imd_store *store, const struct imd_change *changes, size_t count, struct imd_error *error) {
    static const char doing[] = "commit the state";
    struct imd_store_sqlite *self = imd_store_of(store);
    size_t budget = IMD_STORE_FORGET_MAX;
    size_t i;
    int result = 0;

    for (i = 0; i < count; i++) budget += 2 * changes[i].version_count;
    if (imd_store_begin_write(self, doing, error) != 0) return -1;
    for (i = 0; i < count && result == 0; i++) {
        result = save_change(self, &changes[i], &budget, doing, error);
        IMD_FAULT_POINT("inside-commit");
    }
    return imd_store_finish(self, result, doing, error);
}

int imd_store_report(struct imd_store *store, const struct imd_feed_status *statuses, size_t count,
                     struct imd_error *error) {
    static const char doing[] = "note the states of feeds";
    struct imd_store_sqlite *self = imd_store_of(store);
    sqlite3_stmt *statement = self->statements[SAVE_STATUS];
    sqlite3_int64 id = 0;
    size_t i;
    int result = 0;

    if (imd_store_begin_write(self, doing, error) != 0) return -1;
    for (i = 0; i < count && result == 0; i++) {
        result = find_or_add_feed(self, &statuses[i].feed, &id, doing, error);
        if (result != 0) break;
        sqlite3_bind_int64(statement, 1, id);
        imd_store_bind_text(statement, 2, statuses[i].state);
        imd_store_bind_text(statement, 3, statuses[i].reason);
        imd_store_bind_time(statement, 4, statuses[i].since);
        result = imd_store_run(self, SAVE_STATUS, doing, error);
    }
    return imd_store_finish(self, result, doing, error);
}

/* --- listing --- */

int imd_store_list(struct imd_store *store,
                   bool (*each)(void *context, const struct imd_feed_status *status,
                                const struct imd_checkpoint *checkpoint, uint64_t versions),
                   void *context, struct imd_error *error) {
    static const char doing[] = "list the state";
    struct imd_store_sqlite *self = imd_store_of(store);
    sqlite3_stmt *statement = self->statements[LIST_FEEDS];
    int code, result = 0;
    bool more = true;

    while (more && result == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        struct imd_feed_status status;
        struct imd_checkpoint checkpoint;

        if (code != SQLITE_ROW) {
            result = imd_store_fail(self, code, doing, error);
            break;
        }
        status.feed = (struct imd_feed_name){imd_store_column_text(statement, 0), imd_store_column_text(statement, 1),
                                             imd_store_column_text(statement, 2)};
        status.state = imd_store_column_text(statement, 3);
        status.reason = imd_store_column_text(statement, 4);
        status.since = imd_store_column_time(statement, 5);
        read_times(statement, 6, &checkpoint);
        if (status.feed.input == NULL || status.feed.tenant == NULL || status.feed.source == NULL) {
            result = imd_store_fail(self, SQLITE_NOMEM, doing, error);
        } else {
            more = each(context, &status, &checkpoint, (uint64_t)sqlite3_column_int64(statement, 10));
        }
    }
    imd_store_rest(statement);
    return result;
}
