/* SPDX-License-Identifier: Apache-2.0 */
/* The files a store consists of: PATH (the database), PATH-wal and PATH-shm (SQLite's), PATH.lock (ours).
 *
 * The lock file is what makes the writer the only one. It is never removed, since a removal races with the next
 * opener. Its first line is the process id of the holder; a second line "created" says that the database once had
 * its tables, so that an emptied database is not taken for a new one.
 *
 * Nothing here opens the database file once it exists: closing any descriptor of it would drop the locks SQLite holds
 * for this process (fcntl(2), "advisory record locks"). */
#ifndef IMD_STORE_FILES_H
#define IMD_STORE_FILES_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "../base/error.h"

struct imd_store_file_mark {
    dev_t device;
    ino_t inode;
};

struct imd_store_files {
    char *path; /* of the database, absolute, its directory without symbolic links */
    char *wal_path;
    char *shm_path;
    char *lock_path;
    int lock;         /* descriptor, -1 for a reader */
    pid_t process;    /* that opened it */
    bool was_created; /* the lock file says that there was a database with tables */
    struct imd_store_file_mark lock_mark;
    struct imd_store_file_mark wal_mark;
};

/* Names the files of the store at `path` and looks at what is there. For writing: takes the lock, creates an empty
 * database if there is none, narrows wider modes to 0600. For reading: creates and changes nothing. -1 on error. */
int imd_store_files_open(struct imd_store_files *files, const char *path, bool writable, struct imd_error *error);

/* Once the database is open for writing and has its tables: notes that, and which -wal file is in use. */
int imd_store_files_settle(struct imd_store_files *files, struct imd_error *error);

/* Whether this is the process that holds the lock, and lock file and -wal are still those it works with. */
bool imd_store_files_owned(const struct imd_store_files *files);

/* Whether there is a -wal file: without one nobody has the database open for writing. */
bool imd_store_files_have_wal(const struct imd_store_files *files);

/* Gives the lock back. Members are free for imd_store_files_open() again. */
void imd_store_files_close(struct imd_store_files *files);

#endif
