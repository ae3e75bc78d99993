/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files into memory. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The remedy that fits why a file could not be opened. */
static const char *remedy_of(int cause) {
    switch (cause) {
        case ENOENT:
        case ENOTDIR:
            return "create the file or correct the path";
        case EACCES:
        case EPERM:
            return "let the user rsyslogd runs as read the file, and search the folders above it";
        default:
            return NULL;
    }
}

/* Opens without waiting for the other end of a FIFO. -1 on error. */
static int open_regular(const char *path, struct stat *status, struct imd_error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int cause = errno;

    if (descriptor >= 0 && fstat(descriptor, status) == 0) {
        if (S_ISREG(status->st_mode)) return descriptor;
        close(descriptor);
        imd_error_set(error, "name a regular file", "'%s' is not a regular file", path);
        return -1;
    }
    if (descriptor >= 0) {
        cause = errno;
        close(descriptor);
    }
    imd_error_set(error, remedy_of(cause), "cannot open '%s': %s", path, strerror(cause));
    return -1; /* in so many words, for analysers */
}

static int too_large(const char *path, size_t maximum, struct imd_error *error) {
    return imd_error_set(error, "check that it is the right file", "'%s' is larger than %zu bytes", path, maximum);
}

/* The file may grow or shrink while it is read, so its size is only a guess. One byte more than the maximum is asked
 * for, which tells a file that fits exactly from one that is too large. */
static int read_all(int descriptor, const char *path, struct imd_buffer *out, struct imd_error *error) {
    char chunk[16384];
    int result = 0;

    for (;;) {
        ssize_t got = read(descriptor, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            result = imd_error_set(error, NULL, "cannot read '%s': %s", path, strerror(errno));
            break;
        }
        if (got == 0) break;
        if (out->length + (size_t)got > out->maximum) {
            result = too_large(path, out->maximum, error);
            break;
        }
        if (!imd_buffer_add(out, chunk, (size_t)got)) {
            result = imd_error_set(error, NULL, "not enough memory to read '%s'", path);
            break;
        }
    }
    explicit_bzero(chunk, sizeof chunk);
    return result;
}

/* Looked at on the open file, so that nobody can put another one there in between. */
static int refuse_open_to_all(const char *path, const struct stat *status, struct imd_error *error) {
    bool readable = (status->st_mode & S_IROTH) != 0;

    if (!readable && (status->st_mode & S_IWOTH) == 0) return 0;
    return imd_error_set(error, "take the rights of others away (chmod o-rwx), or set allowReadableSecrets to on",
                         "every user can %s the secret in '%s'", readable ? "read" : "replace", path);
}

static int read_file(const char *path, bool is_private, struct imd_buffer *out, struct imd_error *error) {
    struct stat status;
    int descriptor = open_regular(path, &status, error);

    if (descriptor < 0) return -1;
    int result = is_private ? refuse_open_to_all(path, &status, error) : 0;
    if (result != 0) {
        /* said already */
    } else if ((uintmax_t)status.st_size > (uintmax_t)(out->maximum - out->length)) {
        result = too_large(path, out->maximum, error);
    } else if (!imd_buffer_reserve(out, (size_t)status.st_size)) {
        result = imd_error_set(error, NULL, "not enough memory to read '%s'", path);
    } else {
        result = read_all(descriptor, path, out, error);
    }
    close(descriptor);
    return result;
}

int imd_file_read(const char *path, struct imd_buffer *out, struct imd_error *error) {
    return read_file(path, false, out, error);
}

int imd_file_read_private(const char *path, struct imd_buffer *out, struct imd_error *error) {
    return read_file(path, true, out, error);
}

int imd_file_probe(const char *path, struct imd_error *error) {
    struct stat status;
    int descriptor = open_regular(path, &status, error);

    if (descriptor < 0) return -1;
    close(descriptor);
    if (status.st_size == 0) return imd_error_set(error, "write its contents", "'%s' is empty", path);
    return 0;
}
