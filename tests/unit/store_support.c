/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share. */
#include "store_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct imd_feed_name contoso = {"defender", TENANT, "alerts"};
const struct imd_feed_name fabrikam = {"defender", "fabrikam.example", "alerts"};

int make_place_below(const char *base, void **state) {
    struct place *place = calloc(1, sizeof(*place));

    if (place == NULL) return -1;
    snprintf(place->directory, sizeof(place->directory), "%s/test_store.XXXXXX",
             base != NULL && strlen(base) < 32 ? base : "/tmp");
    if (mkdtemp(place->directory) == NULL) return -1;
    snprintf(place->path, sizeof(place->path), "%s/state.db", place->directory);
    *state = place;
    return 0;
}

int make_place(void **state) {
    return make_place_below(getenv("TMPDIR"), state);
}

int remove_place(void **state) {
    struct place *place = *state;
    DIR *directory = opendir(place->directory);
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || entry->d_name[1] == '.')) continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0) unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    }
    if (directory != NULL) closedir(directory);
    rmdir(place->directory);
    free(place);
    return 0;
}

const char *beside(const struct place *place, const char *name) {
    static char paths[8][160];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", place->directory, name);
    return path;
}

struct imd_store *open_store(const char *path, bool writable) {
    struct imd_error error = {0};
    struct imd_store *store = imd_store_open_sqlite(path, writable, &error);
    char text[2048];

    if (store == NULL) fail_msg("cannot open %s: %s", path, imd_error_print(&error, NULL, text, sizeof(text)));
    return store;
}

void refuses(const char *path, bool writable, const char *text) {
    struct imd_error error = {0};
    struct imd_store *store = imd_store_open_sqlite(path, writable, &error);
    char printed[2048];

    if (store != NULL) {
        store->operations->close(store);
        fail_msg("%s was opened; expected an error with \"%s\"", path, text);
    }
    imd_error_print(&error, NULL, printed, sizeof(printed));
    if (strstr(printed, text) == NULL) fail_msg("expected an error with \"%s\", got: %s", text, printed);
    if (error.remedy[0] == '\0' || error.file[0] == '\0') fail_msg("no remedy or no file in: %s", printed);
}

struct imd_digest digest(unsigned number) {
    struct imd_digest made;
    unsigned i;

    for (i = 0; i < sizeof(made.bytes); i++) {
        number = number * 1664525u + 1013904223u + i;
        made.bytes[i] = (uint8_t)(number >> 24);
    }
    return made;
}

int commit_version(struct imd_store *store, const struct imd_feed_name *feed, unsigned number, imd_time watermark,
                   struct imd_error *error) {
    struct imd_version version = {digest(number), 1000 + (imd_time)number, 1000 + (imd_time)number};
    struct imd_change change = {
        .feed = *feed,
        .has_checkpoint = true,
        .checkpoint = {IMD_TIME_NONE, watermark, IMD_TIME_NONE, IMD_TIME_NONE},
        .versions = &version,
        .version_count = 1,
        .forget_before = IMD_TIME_NONE,
    };

    return store->operations->commit(store, &change, 1, error);
}

void must_commit(struct imd_store *store, const struct imd_change *changes, size_t count) {
    struct imd_error error = {0};
    char text[2048];

    if (store->operations->commit(store, changes, count, &error) != 0) {
        fail_msg("commit failed: %s", imd_error_print(&error, NULL, text, sizeof(text)));
    }
}

static bool keep(void *context, const struct imd_version *version) {
    struct loaded *loaded = context;

    if (loaded->count < sizeof(loaded->versions) / sizeof(loaded->versions[0])) {
        loaded->versions[loaded->count] = *version;
    }
    loaded->count++;
    return true;
}

void load_feed(struct imd_store *store, const struct imd_feed_name *feed, struct loaded *loaded) {
    struct imd_error error = {0};
    char text[2048];

    loaded->count = 0;
    loaded->found = store->operations->load(store, feed, &loaded->checkpoint, keep, loaded, &error);
    if (loaded->found < 0) fail_msg("load failed: %s", imd_error_print(&error, NULL, text, sizeof(text)));
}

void run_sql(const char *path, const char *sql) {
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

char *read_whole(const char *path, size_t *length) {
    int file = open(path, O_RDONLY);
    struct stat status;
    char *bytes;

    assert_true(file >= 0);
    assert_int_equal(fstat(file, &status), 0);
    bytes = malloc((size_t)status.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(file, bytes, (size_t)status.st_size), status.st_size);
    close(file);
    *length = (size_t)status.st_size;
    return bytes;
}

void write_whole(const char *path, const char *bytes, size_t length) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    close(file);
}

bool exists(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0;
}
