/* SPDX-License-Identifier: Apache-2.0 */
/* Powers of two from free lists; what is larger than a region has a mapping of its own. */
#include "secret_memory.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SMALLEST 6                     /* 64 bytes with the header ... */
#define LARGEST 17                     /* ... to 128 KiB come from regions */
#define REGION ((size_t)1 << 20)

/* In front of each block. */
struct header {
    size_t capacity; /* bytes behind the header */
    union {
        size_t used;         /* bytes from the first one on that may have been written to */
        struct header *next; /* while it is free */
    };
};

_Static_assert(sizeof(struct header) == 16, "blocks keep the alignment of malloc");

/* The one allocator of the process: libraries are given these functions and have no place for a pointer of ours. */
static struct {
    pthread_mutex_t lock;
    struct header *free[LARGEST + 1];
    char *region; /* what is not carved yet */
    size_t left;
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *map(size_t size) {
    void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return NULL;
    madvise(region, size, MADV_DONTDUMP); /* where the kernel does not know it, there is nothing else to do */
    return region;
}

/* Under the lock. */
static struct header *carve(size_t size) {
    if (memory.left < size) {
        char *region = map(REGION);
        if (region == NULL) return NULL;
        memory.region = region; /* what was left of the former one is smaller than any block asked for now */
        memory.left = REGION;
    }
    struct header *header = (struct header *)(void *)memory.region;
    memory.region += size;
    memory.left -= size;
    return header;
}

static unsigned class_of(size_t size) {
    unsigned class = SMALLEST;
    while (((size_t)1 << class) < size) class++;
    return class;
}

static struct header *take_small(unsigned class) {
    pthread_mutex_lock(&memory.lock);
    struct header *header = memory.free[class];
    if (header != NULL) {
        memory.free[class] = header->next;
    } else {
        header = carve((size_t)1 << class);
    }
    pthread_mutex_unlock(&memory.lock);
    if (header != NULL) header->capacity = ((size_t)1 << class) - sizeof *header;
    return header;
}

void *imd_secret_alloc(size_t size) {
    if (size > SIZE_MAX / 4) return NULL;
    size_t whole = size + sizeof(struct header);
    struct header *header;
    if (whole <= (size_t)1 << LARGEST) {
        header = take_small(class_of(whole));
    } else {
        header = map(whole);
        if (header != NULL) header->capacity = size;
    }
    if (header == NULL) return NULL;
    header->used = size;
    return header + 1;
}

void imd_secret_free(void *block) {
    if (block == NULL) return;
    struct header *header = (struct header *)block - 1;
    size_t whole = header->capacity + sizeof *header;
    explicit_bzero(block, header->used);
    if (whole > (size_t)1 << LARGEST) {
        munmap(header, whole);
        return;
    }
    unsigned class = class_of(whole);
    pthread_mutex_lock(&memory.lock);
    header->next = memory.free[class];
    memory.free[class] = header;
    pthread_mutex_unlock(&memory.lock);
}

void *imd_secret_resize(void *block, size_t size) {
    if (block == NULL) return imd_secret_alloc(size);
    struct header *header = (struct header *)block - 1;
    if (size <= header->capacity && size > header->capacity / 4) {
        if (size > header->used) header->used = size;
        return block;
    }
    void *moved = imd_secret_alloc(size);
    if (moved == NULL) return NULL;
    memcpy(moved, block, size < header->used ? size : header->used);
    imd_secret_free(block);
    return moved;
}

char *imd_secret_copy(const char *text, size_t length) {
    char *copy = imd_secret_alloc(length + 1);
    if (copy != NULL && length > 0) memcpy(copy, text, length);
    return copy;
}
