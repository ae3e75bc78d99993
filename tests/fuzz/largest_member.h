/* SPDX-License-Identifier: Apache-2.0 */
/* What the page reader says of an element, found by a search through it: for its fuzzer and its unit test. */
#ifndef LARGEST_MEMBER_H
#define LARGEST_MEMBER_H

#include <stddef.h>
#include "../../plugins/imdefender/base/json.h"

/* The first of the largest objects and arrays directly inside `element`; `data` NULL: there is none. */
static inline struct imd_json_value largest_member(struct imd_json_value element) {
    struct imd_json_value largest = {.data = NULL, .length = 0}, name, value;
    for (size_t position = 0; imd_json_next(element, &position, &name, &value);)
        if ((*value.data == '{' || *value.data == '[') && value.length > largest.length) largest = value;
    return largest;
}

#endif
