/* SPDX-License-Identifier: Apache-2.0 */
/* What survives a restart: an interface, so that a store shared by several nodes can stand beside SQLite.
 *
 * A feed is one source of one tenant in one input. Its checkpoint is a watermark plus the keys of the versions that
 * have been delivered and may be met again. A commit is durable when it returns. */
#ifndef IMD_STORE_H
#define IMD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/digest.h"
#include "../base/error.h"
#include "../base/timestamp.h"

struct imd_feed_name {
    const char *input;  /* name of the input() */
    const char *tenant; /* tenant id as configured */
    const char *source; /* name of the source */
};

/* Times are IMD_TIME_NONE while unknown. */
struct imd_checkpoint {
    imd_time origin;       /* nothing older than this was ever asked for: the start of the first backfill */
    imd_time watermark;    /* lower bound of the next walk */
    imd_time swept;        /* server time at which the last complete reconcile sweep began */
    imd_time succeeded;    /* server time of the last complete walk */
};

/* A version that was delivered. */
struct imd_version {
    struct imd_digest id; /* digest of the object's id */
    imd_time stamp;       /* its lastUpdateDateTime */
    imd_time met;         /* when it was first met */
};

/* What one feed asks to make durable. */
struct imd_change {
    struct imd_feed_name feed;
    bool has_checkpoint;              /* members of `checkpoint` that are IMD_TIME_NONE stay as stored */
    struct imd_checkpoint checkpoint;
    const struct imd_version *versions; /* added; one that is there already stays */
    size_t version_count;
    imd_time forget_before;           /* versions with max(stamp, met) below this are dropped; IMD_TIME_NONE: none */
                                      /* (a bounded number in each commit, the rest in later ones that ask again) */
};

/* What `imdefenderctl status` shows; text members may be NULL. */
struct imd_feed_status {
    struct imd_feed_name feed;
    const char *state;  /* name of the health state */
    const char *reason; /* sentence, no secrets */
    imd_time since;     /* when the state began */
};

/* Versions that one commit drops at most, besides twice as many as it adds: so a month of history goes without a
 * stall, and forgetting still keeps up. */
#define IMD_STORE_FORGET_MAX 1000

struct imd_store;

/* Functions that return int return -1 on error. The store stays usable then: nothing is half done, and the same call
 * may succeed later. (Only a crash right after a commit that failed may find its changes there nevertheless; all are
 * safe to make again.) */
struct imd_store_operations {
    /* Loads one feed. Returns 1 if it was there, 0 if not (then *checkpoint is all IMD_TIME_NONE), -1 on error.
     * `each` (NULL: versions are not wanted) returns false when memory is short, which makes the load fail. */
    int (*load)(struct imd_store *store, const struct imd_feed_name *feed, struct imd_checkpoint *checkpoint,
                bool (*each)(void *context, const struct imd_version *version), void *context, struct imd_error *error);
    /* All changes become durable together, or none does. */
    int (*commit)(struct imd_store *store, const struct imd_change *changes, size_t count, struct imd_error *error);
    /* Replaces the state of feeds, for people to look at; a loss of it costs nothing. */
    int (*report)(struct imd_store *store, const struct imd_feed_status *statuses, size_t count, struct imd_error *error);
    /* Goes through every feed, by input, tenant and source, for imdefenderctl; works on a store opened for reading
     * while a daemon writes. `each` returns false to stop early. It must not call the store. */
    int (*list)(struct imd_store *store,
                bool (*each)(void *context, const struct imd_feed_status *status,
                             const struct imd_checkpoint *checkpoint, uint64_t versions),
                void *context, struct imd_error *error);
    /* A refresh token that the authorization server rotated; durable when put returns. `token` of get is the
     * caller's to wipe and free; NULL if there is none. */
    int (*put_token)(struct imd_store *store, const char *tenant, const char *client_id, const char *token,
                     struct imd_error *error);
    int (*get_token)(struct imd_store *store, const char *tenant, const char *client_id, char **token,
                     struct imd_error *error);
    /* Whether this process still owns the store: false too in a forked child, and when its files were replaced or
     * removed underneath. Whatever this says, commit, report and put_token by another owner are refused. */
    bool (*owned)(struct imd_store *store);
    void (*close)(struct imd_store *store);
};

/* Implementations begin with this. All calls on one store come from one thread at a time. */
struct imd_store {
    const struct imd_store_operations *operations;
};

/* Opens (and for writing creates, mode 0600) an SQLite database in WAL mode with full synchronisation. Its directory
 * must exist. A damaged, foreign, newer or unwritable database is an error, never a silent start from zero; an empty
 * file is a new database unless its lock file knows better. To start from zero, remove the database and its -wal.
 * NULL on error.
 *
 * For writing it takes an exclusive lock (PATH.lock): a second process that opens it for writing is refused with an
 * error that names the holder's process id. All files of it are open when this returns, so privileges may be dropped
 * between opening and use; but then -wal cannot be removed at the end, and what was created belongs to the first user,
 * who is needed to open it again. So better drop privileges first. Never open before a fork() and use it after.
 *
 * For reading it takes no lock, creates and changes nothing, and sees each commit of the daemon as soon as it is made;
 * with no daemon running it shows what the last one left. Everything but load, list and get_token is refused. */
struct imd_store *imd_store_open_sqlite(const char *path, bool writable, struct imd_error *error);

#endif
