/* SPDX-License-Identifier: Apache-2.0 */
/* Binary min-heap with intrusive nodes. */
#include "heap.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16

static bool goes_before(const struct imd_heap_node *a, const struct imd_heap_node *b) {
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void put(struct imd_heap *heap, size_t index, struct imd_heap_node *node) {
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(struct imd_heap *heap, size_t index, struct imd_heap_node *node) {
    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (!goes_before(node, heap->nodes[parent])) break;
        put(heap, index, heap->nodes[parent]);
        index = parent;
    }
    put(heap, index, node);
}

static void sift_down(struct imd_heap *heap, size_t index, struct imd_heap_node *node) {
    for (;;) {
        size_t child = 2 * index + 1;

        if (child >= heap->count) break;
        if (child + 1 < heap->count && goes_before(heap->nodes[child + 1], heap->nodes[child])) child++;
        if (!goes_before(heap->nodes[child], node)) break;
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

/* Finds the place of `node` when the slot `index` is free for it. */
static void settle(struct imd_heap *heap, size_t index, struct imd_heap_node *node) {
    if (index > 0 && goes_before(node, heap->nodes[(index - 1) / 2])) {
        sift_up(heap, index, node);
    } else {
        sift_down(heap, index, node);
    }
}

void imd_heap_init(struct imd_heap *heap) {
    *heap = (struct imd_heap){0};
}

bool imd_heap_reserve(struct imd_heap *heap, size_t count) {
    struct imd_heap_node **nodes;

    if (count <= heap->capacity) return true;
    if (count > SIZE_MAX / sizeof(*nodes)) return false;
    nodes = realloc(heap->nodes, count * sizeof(*nodes));
    if (nodes == NULL) return false;
    heap->nodes = nodes;
    heap->capacity = count;
    return true;
}

bool imd_heap_arm(struct imd_heap *heap, struct imd_heap_node *node, int64_t key) {
    size_t index;

    if (node->place == 0) {
        if (heap->count == heap->capacity &&
            !imd_heap_reserve(heap, heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2)) {
            return false;
        }
        index = heap->count++;
    } else {
        index = node->place - 1;
    }
    node->key = key;
    node->order = heap->armed++;
    settle(heap, index, node);
    return true;
}

void imd_heap_remove(struct imd_heap *heap, struct imd_heap_node *node) {
    size_t index;
    struct imd_heap_node *last;

    if (node->place == 0) return;
    index = node->place - 1;
    node->place = 0;
    last = heap->nodes[--heap->count];
    if (last != node) settle(heap, index, last);
}

struct imd_heap_node *imd_heap_first(const struct imd_heap *heap) {
    return heap->count == 0 ? NULL : heap->nodes[0];
}

bool imd_heap_holds(const struct imd_heap_node *node) {
    return node->place != 0;
}

void imd_heap_free(struct imd_heap *heap) {
    size_t i;

    for (i = 0; i < heap->count; i++) heap->nodes[i]->place = 0;
    free(heap->nodes);
    imd_heap_init(heap);
}
