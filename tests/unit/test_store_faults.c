/* SPDX-License-Identifier: Apache-2.0 */
/* The state store under faults: each failing call, disk full, kill -9 and power cuts at every point. A commit that
 * returned is there afterwards; one that failed has changed nothing and can be made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fault_vfs.h"
#include "figures.h"
#include "store_support.h"

#define LAST_COMMIT 12

/* In memory where there is such a place: the real disk is not under test, and waiting for it takes minutes. */
static int make_faulty_place(void **state) {
    fault_vfs_install();
    return access("/dev/shm", W_OK | X_OK) == 0 ? make_place_below("/dev/shm", state) : make_place(state);
}

static int remove_faulty_place(void **state) {
    fault_vfs_remove();
    return remove_place(state);
}

/* Commit number `number` (from 1 on): some versions of two feeds and both watermarks, all or nothing. Many enough that
 * a few commits fill pages and make SQLite move the -wal into the database. */
static int make_commit(struct imd_store *store, unsigned number, struct imd_error *error) {
    enum { VERSIONS = 150 };
    struct imd_version versions[VERSIONS];
    struct imd_change changes[2];
    unsigned i;

    for (i = 0; i < VERSIONS; i++) versions[i] = (struct imd_version){digest(number * 1000 + i), number, number};
    for (i = 0; i < 2; i++) {
        changes[i] =
            (struct imd_change){i == 0 ? contoso : fabrikam, true, {number, number, number, number}, versions, VERSIONS,
                                (imd_time)number - 2};
    }
    return store->operations->commit(store, changes, 2, error);
}

/* The number of the last commit in the store; fails the test where it is there in part. */
static unsigned last_commit(struct imd_store *store) {
    struct loaded first, second;

    load_feed(store, &contoso, &first);
    load_feed(store, &fabrikam, &second);
    assert_int_equal(first.found, second.found);
    if (first.found == 0) return 0;
    assert_int_equal(first.checkpoint.watermark, second.checkpoint.watermark);
    assert_int_equal(first.checkpoint.watermark, first.checkpoint.succeeded);
    assert_int_equal(first.count, second.count);
    assert_int_equal(first.count, 150 * (first.checkpoint.watermark < 3 ? first.checkpoint.watermark : 3));
    return (unsigned)first.checkpoint.watermark;
}

/* --- calls that fail --- */

static void a_failed_commit_changes_nothing_and_can_be_repeated(void **state, unsigned kinds, int code, bool lasting) {
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    unsigned done = 0, failures = 0;
    unsigned long spare = 0;

    assert_int_equal(make_commit(store, ++done, NULL), 0);
    for (;;) {
        struct imd_error error = {0};
        int result;

        fault_vfs_fail(kinds, spare, code, lasting);
        result = make_commit(store, done + 1, &error);
        if (result == 0) {
            bool met = fault_vfs_calls() > spare;

            fault_vfs_heal();
            done++;
            assert_int_equal(last_commit(store), done);
            if (!met) break;
        } else {
            assert_string_not_equal(error.what, "");
            assert_string_not_equal(error.remedy, "");
            failures++;
            if (!lasting || spare % 2) fault_vfs_heal();
            assert_int_equal(last_commit(store), done);
            fault_vfs_heal();
            assert_int_equal(make_commit(store, ++done, &error), 0);
            assert_int_equal(last_commit(store), done);
        }
        spare++;
    }
    assert_true(failures > 0);
    store->operations->close(store);
    store = open_store(place->path, true);
    assert_int_equal(last_commit(store), done);
    store->operations->close(store);
}

static void a_full_disk_fails_the_commit_only(void **state) {
    a_failed_commit_changes_nothing_and_can_be_repeated(state, FAULT_WRITE, SQLITE_FULL, true);
}

static void a_write_that_fails_once_fails_the_commit_only(void **state) {
    a_failed_commit_changes_nothing_and_can_be_repeated(state, FAULT_WRITE, SQLITE_IOERR_WRITE, false);
}

static void a_failed_synchronisation_fails_the_commit_only(void **state) {
    a_failed_commit_changes_nothing_and_can_be_repeated(state, FAULT_SYNC, SQLITE_IOERR_FSYNC, true);
}

static void errors_say_what_to_do(void **state) {
    static const struct {
        int code;
        const char *what, *remedy;
    } cases[] = {
        {SQLITE_FULL, "no space is left", "make room"},
        {SQLITE_IOERR_WRITE, "reading or writing the state failed", "check the disk"},
        {SQLITE_READONLY, "read-only", "writable for the user"},
        {SQLITE_CORRUPT, "damaged", "backup"},
    };
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct imd_error error = {0};

        fault_vfs_fail(FAULT_ANY_CHANGE, 0, cases[i].code, true);
        assert_int_equal(make_commit(store, 1, &error), -1);
        fault_vfs_heal();
        assert_non_null(strstr(error.what, cases[i].what));
        assert_non_null(strstr(error.remedy, cases[i].remedy));
        assert_string_equal(error.file, place->path);
    }
    assert_int_equal(make_commit(store, 1, NULL), 0);
    store->operations->close(store);
}

/* Opening under each failing call: an error or a good store, and with the fault gone a good store with everything. */
static void opening_survives_each_failing_call(void **state) {
    static const struct {
        unsigned kinds;
        int code;
    } cases[] = {{FAULT_READ, SQLITE_IOERR_READ},
                 {FAULT_WRITE, SQLITE_FULL},
                 {FAULT_ANY_CHANGE, SQLITE_READONLY},
                 {FAULT_SYNC, SQLITE_IOERR_FSYNC}};
    struct place *place = *state;
    struct imd_store *store = open_store(place->path, true);
    unsigned i;

    assert_int_equal(make_commit(store, 1, NULL), 0);
    store->operations->close(store);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned long spare;
        bool met = true;

        for (spare = 0; met; spare++) {
            struct imd_error error = {0};

            fault_vfs_fail(cases[i].kinds, spare, cases[i].code, true);
            store = imd_store_open_sqlite(place->path, true, &error);
            met = fault_vfs_calls() > spare;
            fault_vfs_heal();
            if (store == NULL) {
                assert_true(met);
                assert_string_not_equal(error.what, "");
                store = open_store(place->path, true);
            }
            assert_int_equal(last_commit(store), 1);
            store->operations->close(store);
        }
    }
}

/* The same for the very first opening: what a fault leaves behind must not look like damage later. */
static void creating_survives_each_failing_call(void **state) {
    struct place *place = *state;
    unsigned long spare;
    bool met = true;

    for (spare = 0; met; spare++) {
        struct imd_store *store;

        fault_vfs_fail(FAULT_ANY_CHANGE, spare, SQLITE_FULL, true);
        store = imd_store_open_sqlite(place->path, true, NULL);
        met = fault_vfs_calls() > spare;
        fault_vfs_heal();
        if (store == NULL) store = open_store(place->path, true);
        assert_int_equal(make_commit(store, 1, NULL), 0);
        assert_int_equal(last_commit(store), 1);
        store->operations->close(store);
        unlink(place->path);
        unlink(beside(place, "state.db.lock"));
    }
    assert_true(spare > 5);
}

/* --- power cuts --- */

/* Creates a state and commits until the power goes, after `spare` changes of the disk. Returns the number of the last
 * commit that returned, in *begun the last one that was tried. False once the power lasted to the end. */
static bool run_until_cut(const struct place *place, unsigned long spare, unsigned *returned, unsigned *begun) {
    struct imd_store *store;
    bool cut;

    *returned = *begun = 0;
    fault_vfs_fail(FAULT_ANY_CHANGE, spare, SQLITE_IOERR, true);
    store = imd_store_open_sqlite(place->path, true, NULL);
    while (store != NULL && *begun < LAST_COMMIT) {
        if (make_commit(store, ++*begun, NULL) != 0) break;
        *returned = *begun;
    }
    cut = fault_vfs_calls() > spare;
    /* From here on nothing reaches the disk. */
    fault_vfs_fail(FAULT_ANY_CHANGE, 0, SQLITE_IOERR, true);
    if (store != NULL) store->operations->close(store);
    fault_vfs_heal();
    return cut;
}

static void after_a_power_cut(void **state, unsigned chance, const char *fault) {
    struct figures figures = {.group = "state", .fault = fault};
    struct place *place = *state;
    unsigned long spare = 0, cuts = 0;
    unsigned returned, begun;

    while (run_until_cut(place, spare, &returned, &begun)) {
        struct imd_store *store;
        unsigned found;

        fault_vfs_cut_power((unsigned)spare, chance);
        fault_vfs_install();
        store = open_store(place->path, true);
        found = last_commit(store);
        if (found != returned && found != begun) {
            fail_msg("power cut after %lu changes: commits up to %u had returned, %u are there", spare, returned,
                     found);
        }
        figures.visible += returned;
        figures.delivered += returned < found ? returned : found;
        assert_int_equal(make_commit(store, found + 1, NULL), 0);
        assert_int_equal(last_commit(store), found + 1);
        store->operations->close(store);
        remove_faulty_place(state);
        make_faulty_place(state);
        place = *state;
        cuts++;
        /* Every point of creating and of the first commits, then a sample. */
        spare += spare < 200 ? 1 : 7;
    }
    assert_true(cuts > 200);
    figures.runs = cuts;
    figures_write(&figures);
}

static void a_power_cut_that_drops_unsynchronised_writes_loses_no_commit(void **state) {
    after_a_power_cut(state, 0, "power cut, unsynchronised writes dropped (commits)");
}

static void a_power_cut_that_keeps_half_of_them_loses_no_commit(void **state) {
    after_a_power_cut(state, 50, "power cut, half of them kept (commits)");
}

static void a_power_cut_that_keeps_all_of_them_loses_no_commit(void **state) {
    after_a_power_cut(state, 100, "power cut, all of them kept (commits)");
}

/* Cuts while the -wal is moved into the database, which small states never come to. */
static void a_power_cut_during_a_checkpoint_loses_no_commit(void **state) {
    struct place *place = *state;
    unsigned long spare;
    bool met = true;

    for (spare = 0; met; spare += 3) {
        struct imd_store *store = open_store(place->path, true);
        unsigned number = last_commit(store);

        assert_int_equal(make_commit(store, number + 1, NULL), 0);
        fault_vfs_fail(FAULT_ANY_CHANGE, spare, SQLITE_IOERR, true);
        store->operations->close(store);
        met = fault_vfs_calls() > spare;
        fault_vfs_heal();
        fault_vfs_cut_power((unsigned)spare, spare % 2 ? 50 : 0);
        fault_vfs_install();
        store = open_store(place->path, true);
        assert_int_equal(last_commit(store), number + 1);
        store->operations->close(store);
    }
    assert_true(spare > 10);
}

/* --- kill -9 --- */

/* Commits without end; tells through the pipe each number once its commit has returned. */
static void commit_for_ever(const struct place *place, int out) {
    struct imd_store *store = imd_store_open_sqlite(place->path, true, NULL);
    unsigned number;

    if (store == NULL) _exit(1);
    for (number = last_commit(store) + 1;; number++) {
        if (make_commit(store, number, NULL) != 0) _exit(2);
        if (write(out, &number, sizeof(number)) != sizeof(number)) _exit(3);
    }
}

static void what_was_committed_before_a_kill_is_there(void **state) {
    struct place *place = *state;
    unsigned round, told = 0;

    fault_vfs_remove();
    for (round = 0; round < 10; round++) {
        struct imd_store *store;
        int ends[2], status;
        unsigned found, number;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        if (child == 0) {
            close(ends[0]);
            commit_for_ever(place, ends[1]);
        }
        close(ends[1]);
        while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
            told = number;
            if (told % 3 == 0) {
                usleep(round * 300);
                kill(child, SIGKILL);
            }
        }
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        store = open_store(place->path, true);
        found = last_commit(store);
        assert_true(found == told || found == told + 1);
        store->operations->close(store);
        told = found;
    }
}

#define in_a_faulty_place(test) cmocka_unit_test_setup_teardown(test, make_faulty_place, remove_faulty_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_faulty_place(a_full_disk_fails_the_commit_only),
        in_a_faulty_place(a_write_that_fails_once_fails_the_commit_only),
        in_a_faulty_place(a_failed_synchronisation_fails_the_commit_only),
        in_a_faulty_place(errors_say_what_to_do),
        in_a_faulty_place(opening_survives_each_failing_call),
        in_a_faulty_place(creating_survives_each_failing_call),
        in_a_faulty_place(a_power_cut_that_drops_unsynchronised_writes_loses_no_commit),
        in_a_faulty_place(a_power_cut_that_keeps_half_of_them_loses_no_commit),
        in_a_faulty_place(a_power_cut_that_keeps_all_of_them_loses_no_commit),
        in_a_faulty_place(a_power_cut_during_a_checkpoint_loses_no_commit),
        in_a_faulty_place(what_was_committed_before_a_kill_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
