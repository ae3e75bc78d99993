/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/fault.h"

#define ROUND_MS 20           /* how often receipts are looked at while some are open ... */
#define ROUND_MIN_MS 2        /* ... and while they close one after the other */
#define COMMIT_MS 1000        /* how often the store is written */
#define COMMIT_RETRY_MS 30000 /* the longest wait after a failed commit */
#define COMMIT_VERSIONS 4000  /* versions that are written without waiting for that: polling may wait for them */
#define CHANGES_MAX 4096      /* deliveries of one commit */

struct imd_checkpointer {
    struct imd_store *store;
    const struct imd_log *log;
    void (*committed)(void *context);
    void *context;
    pthread_mutex_t lock;      /* guards all but the store and what only turn() uses */
    pthread_cond_t changed;
    pthread_mutex_t store_lock;
    bool failing; /* atomic */
    struct imd_account *active; /* with deliveries out, or a state to report */
    bool stopping;
    /* turn() only */
    struct imd_delivery *ready, **ready_end; /* acknowledged, not committed */
    size_t ready_versions;
    int round_ms;
    int64_t commit_at;
    int64_t retry_ms;          /* 0 while commits succeed */
};

struct imd_checkpointer *imd_checkpointer_new(struct imd_store *store, const struct imd_log *log,
                                              void (*committed)(void *context), void *context) {
    struct imd_checkpointer *checkpointer = calloc(1, sizeof *checkpointer);
    if (!checkpointer) return NULL;
    checkpointer->store = store;
    checkpointer->log = log;
    checkpointer->committed = committed;
    checkpointer->context = context;
    checkpointer->ready_end = &checkpointer->ready;
    pthread_mutex_init(&checkpointer->lock, NULL);
    pthread_mutex_init(&checkpointer->store_lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&checkpointer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return checkpointer;
}

/* Under the lock. */
static void activate(struct imd_checkpointer *checkpointer, struct imd_account *account) {
    if (account->active) return;
    account->active = true;
    account->next_active = checkpointer->active;
    checkpointer->active = imd_account_share(account);
    pthread_cond_signal(&checkpointer->changed);
}

void imd_checkpointer_track(struct imd_checkpointer *checkpointer, struct imd_delivery *delivery) {
    struct imd_account *account = delivery->account;
    pthread_mutex_lock(&checkpointer->lock);
    delivery->next = NULL;
    delivery->submitted = delivery->sink == NULL;
    if (account->last)
        account->last->next = delivery;
    else
        account->first = delivery;
    account->last = delivery;
    activate(checkpointer, account);
    pthread_mutex_unlock(&checkpointer->lock);
}

/* The messages are made, or will never be: the alerts' bytes have served. */
static void drop_alerts(struct imd_delivery *delivery) {
    for (size_t i = 0; i < delivery->batch.count; i++) free((void *)delivery->batch.alerts[i].json);
    free(delivery->batch.alerts);
    delivery->batch.alerts = NULL;
    delivery->batch.count = 0;
    imd_count_down(delivery->account->input_load->queued_bytes, delivery->batch.bytes);
}

void imd_checkpointer_submitted(struct imd_checkpointer *checkpointer, struct imd_batch *batch) {
    struct imd_delivery *delivery = (struct imd_delivery *)batch;
    if (batch->kind == IMD_BATCH_ALERTS) {
        imd_account_count(delivery->account, alerts_submitted, batch->count);
        imd_account_count(delivery->account, inflight, batch->count);
    }
    drop_alerts(delivery);
    pthread_mutex_lock(&checkpointer->lock);
    delivery->submitted = true;
    pthread_mutex_unlock(&checkpointer->lock);
}

void imd_checkpointer_abandoned(struct imd_checkpointer *checkpointer, struct imd_batch *batch) {
    struct imd_delivery *delivery = (struct imd_delivery *)batch;
    drop_alerts(delivery);
    pthread_mutex_lock(&checkpointer->lock);
    delivery->abandoned = true; /* stays first of its account: nothing behind it is committed either */
    pthread_mutex_unlock(&checkpointer->lock);
}

void imd_checkpointer_report(struct imd_checkpointer *checkpointer, struct imd_account *account, const char *state,
                             const char *reason, imd_time since) {
    pthread_mutex_lock(&checkpointer->lock);
    account->state = state;
    strncpy(account->reason, reason ? reason : "", sizeof account->reason - 1);
    account->since = since;
    activate(checkpointer, account);
    pthread_mutex_unlock(&checkpointer->lock);
}

static bool is_mark(const struct imd_delivery *delivery) {
    return !delivery->sink && !delivery->version_count;
}

static void put_time(imd_time *time, imd_time newer) {
    if (newer != IMD_TIME_NONE) *time = newer;
}

/* Marks that follow each other become one, so that they do not pile up while the store cannot be written. */
static bool merge_mark(struct imd_delivery *delivery) {
    struct imd_delivery *before = delivery->account->last_ready;
    if (!is_mark(delivery) || !before || !is_mark(before)) return false;
    before->has_checkpoint = true;
    put_time(&before->checkpoint.origin, delivery->checkpoint.origin);
    put_time(&before->checkpoint.watermark, delivery->checkpoint.watermark);
    put_time(&before->checkpoint.swept, delivery->checkpoint.swept);
    put_time(&before->checkpoint.succeeded, delivery->checkpoint.succeeded);
    put_time(&before->forget_before, delivery->forget_before);
    imd_delivery_free(delivery);
    return true;
}

static void acknowledge(struct imd_checkpointer *checkpointer, struct imd_delivery *delivery) {
    if (delivery->batch.kind == IMD_BATCH_ALERTS) {
        imd_account_count(delivery->account, alerts_acknowledged, delivery->version_count);
        imd_count_down(delivery->account->counters.inflight, delivery->version_count);
        imd_count_down(delivery->account->input_counters->inflight, delivery->version_count);
    }
    if (delivery->sink) delivery->sink->release(delivery->sink->context, &delivery->batch);
    IMD_FAULT_POINT("after-acknowledged");
    if (merge_mark(delivery)) return;
    delivery->account->last_ready = delivery;
    delivery->next = NULL;
    checkpointer->ready_versions += delivery->version_count;
    *checkpointer->ready_end = delivery;
    checkpointer->ready_end = &delivery->next;
}

/* The deliveries at the head of an account that are acknowledged, in order: a later one waits for an earlier one. */
static struct imd_delivery *take_acknowledged(struct imd_account *account) {
    struct imd_delivery *taken = NULL, **end = &taken;
    for (struct imd_delivery *delivery; (delivery = account->first) && delivery->submitted && !delivery->abandoned;) {
        if (delivery->sink && !delivery->sink->acknowledged(delivery->sink->context, &delivery->batch)) break;
        account->first = delivery->next;
        if (!account->first) account->last = NULL;
        *end = delivery;
        end = &delivery->next;
        *end = NULL;
    }
    return taken;
}

/* Looks at every active account once. Reports stay in the accounts until a commit. */
static void collect(struct imd_checkpointer *checkpointer) {
    struct imd_delivery *taken = NULL, **end = &taken;
    pthread_mutex_lock(&checkpointer->lock);
    for (struct imd_account **link = &checkpointer->active, *account; (account = *link);) {
        *end = take_acknowledged(account);
        while (*end) end = &(*end)->next;
        if (account->first || account->state) {
            link = &account->next_active;
            continue;
        }
        *link = account->next_active;
        account->active = false;
        imd_account_release(account);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    checkpointer->round_ms = taken || !checkpointer->round_ms ? ROUND_MIN_MS : checkpointer->round_ms * 2;
    if (checkpointer->round_ms > ROUND_MS) checkpointer->round_ms = ROUND_MS;
    for (struct imd_delivery *delivery; (delivery = taken);) {
        taken = delivery->next;
        acknowledge(checkpointer, delivery);
    }
}

static void log_commit(struct imd_checkpointer *checkpointer, int result, const struct imd_error *error) {
    char text[2048];
    if (result < 0 && checkpointer->retry_ms == 0)
        imd_log_print(checkpointer->log, IMD_LOG_ERROR, "%s",
                      imd_error_print(error, "checkpoints wait; nothing is lost, but a restart now would repeat alerts",
                                      text, sizeof text));
    if (result == 0 && checkpointer->retry_ms != 0)
        imd_log_print(checkpointer->log, IMD_LOG_INFO, "checkpoints are written again");
}

static int commit_changes(struct imd_checkpointer *checkpointer, struct imd_change *changes, struct imd_error *error) {
    size_t count = 0;
    for (const struct imd_delivery *delivery = checkpointer->ready; delivery && count < CHANGES_MAX;
         delivery = delivery->next) {
        changes[count++] = (struct imd_change){
            .feed = {delivery->account->input, delivery->account->tenant, delivery->account->source},
            .has_checkpoint = delivery->has_checkpoint,
            .checkpoint = delivery->checkpoint,
            .versions = delivery->versions,
            .version_count = delivery->version_count,
            .forget_before = delivery->forget_before,
        };
    }
    IMD_FAULT_POINT("before-commit");
    pthread_mutex_lock(&checkpointer->store_lock);
    int result = checkpointer->store->operations->commit(checkpointer->store, changes, count, error);
    pthread_mutex_unlock(&checkpointer->store_lock);
    IMD_FAULT_POINT("after-commit");
    return result < 0 ? -1 : (int)count;
}

static void free_committed(struct imd_checkpointer *checkpointer, int count) {
    while (count-- > 0) {
        struct imd_delivery *delivery = checkpointer->ready;
        struct imd_account *account = delivery->account;
        checkpointer->ready = delivery->next;
        if (account->last_ready == delivery) account->last_ready = NULL;
        checkpointer->ready_versions -= delivery->version_count;
        if (delivery->batch.kind == IMD_BATCH_ALERTS) {
            imd_count_down(account->alerts, delivery->version_count);
            imd_count_down(account->input_load->alerts, delivery->version_count);
        }
        imd_count_down(account->input_load->bytes, delivery->batch.bytes);
        imd_delivery_free(delivery);
    }
    if (!checkpointer->ready) checkpointer->ready_end = &checkpointer->ready;
}

/* Writes every delivery that is ready. */
static int commit_ready(struct imd_checkpointer *checkpointer, struct imd_error *error) {
    struct imd_change *changes = malloc(CHANGES_MAX * sizeof *changes);
    if (!changes) return imd_error_set(error, "free memory", "no memory for a commit");
    int result = 0;
    while (checkpointer->ready && result >= 0) {
        result = commit_changes(checkpointer, changes, error);
        if (result > 0) free_committed(checkpointer, result);
    }
    free(changes);
    return result < 0 ? -1 : 0;
}

/* Writes the states that changed. Losing one costs nothing, so a failure is not repeated. */
static void write_reports(struct imd_checkpointer *checkpointer) {
    enum { REPORTS = 256 };
    struct imd_feed_status *statuses = malloc(REPORTS * sizeof *statuses);
    struct imd_account **accounts = malloc(REPORTS * sizeof *accounts);
    size_t count = statuses && accounts ? REPORTS : 0;
    while (count == REPORTS) {
        count = 0;
        pthread_mutex_lock(&checkpointer->lock);
        for (struct imd_account *account = checkpointer->active; account && count < REPORTS;
             account = account->next_active) {
            if (!account->state) continue;
            statuses[count] = (struct imd_feed_status){
                .feed = {account->input, account->tenant, account->source},
                .state = account->state,
                .reason = account->reason[0] ? strdup(account->reason) : NULL,
                .since = account->since,
            };
            account->state = NULL;
            accounts[count++] = imd_account_share(account);
        }
        pthread_mutex_unlock(&checkpointer->lock);
        if (count) {
            struct imd_error error;
            char text[2048];
            pthread_mutex_lock(&checkpointer->store_lock);
            if (checkpointer->store->operations->report(checkpointer->store, statuses, count, &error) < 0)
                imd_log_print(checkpointer->log, IMD_LOG_DEBUG, "%s",
                              imd_error_print(&error, "the status shown by imdefenderctl is old", text, sizeof text));
            pthread_mutex_unlock(&checkpointer->store_lock);
        }
        for (size_t i = 0; i < count; i++) {
            free((void *)statuses[i].reason);
            imd_account_release(accounts[i]);
        }
    }
    free(statuses);
    free(accounts);
}

int imd_checkpointer_turn(struct imd_checkpointer *checkpointer, int64_t now, bool flush) {
    collect(checkpointer);
    bool many = checkpointer->ready_versions >= COMMIT_VERSIONS && !checkpointer->retry_ms;
    if (flush || many || now >= checkpointer->commit_at) {
        struct imd_error error = {0};
        bool any = checkpointer->ready != NULL;
        int result = commit_ready(checkpointer, &error);
        log_commit(checkpointer, result, &error);
        if (result < 0) {
            checkpointer->retry_ms = checkpointer->retry_ms ? checkpointer->retry_ms * 2 : COMMIT_MS;
            if (checkpointer->retry_ms > COMMIT_RETRY_MS) checkpointer->retry_ms = COMMIT_RETRY_MS;
        } else {
            checkpointer->retry_ms = 0;
            write_reports(checkpointer);
        }
        __atomic_store_n(&checkpointer->failing, checkpointer->retry_ms != 0, __ATOMIC_RELAXED);
        checkpointer->commit_at = now + (checkpointer->retry_ms ? checkpointer->retry_ms : COMMIT_MS);
        if (any && result == 0 && checkpointer->committed) checkpointer->committed(checkpointer->context);
    }
    return checkpointer->round_ms;
}

bool imd_checkpointer_failing(const struct imd_checkpointer *checkpointer) {
    return __atomic_load_n(&checkpointer->failing, __ATOMIC_RELAXED);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void imd_checkpointer_run(struct imd_checkpointer *checkpointer) {
    bool stopping = false;
    while (!stopping) {
        int64_t wait_ms = imd_checkpointer_turn(checkpointer, now_ms(), false);
        pthread_mutex_lock(&checkpointer->lock);
        /* With nothing out there is only the next commit to wait for, or that something goes out. */
        bool any_out = checkpointer->active != NULL;
        if (!any_out) wait_ms = checkpointer->commit_at - now_ms();
        if (wait_ms < 1) wait_ms = 1;
        if (!checkpointer->stopping && !checkpointer->active && !checkpointer->ready) {
            pthread_cond_wait(&checkpointer->changed, &checkpointer->lock);
        } else if (!checkpointer->stopping) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += wait_ms / 1000;
            until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            while (!checkpointer->stopping && (any_out || !checkpointer->active) &&
                   pthread_cond_timedwait(&checkpointer->changed, &checkpointer->lock, &until) == 0) {
            }
        }
        stopping = checkpointer->stopping;
        pthread_mutex_unlock(&checkpointer->lock);
    }
    imd_checkpointer_turn(checkpointer, now_ms(), true);
}

void imd_checkpointer_stop(struct imd_checkpointer *checkpointer) {
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->stopping = true;
    pthread_cond_broadcast(&checkpointer->changed);
    pthread_mutex_unlock(&checkpointer->lock);
}

int imd_checkpointer_load(struct imd_checkpointer *checkpointer, const struct imd_feed_name *feed,
                          struct imd_checkpoint *checkpoint,
                          bool (*each)(void *context, const struct imd_version *version), void *context,
                          struct imd_error *error) {
    pthread_mutex_lock(&checkpointer->store_lock);
    int result = checkpointer->store->operations->load(checkpointer->store, feed, checkpoint, each, context, error);
    pthread_mutex_unlock(&checkpointer->store_lock);
    return result;
}

int imd_checkpointer_put_token(struct imd_checkpointer *checkpointer, const char *tenant, const char *client_id,
                               const char *token, struct imd_error *error) {
    pthread_mutex_lock(&checkpointer->store_lock);
    int result = checkpointer->store->operations->put_token(checkpointer->store, tenant, client_id, token, error);
    pthread_mutex_unlock(&checkpointer->store_lock);
    return result;
}

int imd_checkpointer_get_token(struct imd_checkpointer *checkpointer, const char *tenant, const char *client_id,
                               char **token, struct imd_error *error) {
    pthread_mutex_lock(&checkpointer->store_lock);
    int result = checkpointer->store->operations->get_token(checkpointer->store, tenant, client_id, token, error);
    pthread_mutex_unlock(&checkpointer->store_lock);
    return result;
}

static void give_up(struct imd_delivery *delivery) {
    if (delivery->sink) delivery->sink->release(delivery->sink->context, &delivery->batch);
    imd_delivery_free(delivery);
}

void imd_checkpointer_free(struct imd_checkpointer *checkpointer) {
    if (!checkpointer) return;
    for (struct imd_delivery *delivery; (delivery = checkpointer->ready);) {
        checkpointer->ready = delivery->next;
        imd_delivery_free(delivery);
    }
    for (struct imd_account *account; (account = checkpointer->active);) {
        checkpointer->active = account->next_active;
        for (struct imd_delivery *delivery; (delivery = account->first);) {
            account->first = delivery->next;
            give_up(delivery);
        }
        imd_account_release(account);
    }
    pthread_cond_destroy(&checkpointer->changed);
    pthread_mutex_destroy(&checkpointer->lock);
    pthread_mutex_destroy(&checkpointer->store_lock);
    free(checkpointer);
}
