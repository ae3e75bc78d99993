/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter: batches become messages, messages enter the queue. */
#include "submitter.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/fault.h"
#include "message.h"
#include "receipt.h"

enum {
    POLL_ROOM = 20,            /* milliseconds between two looks at a queue without room */
    STANDSTILL = 250,          /* milliseconds without an acknowledgement after which an output is not waited for */
    PAUSE_REFUSED = 50,        /* milliseconds after a refused message */
    PAUSE_MEMORY = 100,        /* milliseconds after a failed allocation */
    REFRESH_STATISTICS = 5000, /* milliseconds between two looks for new feeds */
    CANCEL_AFTER = 500         /* milliseconds granted to a direct queue's action once forced to end */
};
#define WINDOW (4u << 20)            /* bytes of JSON submitted and not acknowledged */
#define WINDOW_WITH_TREES (1u << 20) /* the same where $! holds all of it, which takes several times as much */
#define REPORT_FULL_AFTER 60000  /* milliseconds without room after which the log says so, once */
#define REPORT_REFUSAL_AGAIN 600 /* seconds between two reports of refused messages */

struct imd_submitter {
    const char *input;
    ruleset_t *ruleset;
    qqueue_t *queue;
    struct imd_engine *engine;
    struct imd_statistics *statistics;
    struct imd_shared_texts *texts; /* the thread's only */
    pthread_mutex_t mutex;  /* guards the list of batches, and `finished` */
    pthread_cond_t changed; /* a batch came, stopping, or finished; monotonic clock */
    struct imd_batch *first;
    struct imd_batch **end;
    size_t out; /* bytes of batches with a receipt that is not closed; guarded by the mutex too */
    bool stopping;           /* atomic */
    bool finished;           /* the thread does nothing any more */
    bool running;            /* the thread was started and not joined yet; the starting thread's only */
    time_t refusal_reported; /* monotonic seconds; 0: never */
    pthread_t thread;
};

/* --- list of batches --- */

struct imd_submitter *imd_submitter_new(const char *input, ruleset_t *ruleset) {
    struct imd_submitter *submitter = calloc(1, sizeof(*submitter));
    if (submitter == NULL) {
        return NULL;
    }
    submitter->texts = imd_shared_texts_new();
    if (submitter->texts == NULL) {
        free(submitter);
        return NULL;
    }
    submitter->input = input;
    submitter->ruleset = ruleset;
    submitter->end = &submitter->first;
    pthread_mutex_init(&submitter->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&submitter->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return submitter;
}

void imd_submitter_free(struct imd_submitter *submitter) {
    if (submitter != NULL) {
        pthread_cond_destroy(&submitter->changed);
        pthread_mutex_destroy(&submitter->mutex);
        imd_shared_texts_free(submitter->texts);
        free(submitter);
    }
}

static void sink_submit(void *context, struct imd_batch *batch) {
    struct imd_submitter *submitter = context;
    batch->next = NULL;
    batch->receipt = NULL;
    pthread_mutex_lock(&submitter->mutex);
    *submitter->end = batch;
    submitter->end = &batch->next;
    pthread_cond_signal(&submitter->changed);
    pthread_mutex_unlock(&submitter->mutex);
}

static bool sink_acknowledged(void *context, const struct imd_batch *batch) {
    (void)context;
    return imd_receipt_closed(batch->receipt);
}

static void sink_release(void *context, struct imd_batch *batch) {
    struct imd_submitter *submitter = context;
    if (batch->receipt == NULL) {
        return;
    }
    imd_receipt_release(batch->receipt);
    batch->receipt = NULL;
    pthread_mutex_lock(&submitter->mutex);
    submitter->out -= batch->bytes;
    pthread_cond_signal(&submitter->changed);
    pthread_mutex_unlock(&submitter->mutex);
}

struct imd_sink imd_submitter_sink(struct imd_submitter *submitter) {
    return (struct imd_sink){
        .context = submitter, .submit = sink_submit, .acknowledged = sink_acknowledged, .release = sink_release};
}

static struct timespec moment_in(unsigned milliseconds) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += milliseconds / 1000;
    moment.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (moment.tv_nsec >= 1000000000) {
        moment.tv_sec++;
        moment.tv_nsec -= 1000000000;
    }
    return moment;
}

static bool passed(const struct timespec *moment) {
    const struct timespec now = moment_in(0);
    return now.tv_sec > moment->tv_sec || (now.tv_sec == moment->tv_sec && now.tv_nsec >= moment->tv_nsec);
}

/* The daemon's own word is asked too: it comes before the engine has noticed. */
static bool must_stop(const struct imd_submitter *submitter) {
    return __atomic_load_n(&submitter->stopping, __ATOMIC_ACQUIRE) || imd_glbl.GetGlobalInputTermState();
}

static struct imd_batch *take_first(struct imd_submitter *submitter) {
    struct imd_batch *batch = submitter->first;
    if (batch != NULL) {
        submitter->first = batch->next;
        if (submitter->first == NULL) {
            submitter->end = &submitter->first;
        }
        batch->next = NULL;
    }
    return batch;
}

/* The next batch; NULL when there is none by `until`, or when asked to stop. */
static struct imd_batch *wait_for_batch(struct imd_submitter *submitter, const struct timespec *until) {
    struct imd_batch *batch = NULL;
    int waited = 0;
    pthread_mutex_lock(&submitter->mutex);
    while (!must_stop(submitter) && (batch = take_first(submitter)) == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&submitter->changed, &submitter->mutex, until);
    }
    pthread_mutex_unlock(&submitter->mutex);
    return batch;
}

/* Sleeps, but not into a stop. */
static void pause_for(struct imd_submitter *submitter, unsigned milliseconds) {
    const struct timespec until = moment_in(milliseconds);
    int waited = 0;
    pthread_mutex_lock(&submitter->mutex);
    while (!must_stop(submitter) && waited == 0) {
        waited = pthread_cond_timedwait(&submitter->changed, &submitter->mutex, &until);
    }
    pthread_mutex_unlock(&submitter->mutex);
}

/* --- the queue --- */

/* Whether the queue would take a message without waiting and without throwing it away. Read without the queue's lock: a
 * hint, which keeps this thread out of qqueueEnqMsg()'s own waits (1 s rounds at the full-delay mark, then up to
 * queue.timeoutEnqueue); these would outlast the time an input has for stopping. */
static bool queue_has_room(const qqueue_t *queue, int severity) {
    if (queue->qType == QUEUETYPE_DIRECT) {
        return true;
    }
    const int size = __atomic_load_n(&queue->iQueueSize, __ATOMIC_RELAXED);
    if (size >= queue->iFullDlyMrk || (queue->iMaxQueueSize > 0 && size >= queue->iMaxQueueSize)) {
        return false;
    }
    if (queue->iDiscardMrk > 0 && size >= queue->iDiscardMrk && severity >= queue->iDiscardSeverity) {
        return false;
    }
    return !((queue->qType == QUEUETYPE_DISK || queue->bIsDA) && queue->sizeOnDiskMax != 0 &&
             queue->tVars.disk.sizeOnDisk > queue->sizeOnDiskMax);
}

/* False if asked to stop meanwhile. Where there is room a stop does not matter: a batch that has begun is completed if
 * that takes no waiting, which spares duplicates after the next start. */
static bool wait_for_room(struct imd_submitter *submitter, const smsg_t *message) {
    unsigned waited = 0;
    while (!queue_has_room(submitter->queue, message->iSeverity)) {
        if (must_stop(submitter)) {
            return false;
        }
        pause_for(submitter, POLL_ROOM);
        waited += POLL_ROOM;
        if (waited == REPORT_FULL_AFTER) {
            LogMsg(0, NO_ERRCODE, LOG_WARNING,
                   "imdefender: input '%s': the queue of its ruleset has been full for a minute; alerts wait and are "
                   "fetched again later, nothing is lost; look at what the ruleset's actions wait for",
                   submitter->input);
        }
    }
    return true;
}

struct handover {
    struct imd_submitter *submitter;
    struct imd_batch *batch;
};

/* The thread ends inside a direct queue's action. The message stays where it is, and so its receipt stays open. */
static void give_up_batch(void *context) {
    struct handover *handover = context;
    imd_engine_abandoned(handover->submitter->engine, handover->batch);
}

/* A direct queue runs the ruleset on this thread. What comes back is the last action's result, not whether the message
 * was taken: it is gone either way. */
static rsRetVal enqueue_direct(struct imd_submitter *submitter, struct imd_batch *batch, smsg_t *message) {
    struct handover handover = {submitter, batch};
    rsRetVal result;
    pthread_cleanup_push(give_up_batch, &handover);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    result = qqueueEnqMsg(submitter->queue, eFLOWCTL_FULL_DELAY, message);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_pop(0);
    return result == RS_RET_FORCE_TERM ? result : RS_RET_OK;
}

/* A refused message is destroyed by the queue, but after a failed write a disk queue just drops the pointer. Nobody
 * else knows the message then, so a count above ours is that reference; left alone it would keep the receipt open. */
static void drop_lost_reference(const qqueue_t *queue, rsRetVal result, smsg_t *message) {
    if (queue->qType == QUEUETYPE_DISK && result != RS_RET_QUEUE_FULL && result != RS_RET_FORCE_TERM &&
        __atomic_load_n(&message->iRefCount, __ATOMIC_ACQUIRE) > 1) {
        msgDestruct(&message);
    }
}

/* A queue on the brink refuses now and then: a line for each time would only add to its load. */
static void report_refusal(struct imd_submitter *submitter, rsRetVal result) {
    const time_t now = moment_in(0).tv_sec;
    if (submitter->refusal_reported == 0 || now - submitter->refusal_reported >= REPORT_REFUSAL_AGAIN) {
        submitter->refusal_reported = now;
        LogMsg(0, result, LOG_WARNING,
               "imdefender: input '%s': the queue of its ruleset refuses messages; each is offered again until it is "
               "taken, nothing is lost; look at the size of the queue and what its actions wait for",
               submitter->input);
    }
}

/* Puts `message` into the queue and gives up our reference. False if the daemon stops first. */
static bool enqueue(struct imd_submitter *submitter, struct imd_batch *batch, smsg_t *message) {
    const bool direct = submitter->queue->qType == QUEUETYPE_DIRECT;
    bool taken = false;
    while (!taken && !(direct && must_stop(submitter)) && wait_for_room(submitter, message)) {
        MsgAddRef(message); /* the queue destroys what it refuses: this one is for the next attempt */
        rsRetVal result = direct ? enqueue_direct(submitter, batch, message)
                                 : qqueueEnqMsg(submitter->queue, eFLOWCTL_FULL_DELAY, message);
        taken = result == RS_RET_OK;
        if (result == RS_RET_FORCE_TERM) {
            break;
        }
        if (!taken) {
            report_refusal(submitter, result);
            drop_lost_reference(submitter->queue, result, message);
            pause_for(submitter, PAUSE_REFUSED);
            if (must_stop(submitter)) {
                break;
            }
        }
    }
    msgDestruct(&message);
    return taken;
}

/* --- batches --- */

static bool make_receipt(struct imd_submitter *submitter, struct imd_batch *batch) {
    while ((batch->receipt = imd_receipt_new(batch->input)) == NULL) {
        if (must_stop(submitter)) {
            return false;
        }
        pause_for(submitter, PAUSE_MEMORY);
    }
    return true;
}

static smsg_t *make_message(struct imd_submitter *submitter, struct imd_batch *batch, size_t index) {
    smsg_t *message;
    while ((message = imd_message_new(batch, &batch->alerts[index], submitter->ruleset, submitter->texts)) == NULL) {
        if (must_stop(submitter)) {
            return NULL;
        }
        pause_for(submitter, PAUSE_MEMORY);
    }
    return message;
}

static void destroy_messages(smsg_t **messages, size_t from, size_t end) {
    for (size_t i = from; i < end; i++) {
        msgDestruct(&messages[i]);
    }
}

/* All of them are made before the first enters the queue. Its workers are faster than this thread, and would be woken for
 * each message and fall asleep after it. False if asked to stop meanwhile; there are none then. */
static bool make_messages(struct imd_submitter *submitter, struct imd_batch *batch, smsg_t **messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        messages[i] = make_message(submitter, batch, i);
        if (messages[i] == NULL) {
            destroy_messages(messages, 0, i);
            return false;
        }
    }
    return true;
}

/* Takes all of them over. */
static bool enqueue_messages(struct imd_submitter *submitter, struct imd_batch *batch, smsg_t **messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        IMD_FAULT_POINT("before-enqueue");
        if (!enqueue(submitter, batch, messages[i])) {
            destroy_messages(messages, i + 1, count);
            return false;
        }
        IMD_FAULT_POINT("after-enqueue");
    }
    return true;
}

static bool fits_window(const struct imd_submitter *submitter, const struct imd_batch *batch) {
    const size_t window = batch->settings->parse_json == IMD_PARSE_JSON_ON ? WINDOW_WITH_TREES : WINDOW;
    return submitter->out == 0 || submitter->out + batch->bytes <= window;
}

/* Waits until a batch fits into what may be in rsyslog's memory at a time, as long as the output gets on: a queue has room
 * for thousands of messages, and their trees have a multiple of their bytes, so a fast API would fill the machine's memory
 * before the output begins. An output that stands still is what maxInFlight is for. False if asked to stop meanwhile. */
static bool wait_for_window(struct imd_submitter *submitter, const struct imd_batch *batch) {
    struct timespec patience = moment_in(STANDSTILL);
    pthread_mutex_lock(&submitter->mutex);
    size_t out = submitter->out;
    while (!fits_window(submitter, batch) && !passed(&patience) && !must_stop(submitter)) {
        pthread_cond_timedwait(&submitter->changed, &submitter->mutex, &patience);
        if (submitter->out < out) {
            out = submitter->out;
            patience = moment_in(STANDSTILL);
        }
    }
    const bool goes = !must_stop(submitter);
    if (goes) {
        submitter->out += batch->bytes;
    }
    pthread_mutex_unlock(&submitter->mutex);
    return goes;
}

/* False if the daemon stops before the last message is in. */
static bool submit_batch(struct imd_submitter *submitter, struct imd_batch *batch) {
    if (!make_receipt(submitter, batch)) {
        return false;
    }
    if (!wait_for_window(submitter, batch)) {
        imd_receipt_release(batch->receipt); /* no message has it */
        batch->receipt = NULL;
        return false;
    }
    smsg_t *messages[IMD_BATCH_ALERTS_MAX];
    const size_t count = batch->count;
    return make_messages(submitter, batch, messages, count) && enqueue_messages(submitter, batch, messages, count);
}

static void refresh_statistics(struct imd_submitter *submitter) {
    if (submitter->statistics != NULL) {
        imd_statistics_refresh(submitter->statistics);
    }
}

static void *run(void *context) {
    struct imd_submitter *submitter = context;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    prctl(PR_SET_NAME, "imdefender:sub");
    struct timespec refresh = {0};
    while (!must_stop(submitter)) {
        if (passed(&refresh)) {
            refresh_statistics(submitter);
            refresh = moment_in(REFRESH_STATISTICS);
        }
        struct imd_batch *batch = wait_for_batch(submitter, &refresh);
        if (batch != NULL) {
            if (submit_batch(submitter, batch)) {
                imd_engine_submitted(submitter->engine, batch);
                IMD_FAULT_POINT("after-submitted");
            } else {
                imd_engine_abandoned(submitter->engine, batch);
            }
        }
    }
    pthread_mutex_lock(&submitter->mutex);
    submitter->finished = true;
    pthread_cond_broadcast(&submitter->changed);
    pthread_mutex_unlock(&submitter->mutex);
    return NULL;
}

/* --- life cycle --- */

/* A ruleset without a queue of its own, the default one included, has the main queue. */
static qqueue_t *find_queue(rsconf_t *conf, ruleset_t *ruleset) {
    if (ruleset == NULL &&
        imd_ruleset.GetRuleset(conf, &ruleset, UCHAR_CONSTANT("RSYSLOG_DefaultRuleset")) != RS_RET_OK) {
        return NULL;
    }
    return imd_ruleset.GetRulesetQueue(ruleset);
}

rsRetVal imd_submitter_start(struct imd_submitter *submitter, rsconf_t *conf, struct imd_engine *engine,
                             struct imd_statistics *statistics) {
    submitter->engine = engine;
    submitter->statistics = statistics;
    submitter->queue = find_queue(conf, submitter->ruleset);
    if (submitter->queue == NULL) {
        return RS_RET_ERR;
    }
    /* As rsyslog does for its own input threads. */
    sigset_t blocked, before;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGTTIN);
    sigdelset(&blocked, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const int failed = pthread_create(&submitter->thread, &default_thread_attr, run, submitter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    submitter->running = failed == 0;
    return failed == 0 ? RS_RET_OK : RS_RET_ERR;
}

void imd_submitter_stop(struct imd_submitter *submitter) {
    pthread_mutex_lock(&submitter->mutex);
    __atomic_store_n(&submitter->stopping, true, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&submitter->changed);
    pthread_mutex_unlock(&submitter->mutex);
}

static void give_up_rest(struct imd_submitter *submitter) {
    struct imd_batch *batch;
    pthread_mutex_lock(&submitter->mutex);
    while ((batch = take_first(submitter)) != NULL) {
        pthread_mutex_unlock(&submitter->mutex);
        imd_engine_abandoned(submitter->engine, batch);
        pthread_mutex_lock(&submitter->mutex);
    }
    pthread_mutex_unlock(&submitter->mutex);
}

static bool wait_until_finished(struct imd_submitter *submitter, unsigned milliseconds) {
    const struct timespec until = moment_in(milliseconds);
    int waited = 0;
    pthread_mutex_lock(&submitter->mutex);
    while (!submitter->finished && waited == 0) {
        waited = pthread_cond_timedwait(&submitter->changed, &submitter->mutex, &until);
    }
    const bool finished = submitter->finished;
    pthread_mutex_unlock(&submitter->mutex);
    return finished;
}

bool imd_submitter_join(struct imd_submitter *submitter, unsigned milliseconds) {
    if (submitter->running) {
        if (!wait_until_finished(submitter, milliseconds)) {
            return false;
        }
        pthread_join(submitter->thread, NULL);
        submitter->running = false;
    }
    if (submitter->engine != NULL) {
        give_up_rest(submitter);
    }
    return true;
}

void imd_submitter_join_forced(struct imd_submitter *submitter) {
    if (imd_submitter_join(submitter, CANCEL_AFTER)) {
        return;
    }
    pthread_cancel(submitter->thread); /* takes effect inside a direct queue's action only */
    pthread_join(submitter->thread, NULL);
    submitter->running = false;
    imd_submitter_join(submitter, 0);
}
