/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a daemon, the files below READONLY_DIRECTORY cannot be written while the file READONLY_FLAG exists, those
 * that are open included. No mount does that: the kernel refuses to make one read-only while a file is open for writing, and one
 * that became it by an error stays so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_there(const char *path) {
    const char *directory = getenv("READONLY_DIRECTORY"), *flag = getenv("READONLY_FLAG");
    return directory && flag && strncmp(path, directory, strlen(directory)) == 0 && access(flag, F_OK) == 0;
}

static int refuses(int fd) {
    char link[40], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!is_there(path)) return 0;
    errno = EROFS;
    return 1;
}

#define WRITER(name, type, parameters, ...) \
    type name parameters { return refuses(fd) ? -1 : REAL(name)(__VA_ARGS__); }

WRITER(write, ssize_t, (int fd, const void *bytes, size_t length), fd, bytes, length)
WRITER(pwrite, ssize_t, (int fd, const void *bytes, size_t length, off_t offset), fd, bytes, length, offset)
WRITER(pwrite64, ssize_t, (int fd, const void *bytes, size_t length, off64_t offset), fd, bytes, length, offset)
WRITER(ftruncate, int, (int fd, off_t length), fd, length)
WRITER(ftruncate64, int, (int fd, off64_t length), fd, length)

int unlink(const char *path) {
    if (!is_there(path)) return REAL(unlink)(path);
    errno = EROFS;
    return -1;
}

#define OPENER(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments); \
        if ((flags & O_ACCMODE) == O_RDONLY || !is_there(path)) return REAL(name)(path, flags, mode); \
        errno = EROFS; \
        return -1; \
    }

OPENER(open)
OPENER(open64)
