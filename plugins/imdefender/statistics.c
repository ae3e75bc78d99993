/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as rsyslog statistics objects. */
#include "statistics.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define ORIGIN "imdefender"
#define FEED_NAME_MAX 1024

/* rsyslog reads (and resets) a counter through a pointer to its own type. */
_Static_assert(sizeof(intctr_t) == sizeof(uint64_t), "rsyslog's counters are 64 bits");

struct feed_object {
    const struct imd_counters *counters; /* identifies the feed: counters live as long as the engine */
    statsobj_t *object;
};

struct imd_statistics {
    char *input;
    struct imd_engine *engine;
    struct imd_engine_input *engine_input;
    bool per_feed;
    statsobj_t *object;
    void *feeds; /* tsearch() tree of struct feed_object */
};

static const struct {
    const char *name;
    size_t offset;
    bool gauge;
} counters_shown[] = {
#define SHOWN(member, name, gauge) {name, offsetof(struct imd_counters, member), gauge},
    IMD_COUNTERS(SHOWN)
#undef SHOWN
};

static rsRetVal add_counters(statsobj_t *object, struct imd_counters *counters) {
    for (size_t i = 0; i < sizeof(counters_shown) / sizeof(counters_shown[0]); i++) {
        rsRetVal result = imd_statsobj.AddCounter(object, (const uchar *)counters_shown[i].name, ctrType_IntCtr,
                                                  counters_shown[i].gauge ? CTR_FLAG_NONE : CTR_FLAG_RESETTABLE,
                                                  (char *)counters + counters_shown[i].offset);
        if (result != RS_RET_OK) {
            return result;
        }
    }
    return RS_RET_OK;
}

/* The object is announced by ConstructFinalize() and must be complete by then. */
static statsobj_t *new_object(char *name, struct imd_counters *counters) {
    statsobj_t *object = NULL;
    if (imd_statsobj.Construct(&object) != RS_RET_OK) {
        return NULL;
    }
    if (imd_statsobj.SetName(object, (uchar *)name) == RS_RET_OK &&
        imd_statsobj.SetOrigin(object, UCHAR_CONSTANT(ORIGIN)) == RS_RET_OK &&
        add_counters(object, counters) == RS_RET_OK && imd_statsobj.ConstructFinalize(object) == RS_RET_OK) {
        return object;
    }
    imd_statsobj.Destruct(&object);
    return NULL;
}

struct imd_statistics *imd_statistics_new(const char *input, struct imd_engine *engine,
                                          struct imd_engine_input *engine_input, bool per_feed) {
    struct imd_statistics *statistics = calloc(1, sizeof(*statistics));
    if (statistics == NULL) {
        return NULL;
    }
    statistics->engine = engine;
    statistics->engine_input = engine_input;
    statistics->per_feed = per_feed;
    statistics->input = strdup(input);
    if (statistics->input != NULL) {
        statistics->object = new_object(statistics->input, imd_engine_input_counters(engine_input));
    }
    if (statistics->object == NULL) {
        imd_statistics_free(statistics);
        return NULL;
    }
    return statistics;
}

/* --- one object per feed --- */

static int compare_feeds(const void *left, const void *right) {
    const uintptr_t a = (uintptr_t)((const struct feed_object *)left)->counters;
    const uintptr_t b = (uintptr_t)((const struct feed_object *)right)->counters;
    return (a > b) - (a < b);
}

static void free_feed(void *node) {
    struct feed_object *feed = node;
    if (feed->object != NULL) {
        imd_statsobj.Destruct(&feed->object);
    }
    free(feed);
}

static statsobj_t *new_feed_object(const struct imd_statistics *statistics, const struct imd_settings *settings,
                                   const struct imd_source *source, struct imd_counters *counters) {
    struct imd_buffer name;
    imd_buffer_init(&name, FEED_NAME_MAX);
    statsobj_t *object = NULL;
    if (imd_buffer_print(&name, "%s/%s/%s", statistics->input, settings->tenant_id, source->name)) {
        object = new_object(name.data, counters);
    }
    imd_buffer_free(&name);
    return object;
}

/* What fails for want of memory is tried again at the next refresh. */
static void add_feed(void *context, const struct imd_settings *settings, const struct imd_source *source,
                     struct imd_counters *counters) {
    struct imd_statistics *statistics = context;
    const struct feed_object key = {.counters = counters};
    if (tfind(&key, &statistics->feeds, compare_feeds) != NULL) {
        return;
    }
    struct feed_object *feed = calloc(1, sizeof(*feed));
    if (feed == NULL) {
        return;
    }
    feed->counters = counters;
    feed->object = new_feed_object(statistics, settings, source, counters);
    if (feed->object == NULL || tsearch(feed, &statistics->feeds, compare_feeds) == NULL) {
        free_feed(feed);
    }
}

void imd_statistics_refresh(struct imd_statistics *statistics) {
    if (statistics->per_feed) {
        imd_engine_each_feed(statistics->engine, statistics->engine_input, add_feed, statistics);
    }
}

void imd_statistics_free(struct imd_statistics *statistics) {
    if (statistics == NULL) {
        return;
    }
    tdestroy(statistics->feeds, free_feed);
    if (statistics->object != NULL) {
        imd_statsobj.Destruct(&statistics->object);
    }
    free(statistics->input);
    free(statistics);
}
