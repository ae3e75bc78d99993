/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines: the earliest first, equal ones in the order they were armed in, any of them movable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include "base/heap.h"

struct item {
    int number;
    struct imd_heap_node node;
};

static struct item *pop(struct imd_heap *heap) {
    struct imd_heap_node *first = imd_heap_first(heap);

    if (first == NULL) return NULL;
    imd_heap_remove(heap, first);
    return imd_heap_owner(first, struct item, node);
}

static void an_empty_heap_has_no_first(void **state) {
    struct imd_heap heap;
    struct item item = {0};

    (void)state;
    imd_heap_init(&heap);
    assert_null(imd_heap_first(&heap));
    assert_false(imd_heap_holds(&item.node));
    imd_heap_remove(&heap, &item.node);
    assert_int_equal(heap.count, 0);
    imd_heap_free(&heap);
}

static void keys_leave_in_order(void **state) {
    static const int64_t keys[] = {5, -3, INT64_MAX, 0, INT64_MIN, 7, 1};
    static const int order[] = {4, 1, 3, 6, 0, 5, 2};
    struct imd_heap heap;
    struct item items[7] = {{0}};
    int i;

    (void)state;
    imd_heap_init(&heap);
    for (i = 0; i < 7; i++) {
        items[i].number = i;
        assert_true(imd_heap_arm(&heap, &items[i].node, keys[i]));
    }
    for (i = 0; i < 7; i++) assert_int_equal(pop(&heap)->number, order[i]);
    assert_null(pop(&heap));
    imd_heap_free(&heap);
}

static void equal_keys_leave_in_the_order_they_were_armed_in(void **state) {
    enum { MANY = 100 };
    struct imd_heap heap;
    struct item items[MANY] = {{0}};
    int i;

    (void)state;
    imd_heap_init(&heap);
    for (i = 0; i < MANY; i++) {
        items[i].number = i;
        assert_true(imd_heap_arm(&heap, &items[i].node, 42));
    }
    /* Armed again, the first one queues behind the others. */
    assert_true(imd_heap_arm(&heap, &items[0].node, 42));
    for (i = 1; i < MANY; i++) assert_int_equal(pop(&heap)->number, i);
    assert_int_equal(pop(&heap)->number, 0);
    imd_heap_free(&heap);
}

static void room_reserved_is_room_that_arming_needs_no_memory_for(void **state) {
    struct imd_heap heap;
    struct item items[20] = {{0}};
    struct imd_heap_node **nodes;
    int i;

    (void)state;
    imd_heap_init(&heap);
    assert_true(imd_heap_reserve(&heap, 20));
    nodes = heap.nodes;
    for (i = 0; i < 20; i++) assert_true(imd_heap_arm(&heap, &items[i].node, i));
    assert_ptr_equal(heap.nodes, nodes);
    assert_false(imd_heap_reserve(&heap, SIZE_MAX));
    assert_int_equal(heap.count, 20);
    imd_heap_free(&heap);
}

static void freeing_lets_the_nodes_go(void **state) {
    struct imd_heap heap;
    struct item item = {0};

    (void)state;
    imd_heap_init(&heap);
    assert_true(imd_heap_arm(&heap, &item.node, 1));
    assert_true(imd_heap_holds(&item.node));
    imd_heap_free(&heap);
    assert_false(imd_heap_holds(&item.node));
    assert_true(imd_heap_arm(&heap, &item.node, 2));
    assert_ptr_equal(imd_heap_first(&heap), &item.node);
    imd_heap_free(&heap);
}

/* --- the same first one as a plain search finds, after any operations --- */

#define MANY 64

static struct item *earliest(struct item items[MANY]) {
    struct item *found = NULL;
    int i;

    for (i = 0; i < MANY; i++) {
        if (!imd_heap_holds(&items[i].node)) continue;
        if (found == NULL || items[i].node.key < found->node.key ||
            (items[i].node.key == found->node.key && items[i].node.order < found->node.order)) {
            found = &items[i];
        }
    }
    return found;
}

static void no_node_goes_before_its_parent(const struct imd_heap *heap) {
    size_t i;

    for (i = 0; i < heap->count; i++) {
        const struct imd_heap_node *node = heap->nodes[i], *parent = heap->nodes[i == 0 ? 0 : (i - 1) / 2];

        assert_int_equal(node->place, i + 1);
        assert_true(parent->key < node->key || (parent->key == node->key && parent->order <= node->order));
    }
}

static void any_operations_keep_the_earliest_first(void **state) {
    struct imd_heap heap;
    struct item items[MANY] = {{0}};
    unsigned seed = 1;
    int round;

    (void)state;
    imd_heap_init(&heap);
    for (round = 0; round < 50000; round++) {
        struct item *item = &items[rand_r(&seed) % MANY], *expected;

        if (rand_r(&seed) % 3 == 0) {
            imd_heap_remove(&heap, &item->node);
            assert_false(imd_heap_holds(&item->node));
        } else {
            assert_true(imd_heap_arm(&heap, &item->node, rand_r(&seed) % 50));
        }
        expected = earliest(items);
        if (imd_heap_first(&heap) != (expected == NULL ? NULL : &expected->node)) {
            fail_msg("operation %d: another one is first than should be", round);
        }
        no_node_goes_before_its_parent(&heap);
    }
    imd_heap_free(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(keys_leave_in_order),
        cmocka_unit_test(equal_keys_leave_in_the_order_they_were_armed_in),
        cmocka_unit_test(room_reserved_is_room_that_arming_needs_no_memory_for),
        cmocka_unit_test(freeing_lets_the_nodes_go),
        cmocka_unit_test(any_operations_keep_the_earliest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
