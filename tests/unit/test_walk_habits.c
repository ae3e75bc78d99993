/* SPDX-License-Identifier: Apache-2.0 */
/* Whole walks over a small API that does not change, whose every habit can be set: each object is met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/walk.h"

#define LOWER INT64_C(1000)

static struct imd_error error;

static struct imd_walk begin(struct imd_paging *paging) {
    struct imd_walk walk;
    assert_true(imd_walk_begin(&walk, &imd_sources[IMD_SOURCE_ALERTS], paging, LOWER));
    return walk;
}

/* A backlog of hundreds of pages, newest first: halves of the time, not of the page, or the parts would pile up. */
static void a_deep_backlog_without_order_comes_to_its_end(void **state) {
    (void)state;
    enum { OBJECTS = 20000, TOP = 10 };
    static bool met[OBJECTS];
    struct imd_paging paging = {.ceiling = TOP, .top = TOP, .unordered = true, .tie_stamp = IMD_TIME_NONE};
    struct imd_walk walk = begin(&paging);
    enum imd_walk_step step = IMD_WALK_MORE;
    unsigned pages = 0, most = 0;
    for (; step == IMD_WALK_MORE && pages < 4 * OBJECTS; pages++) {
        struct imd_region region = imd_walk_query(&walk).region;
        unsigned shown = 0;
        if (walk.region_count > most) most = walk.region_count;
        imd_walk_page_begin(&walk);
        for (int i = OBJECTS - 1; i >= 0 && shown < TOP; i--) {
            imd_time stamp = LOWER + 86400 + i;
            if (stamp < region.from || (region.to != IMD_TIME_NONE && stamp >= region.to)) continue;
            imd_walk_object(&walk, stamp, stamp - 500, !met[i]);
            met[i] = true;
            shown++;
        }
        step = imd_walk_page_end(&walk, NULL, false, -1, &error);
    }
    assert_int_equal(step, IMD_WALK_DONE);
    for (int i = 0; i < OBJECTS; i++) assert_true(met[i]);
    assert_true(most < 40);
    assert_true(pages < 4 * OBJECTS / TOP * 2);
    imd_walk_end(&walk);
}

/* --- all together: an API that does not change --- */

struct object {
    imd_time stamp, created;
    short values[2];
    bool met;
};

struct api {
    struct object objects[200];
    unsigned count, clamp;
    bool ordered, descending, links, created_ignored;
};

static bool matches(const struct api *api, const struct object *object, const struct imd_region *region) {
    return object->stamp >= region->from && (region->to == IMD_TIME_NONE || object->stamp < region->to) &&
           (api->created_ignored || region->created_from == IMD_TIME_NONE || object->created >= region->created_from) &&
           (api->created_ignored || region->created_to == IMD_TIME_NONE || object->created < region->created_to) &&
           (region->value[0] < 0 || region->value[0] == object->values[0]) &&
           (region->value[1] < 0 || region->value[1] == object->values[1]);
}

static enum imd_walk_step answer(struct api *api, struct imd_walk *walk) {
    struct imd_walk_query query = imd_walk_query(walk);
    unsigned top = query.top < api->clamp ? query.top : api->clamp, skip = 0, found = 0, shown = 0;
    char link[64] = "";
    if (query.next_link) sscanf(query.next_link, "https://a/%u", &skip);
    imd_walk_page_begin(walk);
    for (unsigned n = 0; n < api->count; n++) {
        /* kept by stamp; a shuffle that is always the same where no order is given */
        unsigned index = api->ordered && query.ordered ? n : api->descending ? api->count - 1 - n : n * 89 % api->count;
        struct object *object = &api->objects[index];
        if (!matches(api, object, &query.region)) continue;
        if (found++ < skip) continue;
        if (shown == top) {
            if (api->links) snprintf(link, sizeof link, "https://a/%u", skip + top);
            continue;
        }
        imd_walk_object(walk, object->stamp, object->created, !object->met);
        object->met = true;
        shown++;
    }
    return imd_walk_page_end(walk, *link ? link : NULL, false, -1, &error);
}

static void every_habit_of_an_api_ends_with_all_objects_met(void **state) {
    (void)state;
    unsigned walks = 0;
    for (unsigned habits = 0; habits < 16; habits++)
        for (unsigned clamp = 3; clamp < 300; clamp = clamp * 3 / 2)
            for (unsigned ties = 1; ties <= 40; ties *= 3) {
                struct imd_paging paging = {.ceiling = 1000, .top = 50, .tie_stamp = IMD_TIME_NONE};
                struct api api = {.count = 199,
                                  .clamp = clamp,
                                  .ordered = habits & 1,
                                  .descending = habits & 2,
                                  .links = habits & 4,
                                  .created_ignored = habits & 8};
                if (api.created_ignored && !api.links && ties > clamp) continue; /* nobody could tell them apart */
                for (unsigned i = 0; i < api.count; i++)
                    api.objects[i] =
                        (struct object){LOWER + i / ties * 7, (imd_time)i, {(short)(i % 4), (short)(i % 3)}, false};
                for (int poll = 0; poll < 3; poll++, walks++) {
                    struct imd_walk walk = begin(&paging);
                    enum imd_walk_step step = IMD_WALK_MORE;
                    for (unsigned pages = 0; step == IMD_WALK_MORE && pages < 20000; pages++)
                        step = answer(&api, &walk);
                    if (step != IMD_WALK_DONE)
                        fail_msg("habits %u clamp %u ties %u: step %d %s", habits, clamp, ties, step, error.what);
                    if (walk.hold == IMD_TIME_NONE)
                        for (unsigned i = 0; i < api.count; i++)
                            if (!api.objects[i].met)
                                fail_msg("habits %u clamp %u ties %u: object %u missed", habits, clamp, ties, i);
                    if (!api.created_ignored) assert_int_equal(walk.hold, IMD_TIME_NONE);
                    imd_walk_end(&walk);
                }
            }
    print_message("%u walks\n", walks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deep_backlog_without_order_comes_to_its_end),
        cmocka_unit_test(every_habit_of_an_api_ends_with_all_objects_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
