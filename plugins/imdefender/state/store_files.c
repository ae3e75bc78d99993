/* SPDX-License-Identifier: Apache-2.0 */
/* The files a store consists of: who may touch them, and who holds them. */
#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "store_failure.h"

#define LOCK_TEXT_MAX 64
#define CREATED_LINE "\ncreated\n"

#define OWNER_REMEDY "make it accessible for the user rsyslogd runs as"
#define REGULAR_REMEDY "name a regular file that only rsyslogd writes; symbolic links are not followed"

static int fail(const char *path, const char *remedy, const char *what, int number, struct imd_error *error) {
    imd_error_set(error, remedy, "%s: %s", what, strerror(number));
    imd_error_file(error, path, 0);
    return -1;
}

static int refuse(const char *path, const char *remedy, const char *what, struct imd_error *error) {
    imd_error_set(error, remedy, "%s", what);
    imd_error_file(error, path, 0);
    return -1;
}

static char *join(const char *head, const char *separator, const char *tail) {
    char *text;

    if (asprintf(&text, "%s%s%s", head, separator, tail) < 0) return NULL;
    return text;
}

/* --- names --- */

static int check_directory(const char *directory, bool writable, struct imd_error *error) {
    struct stat status;

    if (stat(directory, &status) != 0) {
        return fail(directory, "create the directory, owned by the user rsyslogd runs as",
                    "cannot use the directory of the state file", errno, error);
    }
    if (!S_ISDIR(status.st_mode)) {
        return fail(directory, "name a file in a directory", "cannot use the directory of the state file", ENOTDIR,
                    error);
    }
    if (faccessat(AT_FDCWD, directory, writable ? W_OK | X_OK : X_OK, AT_EACCESS) != 0) {
        return fail(directory,
                    writable ? "make the directory writable for the user rsyslogd runs as"
                             : "run this as root or as the user rsyslogd runs as",
                    "cannot use the directory of the state file", errno, error);
    }
    return 0;
}

/* The absolute form survives a change of the working directory, and keeps SQLite from reading "file:" or ":memory:"
 * into a name. */
static int name_files(struct imd_store_files *files, const char *path, bool writable, struct imd_error *error) {
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    char *directory, *absolute;
    int result;

    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        return refuse(path, REGULAR_REMEDY, "the state file's name is empty", error);
    }
    directory = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL) return imd_error_set(error, NULL, "memory is short");
    result = check_directory(directory, writable, error);
    absolute = result == 0 ? realpath(directory, NULL) : NULL;
    if (result == 0 && absolute == NULL) {
        result = fail(directory, OWNER_REMEDY, "cannot use the directory of the state file", errno, error);
    }
    free(directory);
    if (result != 0) return -1;

    files->path = join(absolute, strcmp(absolute, "/") == 0 ? "" : "/", base);
    free(absolute);
    if (files->path != NULL) {
        files->wal_path = join(files->path, "", "-wal");
        files->shm_path = join(files->path, "", "-shm");
        files->lock_path = join(files->path, "", ".lock");
    }
    if (files->wal_path == NULL || files->shm_path == NULL || files->lock_path == NULL) {
        return imd_error_set(error, NULL, "memory is short");
    }
    return 0;
}

/* --- modes --- */

/* 1 if it is there, 0 if not, -1 on error. */
static int look(const char *path, struct stat *status, struct imd_error *error) {
    if (lstat(path, status) != 0) {
        if (errno == ENOENT) return 0;
        return fail(path, OWNER_REMEDY, "cannot look at a file of the state", errno, error);
    }
    if (!S_ISREG(status->st_mode)) {
        return refuse(path, REGULAR_REMEDY, "a file of the state is not a regular file", error);
    }
    return 1;
}

static int narrow(const char *path, struct imd_error *error) {
    struct stat status;
    int there = look(path, &status, error);

    if (there <= 0) return there;
    if ((status.st_mode & 07177) != 0 && chmod(path, 0600) != 0) {
        return fail(path, "give the file to the user rsyslogd runs as, with mode 0600",
                    "others can read the state and its mode cannot be narrowed", errno, error);
    }
    return 0;
}

/* --- the lock --- */

static int read_lock(int lock, char text[LOCK_TEXT_MAX]) {
    ssize_t length = pread(lock, text, LOCK_TEXT_MAX - 1, 0);

    text[length < 0 ? 0 : length] = '\0';
    return length < 0 ? -1 : 0;
}

static int write_lock(const struct imd_store_files *files, bool created, struct imd_error *error) {
    char text[LOCK_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%ld%s", (long)files->process, created ? CREATED_LINE : "\n");

    /* Written before it is cut, so that "created" never goes missing in between. */
    errno = ENOSPC;
    if (pwrite(files->lock, text, (size_t)length, 0) != length || ftruncate(files->lock, length) != 0 ||
        fsync(files->lock) != 0) {
        return fail(files->lock_path, "make room on the file system and the file writable",
                    "cannot write the lock file of the state", errno, error);
    }
    return 0;
}

static int refuse_second(const struct imd_store_files *files, int lock, struct imd_error *error) {
    char text[LOCK_TEXT_MAX];
    long holder = read_lock(lock, text) == 0 ? strtol(text, NULL, 10) : 0;

    if (holder > 0) {
        imd_error_set(error, "end that process, or give each its own state file", "the state is in use by process %ld",
                      holder);
    } else {
        imd_error_set(error, "end it, or give each its own state file", "the state is in use by another process");
    }
    imd_error_file(error, files->path, 0);
    return -1;
}

static bool is_same(const char *path, const struct imd_store_file_mark *mark) {
    struct stat status;

    return lstat(path, &status) == 0 && status.st_dev == mark->device && status.st_ino == mark->inode;
}

/* 1 if locked, 0 if the file was replaced meanwhile, -1 on error. flock(2) and not fcntl(2): it belongs to the open
 * file and not to the process, so it excludes a second store in this process too. */
static int try_lock(struct imd_store_files *files, struct imd_error *error) {
    int lock = open(files->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat status;
    int result;

    if (lock < 0) {
        return errno == ELOOP
                   ? refuse(files->lock_path, REGULAR_REMEDY, "a file of the state is not a regular file", error)
                   : fail(files->lock_path, OWNER_REMEDY, "cannot open the lock file of the state", errno, error);
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        result = errno == EWOULDBLOCK ? refuse_second(files, lock, error)
                                      : fail(files->lock_path, "put the state on a local file system",
                                             "cannot lock the state", errno, error);
        close(lock);
        return result;
    }
    if (fstat(lock, &status) != 0) {
        result = fail(files->lock_path, NULL, "cannot look at a file of the state", errno, error);
        close(lock);
        return result;
    }
    files->lock_mark = (struct imd_store_file_mark){status.st_dev, status.st_ino};
    if (!is_same(files->lock_path, &files->lock_mark)) {
        close(lock);
        return 0;
    }
    files->lock = lock;
    return 1;
}

static int take_lock(struct imd_store_files *files, struct imd_error *error) {
    char text[LOCK_TEXT_MAX];
    int tries, result = 0;

    for (tries = 0; tries < 10 && result == 0; tries++) result = try_lock(files, error);
    if (result < 0) return -1;
    if (result == 0) {
        return refuse(files->lock_path, "end what keeps replacing it", "cannot hold the lock file of the state", error);
    }
    if (narrow(files->lock_path, error) != 0) return -1;
    if (read_lock(files->lock, text) != 0) {
        return fail(files->lock_path, NULL, "cannot read the lock file of the state", errno, error);
    }
    files->was_created = strstr(text, CREATED_LINE) != NULL;
    return write_lock(files, files->was_created, error);
}

/* --- the database file --- */

/* With the directory synchronised, so that a power cut does not leave commits in a file without a name. */
static int create_database(const struct imd_store_files *files, struct imd_error *error) {
    int file = open(files->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    char *directory;
    int result = 0;

    if (file < 0) return fail(files->path, OWNER_REMEDY, "cannot create the state file", errno, error);
    close(file);
    directory = strndup(files->path, (size_t)(strrchr(files->path, '/') - files->path) + 1);
    if (directory == NULL) return imd_error_set(error, NULL, "memory is short");
    file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0 || fsync(file) != 0) {
        result =
            fail(directory, "check the disk and its file system", "cannot synchronise the directory", errno, error);
    }
    if (file >= 0) close(file);
    free(directory);
    return result;
}

/* SQLite throws away the -wal of a database without pages. That is right after a crash before the first commit, when
 * the -wal holds nothing, and the silent end of all watermarks otherwise. */
static int check_emptied(const struct imd_store_files *files, bool there, struct imd_error *error) {
    struct stat wal;
    int has_wal = look(files->wal_path, &wal, error);

    if (has_wal < 0) return -1;
    if (has_wal > 0 && wal.st_size > 0) {
        return refuse(files->path, IMD_STORE_DAMAGED_REMEDY,
                      "the state is damaged: the database is gone, but its -wal file holds commits", error);
    }
    if (there && files->was_created) {
        return refuse(files->path, IMD_STORE_DAMAGED_REMEDY, "the state is damaged: the file has been emptied", error);
    }
    return 0;
}

/* Somebody removed the database to start anew; what follows is a new one, which a crash may leave empty. */
static int forget_created(struct imd_store_files *files, struct imd_error *error) {
    if (!files->was_created) return 0;
    files->was_created = false;
    return write_lock(files, false, error);
}

static int prepare_writing(struct imd_store_files *files, struct imd_error *error) {
    struct stat status;
    int there;

    if (take_lock(files, error) != 0) return -1;
    there = look(files->path, &status, error);
    if (there < 0) return -1;
    if ((there == 0 || status.st_size == 0) && check_emptied(files, there > 0, error) != 0) return -1;
    if (there == 0 && forget_created(files, error) != 0) return -1;
    if (there == 0 && create_database(files, error) != 0) return -1;
    if (narrow(files->path, error) != 0 || narrow(files->wal_path, error) != 0) return -1;
    return narrow(files->shm_path, error);
}

static int prepare_reading(const struct imd_store_files *files, struct imd_error *error) {
    struct stat status;
    int there = look(files->path, &status, error);

    if (there < 0) return -1;
    if (there == 0) {
        return fail(files->path, "start rsyslogd with an imdefender input, or name the right file",
                    "cannot open the state", ENOENT, error);
    }
    if (status.st_size == 0) {
        return refuse(files->path, "start rsyslogd with an imdefender input", "the state is empty", error);
    }
    return 0;
}

int imd_store_files_open(struct imd_store_files *files, const char *path, bool writable, struct imd_error *error) {
    *files = (struct imd_store_files){.lock = -1, .process = getpid()};
    if (name_files(files, path, writable, error) == 0 &&
        (writable ? prepare_writing(files, error) : prepare_reading(files, error)) == 0) {
        return 0;
    }
    imd_store_files_close(files);
    return -1;
}

int imd_store_files_settle(struct imd_store_files *files, struct imd_error *error) {
    struct stat status;
    int there = look(files->wal_path, &status, error);

    if (there < 0) return -1;
    if (there == 0) return refuse(files->wal_path, OWNER_REMEDY, "a file of the state has gone", error);
    files->wal_mark = (struct imd_store_file_mark){status.st_dev, status.st_ino};
    if (files->was_created) return 0;
    files->was_created = true;
    return write_lock(files, true, error);
}

bool imd_store_files_owned(const struct imd_store_files *files) {
    return files->lock >= 0 && files->process == getpid() && is_same(files->lock_path, &files->lock_mark) &&
           is_same(files->wal_path, &files->wal_mark);
}

bool imd_store_files_have_wal(const struct imd_store_files *files) {
    struct stat status;

    return lstat(files->wal_path, &status) == 0;
}

void imd_store_files_close(struct imd_store_files *files) {
    if (files->lock >= 0) close(files->lock);
    free(files->path);
    free(files->wal_path);
    free(files->shm_path);
    free(files->lock_path);
    *files = (struct imd_store_files){.lock = -1};
}
