/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: what was handed to the sinks is remembered per feed, in order, until its messages have left; then, and
 * only then, it is committed to the store, about once a second for all feeds together.
 *
 * Threads: everything here may be called from any thread unless it says otherwise. One mutex guards the lists; the store has
 * a second one, since a commit waits for the disk and must not hold up the first. */
#ifndef IMD_CHECKPOINT_H
#define IMD_CHECKPOINT_H

#include <stdbool.h>
#include "../base/log.h"
#include "../state/store.h"
#include "batch.h"
#include "counters.h"

struct imd_checkpointer;
struct imd_delivery;

/* The books of an input: what is out and not yet committed. Atomics. */
struct imd_load {
    uint64_t alerts;       /* fetched, not committed */
    uint64_t bytes;        /* the same */
    uint64_t queued_bytes; /* handed to the sink, not yet submitted by it */
};

/* The books of a feed: they outlive the feed as long as deliveries are out. */
struct imd_account {
    unsigned references;
    char *tenant;                         /* as configured */
    const char *input, *source;           /* live as long as the engine */
    struct imd_counters counters;         /* of the feed */
    struct imd_counters *input_counters;
    struct imd_load *input_load;
    uint64_t alerts;                      /* as in struct imd_load, of this feed */
    /* the rest belongs to the checkpointer */
    struct imd_delivery *first, *last;    /* out, in order */
    struct imd_delivery *last_ready;      /* acknowledged last, not committed; NULL: none */
    struct imd_account *next_active;
    bool active;
    const char *state;                    /* to be reported; NULL: nothing new */
    char reason[400];
    imd_time since;
};

/* A batch with what its acknowledgement commits. */
struct imd_delivery {
    struct imd_batch batch;               /* first member: the sink sees only this */
    struct imd_account *account;          /* one reference */
    const struct imd_sink *sink;          /* NULL: nothing to hand over, acknowledged by itself */
    struct imd_version *versions;         /* one for each alert */
    size_t version_count;                 /* stays when the alerts' bytes are given up */
    bool submitted, abandoned;            /* under the checkpointer's mutex */
    bool has_checkpoint;
    struct imd_checkpoint checkpoint;
    imd_time forget_before;
    struct imd_delivery *next;            /* in the account, later in the commit list */
};

struct imd_account *imd_account_new(const char *input, const char *tenant, const char *source,
                                    struct imd_counters *input_counters, struct imd_load *input_load);
struct imd_account *imd_account_share(struct imd_account *account);
void imd_account_release(struct imd_account *account);

/* Counts for the feed and its input at once. */
#define imd_account_count(account, member, n)                  \
    do {                                                       \
        imd_count((account)->counters.member, n);              \
        imd_count((account)->input_counters->member, n);       \
    } while (0)

/* Frees a delivery that was never tracked, or is done with. */
void imd_delivery_free(struct imd_delivery *delivery);

/* `committed` (may be NULL) is called after each commit, without locks: room may have become free. NULL: no memory. */
struct imd_checkpointer *imd_checkpointer_new(struct imd_store *store, const struct imd_log *log,
                                              void (*committed)(void *context), void *context);

/* Only after the thread has ended; what is still out is released without a commit. */
void imd_checkpointer_free(struct imd_checkpointer *checkpointer);

/* Takes a delivery over, before its batch goes to the sink. */
void imd_checkpointer_track(struct imd_checkpointer *checkpointer, struct imd_delivery *delivery);

/* The sink handed over all messages, or gave up. */
void imd_checkpointer_submitted(struct imd_checkpointer *checkpointer, struct imd_batch *batch);
void imd_checkpointer_abandoned(struct imd_checkpointer *checkpointer, struct imd_batch *batch);

/* The state of a feed, written with the next commit. `state` is static text. */
void imd_checkpointer_report(struct imd_checkpointer *checkpointer, struct imd_account *account, const char *state,
                             const char *reason, imd_time since);

/* One round: collects what is acknowledged, and commits if a second has passed since the last time or `flush`.
 * `now` is monotonic, in ms. Returns the ms after which the next round makes sense. One thread at a time. */
int imd_checkpointer_turn(struct imd_checkpointer *checkpointer, int64_t now, bool flush);

/* Rounds until imd_checkpointer_stop(), the last one with a flush: the body of the checkpoint thread. */
void imd_checkpointer_run(struct imd_checkpointer *checkpointer);
void imd_checkpointer_stop(struct imd_checkpointer *checkpointer);

/* Whether the last commit failed: what is acknowledged waits, and holds its room. */
bool imd_checkpointer_failing(const struct imd_checkpointer *checkpointer);

/* Loads one feed from the store, in turn with commits. As the store's load(). */
int imd_checkpointer_load(struct imd_checkpointer *checkpointer, const struct imd_feed_name *feed,
                          struct imd_checkpoint *checkpoint,
                          bool (*each)(void *context, const struct imd_version *version), void *context,
                          struct imd_error *error);

/* A rotated refresh token, in turn with commits. As the store's put_token() and get_token(). */
int imd_checkpointer_put_token(struct imd_checkpointer *checkpointer, const char *tenant, const char *client_id,
                               const char *token, struct imd_error *error);
int imd_checkpointer_get_token(struct imd_checkpointer *checkpointer, const char *tenant, const char *client_id,
                               char **token, struct imd_error *error);

#endif
