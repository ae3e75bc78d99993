/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: some alert versions of one page on their way from the engine to rsyslog and back to the checkpoint.
 *
 * A page is handed over in batches of bounded size. The engine makes a batch and gives it to the sink, which
 * makes the messages; once all of them have left, the batch comes back and its checkpoint may be committed. */
#ifndef IMD_BATCH_H
#define IMD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../api/source.h"
#include "../base/digest.h"
#include "../base/timestamp.h"
#include "../config/settings.h"

#define IMD_BATCH_ALERTS_MAX 256
#define IMD_BATCH_BYTES_MAX (1u << 18) /* a batch is closed once it holds this; one large object may be larger */

enum imd_change_kind { IMD_CHANGE_NEW, IMD_CHANGE_UPDATE };

/* One alert version, or one health message. Pointers lead into the batch's memory. */
struct imd_alert {
    const char *json;      /* the object's bytes, a 0 byte after them; the sink may take it over and put NULL */
    size_t json_length;
    size_t largest_at, largest_length; /* its largest member that is an object or array, in `json`; length 0: none known */
    const char *id;        /* decoded; for a health message the source's name */
    const char *updated;   /* its lastUpdateDateTime as the API wrote it */
    imd_time stamp;        /* the same as a number */
    const char *severity;  /* as the API wrote it, "" if absent */
    const char *web_url;   /* link to the object in the customer's portal, "" if none */
    const char *incident;  /* id of its incident, "" if none */
    enum imd_change_kind change;
    char key[IMD_DIGEST_TEXT_MAX]; /* digest of tenant, source, id and `updated` as 100 ns UTC text */
};

enum imd_batch_kind {
    IMD_BATCH_ALERTS, /* messages with MSGID = the source's name */
    IMD_BATCH_HEALTH  /* one message with MSGID "health" */
};

struct imd_batch {
    struct imd_batch *next;           /* for whoever holds it: engine, then sink, then engine */
    enum imd_batch_kind kind;
    struct imd_settings *settings;    /* the tenant's; one reference */
    const struct imd_source *source;
    const char *input;                /* name of the input(); lives as long as the engine */
    struct imd_alert *alerts;
    size_t count;                     /* at most IMD_BATCH_ALERTS_MAX */
    size_t bytes;                     /* sum of json_length */
    void *receipt;                    /* the sink's */
};

/* What the engine needs of whoever makes messages. One per input(). */
struct imd_sink {
    void *context;
    /* Takes a batch over (HTTP thread; must not block, cannot fail). Batches of one feed leave in this order. When the
     * sink has handed over every message of a batch it calls imd_engine_submitted(). */
    void (*submit)(void *context, struct imd_batch *batch);
    /* Whether every message of a submitted batch has left the daemon's memory (checkpoint thread; must not block). */
    bool (*acknowledged)(void *context, const struct imd_batch *batch);
    /* Gives up what `receipt` holds, before the engine frees the batch (checkpoint thread, or whoever stops). */
    void (*release)(void *context, struct imd_batch *batch);
};

#endif
