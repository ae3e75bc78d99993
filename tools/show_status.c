/* SPDX-License-Identifier: Apache-2.0 */
/* imdefenderctl status: what the state knows of each feed. It opens the state for reading only. */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include "base/timestamp.h"
#include "imdefenderctl.h"
#include "state/store.h"

struct listing {
    imd_time now;
    struct json_object *array; /* NULL: print text */
    size_t count;
};

static const char *print_time(imd_time when, char out[IMD_TIME_TEXT_MAX]) {
    return when == IMD_TIME_NONE ? "-" : imd_time_print(when, out);
}

/* Seconds since `when`, not below 0, as the clocks of two machines differ. */
static int64_t age_of(const struct listing *listing, imd_time when) {
    int64_t age = imd_time_to_unix(listing->now) - imd_time_to_unix(when);
    return age < 0 ? 0 : age;
}

/* A text of the state as one word group for people: control characters could steer a terminal. */
static void print_clean(const char *text) {
    for (const unsigned char *p = (const unsigned char *)(text == NULL ? "-" : text); *p != '\0'; p++) {
        putchar(*p < 0x20 || *p == 0x7F ? '?' : *p);
    }
}

static void print_feed(const struct listing *listing, const struct imd_feed_status *status,
                       const struct imd_checkpoint *checkpoint, uint64_t versions) {
    char since[IMD_TIME_TEXT_MAX], watermark[IMD_TIME_TEXT_MAX];

    print_clean(status->feed.input);
    putchar(' ');
    print_clean(status->feed.tenant);
    putchar(' ');
    print_clean(status->feed.source);
    fputs("  state=", stdout);
    print_clean(status->state);
    printf("  since=%s  watermark=%s  success=", print_time(status->since, since),
           print_time(checkpoint->watermark, watermark));
    if (checkpoint->succeeded == IMD_TIME_NONE) {
        fputs("never", stdout);
    } else {
        printf("%" PRId64 "s ago", age_of(listing, checkpoint->succeeded));
    }
    printf("  versions=%" PRIu64 "\n", versions);
    if (status->reason == NULL || status->reason[0] == '\0') return;
    fputs("    ", stdout);
    print_clean(status->reason);
    putchar('\n');
}

static void add_time(struct json_object *object, const char *name, imd_time when) {
    char text[IMD_TIME_TEXT_MAX];
    ctl_add_text(object, name, when == IMD_TIME_NONE ? NULL : imd_time_print(when, text));
}

static void add_feed(const struct listing *listing, const struct imd_feed_status *status,
                     const struct imd_checkpoint *checkpoint, uint64_t versions) {
    struct json_object *object = json_object_new_object();
    struct json_object *age = NULL;

    if (checkpoint->succeeded != IMD_TIME_NONE) age = json_object_new_int64(age_of(listing, checkpoint->succeeded));
    ctl_add_text(object, "input", status->feed.input);
    ctl_add_text(object, "tenantId", status->feed.tenant);
    ctl_add_text(object, "source", status->feed.source);
    ctl_add_text(object, "state", status->state);
    ctl_add_text(object, "reason", status->reason);
    add_time(object, "since", status->since);
    add_time(object, "origin", checkpoint->origin);
    add_time(object, "watermark", checkpoint->watermark);
    add_time(object, "swept", checkpoint->swept);
    add_time(object, "succeeded", checkpoint->succeeded);
    json_object_object_add(object, "successAgeSeconds", age);
    json_object_object_add(object, "versions", json_object_new_uint64(versions));
    json_object_array_add(listing->array, object);
}

static bool take_feed(void *context, const struct imd_feed_status *status, const struct imd_checkpoint *checkpoint,
                      uint64_t versions) {
    struct listing *listing = context;

    listing->count++;
    if (listing->array != NULL) {
        add_feed(listing, status, checkpoint, versions);
    } else {
        print_feed(listing, status, checkpoint, versions);
    }
    return true;
}

static int list(const char *file, bool as_json) {
    struct listing listing = {.now = imd_time_from_unix(time(NULL))};
    struct imd_error error;
    struct imd_store *store = imd_store_open_sqlite(file, false, &error);

    if (store == NULL) return ctl_fail(&error);
    if (as_json) listing.array = json_object_new_array();
    int result = store->operations->list(store, take_feed, &listing, &error);
    store->operations->close(store);
    if (result < 0) {
        json_object_put(listing.array);
        return ctl_fail(&error);
    }
    if (as_json) return ctl_print_json(listing.array);
    if (listing.count == 0) puts("no feed has been polled yet");
    return CTL_OK;
}

int ctl_status(int count, char **arguments) {
    static const struct option options[] = {
        {"state-file", required_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool as_json = false;

    for (int option; (option = getopt_long(count, arguments, "f:j", options, NULL)) != -1;) {
        if (option == 'f') {
            file = optarg;
        } else if (option == 'j') {
            as_json = true;
        } else {
            return ctl_usage("status: wrong option");
        }
    }
    if (file == NULL || optind != count) return ctl_usage("status wants --state-file FILE and nothing else");
    return list(file, as_json);
}
