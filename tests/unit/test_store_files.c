/* SPDX-License-Identifier: Apache-2.0 */
/* The state store's files: who may open them, with which modes, and what is refused rather than started anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store_support.h"

#define NOBODY 65534

static void close_store(struct imd_store *store) {
    store->operations->close(store);
}

/* A closed state with one version. */
static void make_state(const struct place *place) {
    struct imd_store *store = open_store(place->path, true);

    assert_int_equal(commit_version(store, &contoso, 1, 77, NULL), 0);
    close_store(store);
}

/* Leaves the files as a daemon does that was killed: the versions 1 to `count` are in the -wal alone. */
static void make_crashed_state(const struct place *place, unsigned count) {
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct imd_store *store = imd_store_open_sqlite(place->path, true, NULL);
        unsigned i;

        for (i = 1; store != NULL && i <= count; i++) {
            if (commit_version(store, &contoso, i, i, NULL) != 0) _exit(1);
        }
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void has_version_1(const char *path, bool writable) {
    struct imd_store *store = open_store(path, writable);
    struct loaded loaded;

    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, 1);
    assert_int_equal(loaded.checkpoint.watermark, 77);
    close_store(store);
}

static int mode_of(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 ? (int)(status.st_mode & 07777) : -1;
}

/* --- modes and names --- */

static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm", "state.db.lock"};

static void files_are_private_whatever_the_umask(void **state) {
    struct place *place = *state;
    mode_t before = umask(0);
    struct imd_store *store = open_store(place->path, true);
    unsigned i;

    for (i = 0; i < 4; i++) assert_int_equal(mode_of(beside(place, files[i])), 0600);
    close_store(store);
    umask(before);
}

static void wider_modes_are_narrowed(void **state) {
    struct place *place = *state;
    struct imd_store *store;
    unsigned i;

    make_crashed_state(place, 1);
    for (i = 0; i < 4; i++) assert_int_equal(chmod(beside(place, files[i]), 0666), 0);
    store = open_store(place->path, true);
    for (i = 0; i < 4; i++) assert_int_equal(mode_of(beside(place, files[i])), 0600);
    close_store(store);
}

static void symbolic_links_are_refused(void **state) {
    struct place *place = *state;
    unsigned i;

    write_whole(beside(place, "victim"), "", 0);
    for (i = 0; i < 4; i++) {
        unlink(beside(place, "state.db.lock"));
        assert_int_equal(symlink("victim", beside(place, files[i])), 0);
        refuses(place->path, true, "not a regular file");
        assert_int_equal(unlink(beside(place, files[i])), 0);
        if (i != 0) unlink(place->path);
    }
    assert_int_equal(symlink("nowhere", place->path), 0);
    refuses(place->path, true, "not a regular file");
    refuses(place->path, false, "not a regular file");
    assert_false(exists(beside(place, "nowhere")));
}

static void what_is_no_file_is_refused(void **state) {
    struct place *place = *state;
    char lock[sizeof(place->directory) + 8];

    refuses(place->directory, true, "not a regular file");
    assert_null(imd_store_open_sqlite("", true, NULL));
    refuses(beside(place, ""), true, "name is empty");
    refuses(beside(place, "."), true, "name is empty");
    snprintf(lock, sizeof(lock), "%s.lock", place->directory);
    unlink(lock);
}

static void a_missing_directory_is_named_and_not_made(void **state) {
    struct place *place = *state;

    refuses(beside(place, "missing/state.db"), true, "No such file or directory");
    refuses(beside(place, "missing/state.db"), true, "/missing");
    assert_false(exists(beside(place, "missing")));
    write_whole(beside(place, "file"), "", 0);
    refuses(beside(place, "file/state.db"), true, "/file");
}

/* root may write everywhere, so the look is taken by somebody else. Exit status 0: refused with the directory's name.
 */
static int refused_as_nobody(const struct place *place, const char *text) {
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct imd_error error = {0};
        char printed[2048];

        if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(2);
        if (imd_store_open_sqlite(place->path, true, &error) != NULL) _exit(3);
        imd_error_print(&error, NULL, printed, sizeof(printed));
        if (strstr(printed, text) == NULL || strstr(printed, place->directory) == NULL) {
            print_error("expected \"%s\", got: %s\n", text, printed);
            _exit(4);
        }
        _exit(error.remedy[0] == '\0' ? 5 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_directory_that_cannot_be_written_is_named(void **state) {
    struct place *place = *state;

    assert_int_equal(chmod(place->directory, 0555), 0);
    assert_int_equal(refused_as_nobody(place, "Permission denied"), 0);
    assert_int_equal(chmod(place->directory, 0700), 0);
    assert_false(exists(place->path));
}

static void a_state_of_another_user_is_refused(void **state) {
    struct place *place = *state;

    if (getuid() != 0) skip(); /* only root can give a file to somebody else */
    make_state(place);
    assert_int_equal(chmod(place->directory, 0777), 0);
    assert_int_equal(refused_as_nobody(place, "cannot open the lock file"), 0);
    assert_int_equal(chown(beside(place, "state.db.lock"), NOBODY, NOBODY), 0);
    assert_int_equal(refused_as_nobody(place, "unable to open database file"), 0);
    assert_int_equal(chmod(place->path, 0644), 0);
    assert_int_equal(refused_as_nobody(place, "cannot be narrowed"), 0);
    has_version_1(place->path, true);
}

static void odd_names_are_names(void **state) {
    static const char *const names[] = {"a b.db", "100%25.db", "what?mode=memory", "sharp#1", ":memory:", "file:x"};
    struct place *place = *state;
    char *before = getcwd(NULL, 0);
    unsigned i;

    assert_non_null(before);
    assert_int_equal(chdir(place->directory), 0);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct imd_store *store = open_store(names[i], true);

        assert_int_equal(chdir("/"), 0);
        assert_true(store->operations->owned(store));
        assert_int_equal(commit_version(store, &contoso, 1, 77, NULL), 0);
        has_version_1(beside(place, names[i]), false);
        close_store(store);
        assert_int_equal(chdir(place->directory), 0);
        assert_true(exists(beside(place, names[i])));
        has_version_1(names[i], false);
    }
    assert_int_equal(chdir(before), 0);
    free(before);
}

/* --- one writer --- */

static void a_second_writer_is_refused_with_the_first_ones_process(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    char expected[64];
    pid_t child;
    int status;

    snprintf(expected, sizeof(expected), "in use by process %ld", (long)getpid());
    refuses(place->path, true, expected);
    child = fork();
    if (child == 0) {
        struct imd_error error = {0};

        if (imd_store_open_sqlite(place->path, true, &error) != NULL) _exit(1);
        _exit(strstr(error.what, expected) == NULL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(commit_version(store, &contoso, 1, 77, NULL), 0);
    close_store(store);
    has_version_1(place->path, true);
}

static void a_killed_writer_leaves_no_lock_and_no_loss(void **state) {
    struct place *place = *state;
    struct imd_store *store;
    struct loaded loaded;

    make_crashed_state(place, 3);
    store = open_store(place->path, true);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.count, 3);
    close_store(store);
}

/* Whoever removes the lock file gets a second writer past the lock; the database itself knows its owner. */
static void a_writer_that_was_overtaken_commits_nothing_more(void **state) {
    struct place *place = *state;
    struct imd_store *first = open_store(place->path, true), *second;
    struct imd_error error = {0};
    struct loaded loaded;

    assert_int_equal(rename(beside(place, "state.db.lock"), beside(place, "kept")), 0);
    assert_false(first->operations->owned(first));
    second = open_store(place->path, true);
    assert_int_equal(commit_version(second, &contoso, 1, 77, NULL), 0);
    assert_int_equal(commit_version(first, &contoso, 2, 88, &error), -1);
    assert_non_null(strstr(error.what, "does not own"));

    /* Even with a lock file that looks right again. */
    assert_int_equal(rename(beside(place, "kept"), beside(place, "state.db.lock")), 0);
    assert_true(first->operations->owned(first));
    assert_int_equal(commit_version(first, &contoso, 2, 88, &error), -1);
    assert_non_null(strstr(error.what, "taken the state over"));
    assert_int_equal(first->operations->put_token(first, TENANT, "app", "t", &error), -1);
    load_feed(second, &contoso, &loaded);
    assert_int_equal(loaded.count, 1);
    close_store(first);
    close_store(second);
}

static void files_replaced_underneath_are_noticed(void **state) {
    struct place *place = *state;
    struct imd_error error = {0};
    unsigned i;

    for (i = 0; i < 2; i++) {
        struct imd_store *store = open_store(place->path, true);

        assert_int_equal(rename(beside(place, files[i]), beside(place, "kept")), 0);
        assert_false(store->operations->owned(store));
        assert_int_equal(commit_version(store, &contoso, 1, 77, &error), -1);
        assert_string_not_equal(error.remedy, "");
        assert_int_equal(rename(beside(place, "kept"), beside(place, files[i])), 0);
        assert_int_equal(commit_version(store, &contoso, 1, 77, &error), 0);
        close_store(store);
    }
    has_version_1(place->path, true);
}

/* SQLite removes the -wal by its name when it closes: it must not be the new owner's. */
static void closing_after_a_replacement_leaves_the_new_files_alone(void **state) {
    struct place *place = *state;
    struct imd_store *first = open_store(place->path, true), *second;
    unsigned i;

    for (i = 0; i < 4; i++) assert_int_equal(unlink(beside(place, files[i])), 0);
    second = open_store(place->path, true);
    assert_int_equal(commit_version(second, &contoso, 1, 77, NULL), 0);
    close_store(first);
    assert_true(exists(beside(place, "state.db-wal")));
    assert_true(second->operations->owned(second));
    has_version_1(place->path, false);
    close_store(second);
    has_version_1(place->path, true);
}

static void a_forked_child_owns_nothing(void **state) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (store->operations->owned(store)) _exit(1);
        if (commit_version(store, &contoso, 1, 1, NULL) == 0) _exit(2);
        close_store(store);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(store->operations->owned(store));
    refuses(place->path, true, "in use by process");
    assert_int_equal(commit_version(store, &contoso, 1, 77, NULL), 0);
    close_store(store);
}

/* --- readers --- */

static void a_reader_sees_each_commit_of_a_running_writer(void **state) {
    struct place *place = *state;
    struct imd_store *writer = open_store(place->path, true), *reader = open_store(place->path, false);
    struct loaded loaded;
    unsigned i;

    for (i = 1; i <= 3; i++) {
        assert_int_equal(commit_version(writer, &contoso, i, i, NULL), 0);
        load_feed(reader, &contoso, &loaded);
        assert_int_equal(loaded.count, i);
    }
    assert_false(reader->operations->owned(reader));
    close_store(reader);
    assert_int_equal(commit_version(writer, &contoso, 4, 4, NULL), 0);
    refuses(place->path, true, "in use by process");
    close_store(writer);
}

static void a_reader_after_a_crash_sees_what_was_committed(void **state) {
    struct place *place = *state;
    struct imd_store *reader;
    struct loaded loaded;

    make_crashed_state(place, 2);
    reader = open_store(place->path, false);
    load_feed(reader, &contoso, &loaded);
    assert_int_equal(loaded.count, 2);
    close_store(reader);
    assert_true(exists(beside(place, "state.db-wal")));
}

static void a_reader_creates_and_changes_nothing(void **state) {
    struct place *place = *state;
    struct imd_error error = {0};
    struct imd_store *reader;
    char *before, *after;
    size_t length, length_after;
    unsigned i;

    refuses(place->path, false, "No such file or directory");
    for (i = 0; i < 4; i++) assert_false(exists(beside(place, files[i])));
    make_state(place);
    unlink(beside(place, "state.db.lock"));
    before = read_whole(place->path, &length);
    reader = open_store(place->path, false);
    assert_int_equal(commit_version(reader, &contoso, 2, 2, &error), -1);
    assert_non_null(strstr(error.what, "reading only"));
    assert_int_equal(reader->operations->report(reader, NULL, 0, &error), -1);
    assert_int_equal(reader->operations->put_token(reader, "t", "c", "x", &error), -1);
    close_store(reader);
    for (i = 1; i < 4; i++) assert_false(exists(beside(place, files[i])));
    after = read_whole(place->path, &length_after);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    free(before);
    free(after);
}

/* --- damage: refused by writers and readers, and left as it is --- */

static void refuses_and_leaves(const struct place *place, const char *text) {
    size_t length, length_after;
    char *before = read_whole(place->path, &length), *after;

    refuses(place->path, true, text);
    refuses(place->path, true, text);
    after = read_whole(place->path, &length_after);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    free(before);
    free(after);
}

static void a_text_file_is_refused(void **state) {
    struct place *place = *state;
    char *text = malloc(3000);

    assert_non_null(text);
    memset(text, 'x', 3000);
    write_whole(place->path, "hello\n", 6);
    refuses_and_leaves(place, "no state of imdefender");
    write_whole(place->path, text, 3000);
    refuses_and_leaves(place, "no state of imdefender");
    refuses(place->path, false, "no state of imdefender");
    free(text);
}

static void the_database_of_another_application_is_refused(void **state) {
    struct place *place = *state;

    run_sql(place->path, "CREATE TABLE bookmarks (url TEXT)");
    refuses_and_leaves(place, "another application");
    refuses(place->path, false, "another application");
    unlink(place->path);
    run_sql(place->path, "PRAGMA application_id=7; PRAGMA user_version=1;");
    refuses_and_leaves(place, "another application");
}

static void a_newer_schema_is_refused(void **state) {
    struct place *place = *state;

    make_state(place);
    run_sql(place->path, "PRAGMA user_version=2");
    refuses_and_leaves(place, "a newer version");
    refuses(place->path, false, "a newer version");
    run_sql(place->path, "PRAGMA user_version=1");
    has_version_1(place->path, true);
    run_sql(place->path, "PRAGMA user_version=0");
    refuses_and_leaves(place, "damaged");
}

/* Nor does closing move a -wal into a database that was refused. */
static void a_refused_database_keeps_its_wal(void **state) {
    struct place *place = *state;
    pid_t child = fork();
    char *before, *after;
    size_t length, length_after;
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (imd_store_open_sqlite(place->path, true, NULL) == NULL) _exit(1);
        run_sql(place->path, "PRAGMA user_version=2");
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    before = read_whole(beside(place, "state.db-wal"), &length);
    refuses_and_leaves(place, "a newer version");
    after = read_whole(beside(place, "state.db-wal"), &length_after);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    free(before);
    free(after);
}

static void a_database_that_lost_its_tables_is_refused(void **state) {
    struct place *place = *state;

    make_state(place);
    unlink(place->path);
    run_sql(place->path, "PRAGMA journal_mode=WAL");
    refuses_and_leaves(place, "its tables are gone");
    refuses(place->path, false, "the state is empty");
    unlink(beside(place, "state.db.lock"));
    make_state(place);
    has_version_1(place->path, true);
}

static void missing_tables_and_columns_are_damage(void **state) {
    struct place *place = *state;

    make_state(place);
    run_sql(place->path, "ALTER TABLE version RENAME TO versions");
    refuses(place->path, true, "damaged");
    refuses(place->path, false, "damaged");
    run_sql(place->path, "ALTER TABLE versions RENAME TO version");
    has_version_1(place->path, true);
    run_sql(place->path, "ALTER TABLE checkpoint RENAME COLUMN swept TO other");
    refuses(place->path, true, "damaged");
}

static void a_damaged_header_or_middle_is_refused(void **state) {
    struct place *place = *state;
    char *bytes;
    size_t length, page;

    make_state(place);
    bytes = read_whole(place->path, &length);
    assert_true(length >= 4 * 4096 && length % 4096 == 0);
    memset(bytes, 0, 16);
    write_whole(place->path, bytes, length);
    refuses_and_leaves(place, "damaged");
    memcpy(bytes, "SQLite format 3", 16);
    for (page = 1; page < length / 4096; page++) {
        char kept[4096];

        memcpy(kept, bytes + page * 4096, 4096);
        memset(bytes + page * 4096, 0xA5, 4096);
        write_whole(place->path, bytes, length);
        refuses_and_leaves(place, "damaged");
        memcpy(bytes + page * 4096, kept, 4096);
    }
    write_whole(place->path, bytes, length);
    has_version_1(place->path, true);
    free(bytes);
}

static void a_truncated_database_is_refused(void **state) {
    struct place *place = *state;
    char *bytes;
    size_t length, at;

    make_state(place);
    bytes = read_whole(place->path, &length);
    for (at = 0; at < length; at += 512) {
        write_whole(place->path, bytes, at);
        refuses_and_leaves(place, "damaged");
    }
    write_whole(place->path, bytes, length);
    has_version_1(place->path, true);
    free(bytes);
}

static void a_lost_database_beside_its_wal_is_refused(void **state) {
    struct place *place = *state;

    make_crashed_state(place, 1);
    assert_int_equal(rename(place->path, beside(place, "kept")), 0);
    refuses(place->path, true, "-wal file holds commits");
    assert_false(exists(place->path));
    write_whole(place->path, "", 0);
    refuses_and_leaves(place, "-wal file holds commits");
    assert_int_equal(rename(beside(place, "kept"), place->path), 0);
    assert_false(exists(beside(place, "kept")));
    close_store(open_store(place->path, true));
}

/* A flipped byte is found, or it is harmless; either way nothing crashes and nothing starts from zero. */
static void flipped_bytes_never_start_from_zero(void **state) {
    struct place *place = *state;
    unsigned seed = 1, round;
    char *bytes;
    size_t length;

    make_state(place);
    bytes = read_whole(place->path, &length);
    for (round = 0; round < 300; round++) {
        size_t at = (size_t)rand_r(&seed) % (round % 2 ? length : 200);
        char kept = bytes[at];
        struct imd_error error = {0};
        struct imd_store *store;
        struct loaded loaded;

        bytes[at] = (char)(kept ^ (1 << rand_r(&seed) % 8));
        write_whole(place->path, bytes, length);
        store = imd_store_open_sqlite(place->path, true, &error);
        if (store == NULL) {
            assert_string_not_equal(error.what, "");
        } else {
            loaded.found = store->operations->load(store, &contoso, &loaded.checkpoint, NULL, NULL, NULL);
            (void)commit_version(store, &fabrikam, round, 1, NULL);
            close_store(store);
        }
        unlink(beside(place, "state.db-wal"));
        unlink(beside(place, "state.db-shm"));
        bytes[at] = kept;
    }
    free(bytes);
}

static void an_empty_file_is_a_new_database(void **state) {
    struct place *place = *state;

    write_whole(place->path, "", 0);
    make_state(place);
    has_version_1(place->path, true);
}

static void a_removed_database_is_a_wish_to_start_from_zero(void **state) {
    struct place *place = *state;
    struct imd_store *store;
    struct loaded loaded;

    make_state(place);
    unlink(place->path);
    store = open_store(place->path, true);
    load_feed(store, &contoso, &loaded);
    assert_int_equal(loaded.found, 0);
    close_store(store);
    write_whole(place->path, "", 0);
    refuses_and_leaves(place, "has been emptied");
}

#define in_a_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_place(files_are_private_whatever_the_umask),
        in_a_place(wider_modes_are_narrowed),
        in_a_place(symbolic_links_are_refused),
        in_a_place(what_is_no_file_is_refused),
        in_a_place(a_missing_directory_is_named_and_not_made),
        in_a_place(a_directory_that_cannot_be_written_is_named),
        in_a_place(a_state_of_another_user_is_refused),
        in_a_place(odd_names_are_names),
        in_a_place(a_second_writer_is_refused_with_the_first_ones_process),
        in_a_place(a_killed_writer_leaves_no_lock_and_no_loss),
        in_a_place(a_writer_that_was_overtaken_commits_nothing_more),
        in_a_place(files_replaced_underneath_are_noticed),
        in_a_place(closing_after_a_replacement_leaves_the_new_files_alone),
        in_a_place(a_forked_child_owns_nothing),
        in_a_place(a_reader_sees_each_commit_of_a_running_writer),
        in_a_place(a_reader_after_a_crash_sees_what_was_committed),
        in_a_place(a_reader_creates_and_changes_nothing),
        in_a_place(a_text_file_is_refused),
        in_a_place(the_database_of_another_application_is_refused),
        in_a_place(a_newer_schema_is_refused),
        in_a_place(a_refused_database_keeps_its_wal),
        in_a_place(a_database_that_lost_its_tables_is_refused),
        in_a_place(missing_tables_and_columns_are_damage),
        in_a_place(a_damaged_header_or_middle_is_refused),
        in_a_place(a_truncated_database_is_refused),
        in_a_place(a_lost_database_beside_its_wal_is_refused),
        in_a_place(flipped_bytes_never_start_from_zero),
        in_a_place(an_empty_file_is_a_new_database),
        in_a_place(a_removed_database_is_a_wish_to_start_from_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
