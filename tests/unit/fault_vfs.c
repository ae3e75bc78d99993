/* SPDX-License-Identifier: Apache-2.0 */
/* A file system for SQLite that fails on command, and that loses what was not synchronised when the power goes. */
#include "fault_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

/* A change that was not synchronised: a write, or with `bytes` NULL a new length. */
struct change {
    struct change *next;
    sqlite3_int64 offset;
    size_t length;
    char *bytes;
};

/* What is on the disk for certain, and what may be. */
struct image {
    struct image *next;
    char *path;
    bool exists;
    char *bytes;
    size_t length;
    struct change *first, **last;
};

struct fault_file {
    sqlite3_file base;
    struct image *image; /* NULL: temporary */
    sqlite3_file real[];
};

static struct {
    sqlite3_vfs *real;
    sqlite3_vfs vfs;
    sqlite3_io_methods methods;
    struct image *images;
    unsigned kinds;
    unsigned long calls, spare;
    int code;
    bool lasting;
} fault;

static void *must(void *memory) {
    if (memory == NULL) abort();
    return memory;
}

static struct fault_file *of(sqlite3_file *file) {
    return (struct fault_file *)file;
}

/* SQLITE_OK, or the code this call has to fail with. */
static int strike(unsigned kind) {
    if ((fault.kinds & kind) == 0) return SQLITE_OK;
    fault.calls++;
    if (fault.calls <= fault.spare || (fault.calls > fault.spare + 1 && !fault.lasting)) return SQLITE_OK;
    return fault.code;
}

/* --- images --- */

static void drop_changes(struct image *image) {
    while (image->first != NULL) {
        struct change *change = image->first;

        image->first = change->next;
        free(change->bytes);
        free(change);
    }
    image->last = &image->first;
}

static void read_image(struct image *image) {
    int file = open(image->path, O_RDONLY);
    struct stat status;

    image->exists = file >= 0;
    image->length = 0;
    if (file < 0) return;
    if (fstat(file, &status) != 0) abort();
    image->bytes = must(realloc(image->bytes, (size_t)status.st_size + 1));
    if (pread(file, image->bytes, (size_t)status.st_size, 0) != status.st_size) abort();
    image->length = (size_t)status.st_size;
    close(file);
}

static struct image *find_image(const char *path) {
    struct image *image;

    for (image = fault.images; image != NULL; image = image->next) {
        if (strcmp(image->path, path) == 0) return image;
    }
    image = must(calloc(1, sizeof(*image)));
    image->path = must(strdup(path));
    image->last = &image->first;
    image->next = fault.images;
    fault.images = image;
    read_image(image);
    return image;
}

static void note(struct image *image, const void *bytes, size_t length, sqlite3_int64 offset) {
    struct change *change;

    if (image == NULL) return;
    change = must(calloc(1, sizeof(*change)));
    change->offset = offset;
    change->length = length;
    if (bytes != NULL) {
        change->bytes = must(malloc(length + 1));
        memcpy(change->bytes, bytes, length);
    }
    *image->last = change;
    image->last = &change->next;
}

static void set_length(struct image *image, size_t length) {
    image->bytes = must(realloc(image->bytes, length + 1));
    if (length > image->length) memset(image->bytes + image->length, 0, length - image->length);
    image->length = length;
}

static void apply_bytes(struct image *image, const char *bytes, size_t length, size_t offset) {
    if (offset + length > image->length) set_length(image, offset + length);
    memcpy(image->bytes + offset, bytes, length);
}

static void apply_all(struct image *image) {
    struct change *change;

    for (change = image->first; change != NULL; change = change->next) {
        if (change->bytes == NULL) {
            set_length(image, (size_t)change->offset);
        } else {
            apply_bytes(image, change->bytes, change->length, (size_t)change->offset);
        }
    }
    image->exists = true;
    drop_changes(image);
}

/* Some sectors of some changes, in their order. */
static void apply_some(struct image *image, unsigned *seed, unsigned chance) {
    struct change *change;

    for (change = image->first; change != NULL; change = change->next) {
        size_t at = 0;

        if (change->bytes == NULL) {
            if ((unsigned)(rand_r(seed) % 100) < chance) set_length(image, (size_t)change->offset);
            continue;
        }
        while (at < change->length) {
            size_t offset = (size_t)change->offset + at;
            size_t part = SECTOR - offset % SECTOR;

            if (part > change->length - at) part = change->length - at;
            if ((unsigned)(rand_r(seed) % 100) < chance) {
                apply_bytes(image, change->bytes + at, part, offset);
                image->exists = true;
            }
            at += part;
        }
    }
    drop_changes(image);
}

/* Until it is synchronised, the name of a new file may go missing too. */
static void forget_contents(struct image *image) {
    drop_changes(image);
    image->exists = false;
    image->length = 0;
}

/* --- files --- */

static int close_file(sqlite3_file *file) {
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int read_file(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
    int code = strike(FAULT_READ);

    return code != SQLITE_OK ? code : of(file)->real->pMethods->xRead(of(file)->real, bytes, length, offset);
}

static int write_file(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
    int code = strike(FAULT_WRITE);

    if (code == SQLITE_OK) code = of(file)->real->pMethods->xWrite(of(file)->real, bytes, length, offset);
    if (code == SQLITE_OK) note(of(file)->image, bytes, (size_t)length, offset);
    return code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 length) {
    int code = strike(FAULT_CHANGE);

    if (code == SQLITE_OK) code = of(file)->real->pMethods->xTruncate(of(file)->real, length);
    if (code == SQLITE_OK) note(of(file)->image, NULL, 0, length);
    return code;
}

static int sync_file(sqlite3_file *file, int flags) {
    int code = strike(FAULT_SYNC);

    /* The real disk is not under test: nothing is synchronised for real, which makes the tests fast. */
    (void)flags;
    if (code == SQLITE_OK && of(file)->image != NULL) apply_all(of(file)->image);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *length) {
    return of(file)->real->pMethods->xFileSize(of(file)->real, length);
}

static int lock_file(sqlite3_file *file, int level) {
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int unlock_file(sqlite3_file *file, int level) {
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int is_reserved(sqlite3_file *file, int *answer) {
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, answer);
}

static int control_file(sqlite3_file *file, int what, void *value) {
    return of(file)->real->pMethods->xFileControl(of(file)->real, what, value);
}

static int sector_size(sqlite3_file *file) {
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int traits_of_device(sqlite3_file *file) {
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int map_shm(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    return of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend, memory);
}

static int lock_shm(sqlite3_file *file, int offset, int count, int flags) {
    return of(file)->real->pMethods->xShmLock(of(file)->real, offset, count, flags);
}

static void order_shm(sqlite3_file *file) {
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int unmap_shm(sqlite3_file *file, int delete) {
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, delete);
}

/* --- file system --- */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    struct image *image = name != NULL && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0 ? find_image(name) : NULL;
    bool is_new = name != NULL && access(name, F_OK) != 0;
    int code = fault.real->xOpen(fault.real, name, of(file)->real, flags, out_flags);

    (void)vfs;
    of(file)->image = image;
    if (image != NULL && is_new && code == SQLITE_OK) forget_contents(image);
    file->pMethods = of(file)->real->pMethods == NULL ? NULL : &fault.methods;
    return code;
}

/* A deletion counts as durable at once where SQLite asks for that, and as a wish otherwise. */
static int delete_file(sqlite3_vfs *vfs, const char *name, int durable) {
    struct image *image = find_image(name);
    int code = strike(FAULT_CHANGE);

    (void)vfs;
    if (code == SQLITE_OK) code = fault.real->xDelete(fault.real, name, 0);
    if (code == SQLITE_OK && durable) forget_contents(image);
    return code;
}

void fault_vfs_install(void) {
    fault_vfs_remove();
    fault.real = must(sqlite3_vfs_find("unix"));
    fault.vfs = *fault.real;
    fault.vfs.pNext = NULL;
    fault.vfs.zName = "fault";
    fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
    fault.vfs.xOpen = open_file;
    fault.vfs.xDelete = delete_file;
    fault.methods = (sqlite3_io_methods){
        .iVersion = 2, /* without memory-mapped reading and writing, which no write would show */
        .xClose = close_file,
        .xRead = read_file,
        .xWrite = write_file,
        .xTruncate = truncate_file,
        .xSync = sync_file,
        .xFileSize = file_size,
        .xLock = lock_file,
        .xUnlock = unlock_file,
        .xCheckReservedLock = is_reserved,
        .xFileControl = control_file,
        .xSectorSize = sector_size,
        .xDeviceCharacteristics = traits_of_device,
        .xShmMap = map_shm,
        .xShmLock = lock_shm,
        .xShmBarrier = order_shm,
        .xShmUnmap = unmap_shm,
    };
    sqlite3_vfs_register(&fault.vfs, 1);
}

void fault_vfs_remove(void) {
    while (fault.images != NULL) {
        struct image *image = fault.images;

        fault.images = image->next;
        drop_changes(image);
        free(image->bytes);
        free(image->path);
        free(image);
    }
    if (fault.real != NULL) sqlite3_vfs_unregister(&fault.vfs);
    fault.real = NULL;
    fault_vfs_heal();
}

void fault_vfs_fail(unsigned kinds, unsigned long spare, int code, bool lasting) {
    fault.kinds = kinds;
    fault.spare = spare;
    fault.code = code;
    fault.lasting = lasting;
    fault.calls = 0;
}

void fault_vfs_heal(void) {
    fault.kinds = 0;
}

unsigned long fault_vfs_calls(void) {
    return fault.calls;
}

void fault_vfs_cut_power(unsigned seed, unsigned chance) {
    struct image *image;

    for (image = fault.images; image != NULL; image = image->next) {
        int file;

        apply_some(image, &seed, chance);
        if (!image->exists) {
            (void)unlink(image->path);
            continue;
        }
        file = open(image->path, O_WRONLY | O_CREAT, 0600);
        if (file < 0 || ftruncate(file, 0) != 0) abort();
        if (pwrite(file, image->bytes, image->length, 0) != (ssize_t)image->length) abort();
        close(file);
    }
}
