/* SPDX-License-Identifier: Apache-2.0 */
/* The state in an SQLite database: opening and closing it. */
#include "store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store_schema.h"

/* Closing moves the -wal into the database and removes it. Not where the opening was refused, which is to change
 * nothing, nor where the files are no longer ours. In a forked child SQLite must not be called at all: the connection
 * stays the parent's, the memory goes with the process. */
static void close_store(struct imd_store *store) {
    struct imd_store_sqlite *self = imd_store_of(store);
    int i;

    if (self->files.process == getpid()) {
        if (self->writable && self->db != NULL && !imd_store_owned(store)) {
            sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        }
        for (i = 0; i < STATEMENTS; i++) sqlite3_finalize(self->statements[i]);
        sqlite3_close(self->db);
    }
    imd_store_files_close(&self->files);
    free(self);
}

static const struct imd_store_operations operations = {
    .load = imd_store_load,
    .commit = imd_store_commit,
    .report = imd_store_report,
    .list = imd_store_list,
    .put_token = imd_store_put_token,
    .get_token = imd_store_get_token,
    .owned = imd_store_owned,
    .close = close_store,
};

/* The name as a URI (RFC 3986), the only way to hand SQLite the options a reader needs. */
static char *make_uri(const char *path, const char *options) {
    size_t length = strlen(path);
    char *uri = malloc(strlen("file:") + 3 * length + strlen(options) + 1);
    char *out = uri;

    if (uri == NULL) return NULL;
    out = stpcpy(out, "file:");
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) != NULL) {
            out += snprintf(out, 4, "%%%02X", (unsigned char)*path);
        } else {
            *out++ = *path;
        }
    }
    stpcpy(out, options);
    return uri;
}

static int connect_writer(struct imd_store_sqlite *store) {
    return sqlite3_open_v2(store->files.path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
}

/* Read-only as SQLite means it would still create the -wal and -shm files. With a -wal there is a writer, or was one
 * that crashed: its -shm is used without writing to it. Without one nobody writes: no lock and no -shm are needed. */
static int connect_reader(struct imd_store_sqlite *store) {
    char *uri =
        make_uri(store->files.path, imd_store_files_have_wal(&store->files) ? "?readonly_shm=1" : "?immutable=1");
    int code;

    if (uri == NULL) return SQLITE_NOMEM;
    code = sqlite3_open_v2(uri, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    free(uri);
    return code;
}

static int take_over(struct imd_store_sqlite *store, bool fresh, struct imd_error *error) {
    const char *path = store->files.path;

    if (fresh && store->files.was_created) {
        return imd_store_refuse(store, IMD_STORE_DAMAGED_REMEDY, "the state is damaged: its tables are gone", error);
    }
    if (!fresh && imd_store_schema_inspect(store->db, path, error) != 0) return -1;
    if (imd_store_schema_take(store->db, path, &store->generation, error) != 0) return -1;
    /* The tables go into the database file at once, so that it is recognised even without its -wal. */
    if (fresh) (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return imd_store_files_settle(&store->files, error);
}

static int open_store(struct imd_store_sqlite *store, const char *path, struct imd_error *error) {
    bool fresh;
    int code;

    if (imd_store_files_open(&store->files, path, store->writable, error) != 0) return -1;
    code = store->writable ? connect_writer(store) : connect_reader(store);
    if (code != SQLITE_OK) return imd_store_fail(store, code, "open the state", error);
    if (imd_store_schema_connect(store->db, store->files.path, error) != 0 ||
        imd_store_schema_recognise(store->db, store->files.path, &fresh, error) != 0) {
        return -1;
    }
    if (store->writable) {
        if (take_over(store, fresh, error) != 0) return -1;
    } else if (fresh) {
        return imd_store_refuse(store, "start rsyslogd with an imdefender input", "the state is empty", error);
    }
    return imd_store_prepare(store, error);
}

struct imd_store *imd_store_open_sqlite(const char *path, bool writable, struct imd_error *error) {
    struct imd_store_sqlite *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        imd_error_set(error, NULL, "cannot open the state: memory is short");
        return NULL;
    }
    store->base.operations = &operations;
    store->writable = writable;
    store->files.lock = -1;
    store->files.process = getpid();
    if (open_store(store, path, error) == 0) return &store->base;
    close_store(&store->base);
    return NULL;
}
