/* SPDX-License-Identifier: Apache-2.0 */
/* A binary min-heap of deadlines: what is due next, among thousands, with any of them movable.
 *
 * Nodes live inside what they schedule and know their place, so removing or re-arming one costs O(log n). Equal keys
 * leave in the order they were armed in. The heap holds pointers only; it owns no node. One thread. */
#ifndef IMD_HEAP_H
#define IMD_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All bytes 0 is a node that is in no heap. Read `key` freely; never write a member while the node is in a heap. */
struct imd_heap_node {
    int64_t key;    /* milliseconds, or whatever the caller counts in */
    uint64_t order; /* tie-break: the heap's count of armings when this node was armed */
    size_t place;   /* 1-based index in the heap, 0 while in none */
};

struct imd_heap {
    struct imd_heap_node **nodes;
    size_t count;
    size_t capacity;
    uint64_t armed;
};

/* The structure a node is a member of. */
#define imd_heap_owner(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Allocates nothing. */
void imd_heap_init(struct imd_heap *heap);

/* Makes room for `count` nodes in all, so that arming up to that many cannot fail. False when memory is short. */
bool imd_heap_reserve(struct imd_heap *heap, size_t count);

/* Puts a node in under `key`, or moves one that is there; either way it queues behind equal keys. False when memory
 * is short, then the heap and the node are as before; moving a node never fails. */
bool imd_heap_arm(struct imd_heap *heap, struct imd_heap_node *node, int64_t key);

/* Takes a node out; one that is in no heap is left alone. */
void imd_heap_remove(struct imd_heap *heap, struct imd_heap_node *node);

/* The node with the smallest key, NULL if empty. It stays in. */
struct imd_heap_node *imd_heap_first(const struct imd_heap *heap);

bool imd_heap_holds(const struct imd_heap_node *node);

/* Gives the memory back and marks every node as being in no heap. Usable again afterwards. */
void imd_heap_free(struct imd_heap *heap);

#endif
