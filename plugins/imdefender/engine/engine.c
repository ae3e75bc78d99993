/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's loop: what is due is started, answers are taken in, and what other threads ask for is done. */
#include "engine.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include "internal.h"

#define WAIT_MAX_MS 250       /* so that a request to stop is seen soon, also one that comes as a lost signal */
#define GAUGES_MS 5000        /* with ten thousand tenants a look at all of them is no small thing */
#define TROUBLED_WAIT_MS 1000
#define CONNECTIONS_DEFAULT 256u

/* --- making --- */

static void on_committed(void *context) {
    struct imd_engine *engine = context;
    __atomic_store_n(&engine->room, 1, __ATOMIC_RELEASE);
    engine->transport->operations->wake(engine->transport);
}

struct imd_engine *imd_engine_new_with(const struct imd_engine_options *options, struct imd_transport *transport,
                                       bool threaded, uint64_t seed, struct imd_error *error) {
    struct imd_engine *engine = calloc(1, sizeof *engine);
    if (engine) engine->checkpointer = imd_checkpointer_new(options->store, &engine->log, on_committed, engine);
    if (!engine || !engine->checkpointer) {
        free(engine);
        transport->operations->free(transport);
        imd_error_set(error, "free memory", "no memory for the engine");
        return NULL;
    }
    engine->log = options->log;
    engine->store = options->store;
    engine->transport = transport;
    engine->threaded = threaded;
    engine->random = seed | 1;
    engine->asking_max = options->max_connections ? options->max_connections : CONNECTIONS_DEFAULT;
    engine->now = transport->operations->monotonic(transport);
    pthread_mutex_init(&engine->feeds_lock, NULL);
    imd_heap_init(&engine->due);
    return engine;
}

struct imd_engine *imd_engine_new(const struct imd_engine_options *options, struct imd_error *error) {
    uint64_t seed = 0;
    unsigned connections = options->max_connections ? options->max_connections : CONNECTIONS_DEFAULT;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        imd_error_set(error, "wait until the system's random numbers are ready", "no random numbers");
        return NULL;
    }
    struct imd_transport *transport = imd_http_new(connections, options->user_agent, error);
    return transport ? imd_engine_new_with(options, transport, true, seed, error) : NULL;
}

struct imd_engine_input *imd_engine_add_input(struct imd_engine *engine, const char *name, const char *tenants_file,
                                              const struct imd_settings *settings, struct imd_tenants *tenants,
                                              const struct imd_sink *sink, struct imd_error *error) {
    struct imd_engine_input *input = calloc(1, sizeof *input);
    bool good = input != NULL;
    if (!input) imd_error_set(error, "free memory", "no memory for an input");
    if (good) {
        input->engine = engine;
        input->parked_end = &input->parked;
        input->name = strdup(name);
        input->tenants_file = tenants_file ? strdup(tenants_file) : NULL;
        input->settings = imd_settings_copy(settings);
        input->sink = *sink;
        good = input->name && input->settings && (input->tenants_file || !tenants_file);
        if (!good) imd_error_set(error, "free memory", "no memory for an input");
    }
    good = good && imd_input_make_tenants(input, tenants, error) == 0;
    imd_tenants_free(tenants);
    if (!good) {
        if (input) imd_input_close(input);
        if (input) imd_engine_input_free(input);
        return NULL;
    }
    imd_input_note_file(input);
    input->next = engine->inputs;
    engine->inputs = input;
    return input;
}

/* --- states from before the restart, so that only a change of them is news --- */

static const char *static_state(const char *state) {
    static const char *const more[] = {"ok", "incomplete", "output-blocked", "state-blocked"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (strcmp(more[i], state) == 0) return more[i];
    for (int verdict = IMD_VERDICT_OK; verdict <= IMD_VERDICT_WRONG_TENANT; verdict++)
        if (strcmp(imd_verdict_state((enum imd_verdict)verdict), state) == 0)
            return imd_verdict_state((enum imd_verdict)verdict);
    return NULL;
}

static struct imd_feed *find_feed(struct imd_engine *engine, const struct imd_feed_name *name) {
    for (struct imd_engine_input *input = engine->inputs; input; input = input->next)
        if (strcmp(input->name, name->input) == 0) return imd_input_find_feed(input, name->tenant, name->source);
    return NULL;
}

static bool recall(void *context, const struct imd_feed_status *status, const struct imd_checkpoint *checkpoint,
                   uint64_t versions) {
    (void)checkpoint;
    (void)versions;
    const char *state = status->state ? static_state(status->state) : NULL;
    struct imd_feed *feed = state ? find_feed(context, &status->feed) : NULL;
    if (feed) {
        feed->health = state;
        feed->health_since = status->since;
    }
    return true;
}

static void *checkpoint_main(void *context) {
    prctl(PR_SET_NAME, "imdef:commit");
    imd_checkpointer_run(context);
    return NULL;
}

/* Signals are the daemon's business: none is taken on a thread of ours. */
static int start_thread(struct imd_engine *engine) {
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&engine->checkpoint_thread, NULL, checkpoint_main, engine->checkpointer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

int imd_engine_start(struct imd_engine *engine, struct imd_error *error) {
    for (struct imd_engine_input *input = engine->inputs; input; input = input->next)
        if (imd_input_sort(input) < 0) return imd_error_set(error, "free memory", "no memory for the feeds");
    int result = engine->store->operations->list(engine->store, recall, engine, error);
    for (struct imd_engine_input *input = engine->inputs; input; input = input->next) imd_input_unsort(input);
    if (result < 0) return -1;
    if (engine->threaded && start_thread(engine) != 0)
        return imd_error_set(error, "raise the limit of threads", "the checkpoint thread cannot be started");
    engine->started = true;
    return 0;
}

/* --- running --- */

uint64_t imd_engine_random(struct imd_engine *engine) {
    uint64_t x = engine->random; /* xorshift64*: for jitter and request ids, not for secrets */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    engine->random = x;
    return x * UINT64_C(2685821657736338717);
}

int64_t imd_engine_jitter(struct imd_engine *engine, int64_t limit) {
    return limit > 0 ? (int64_t)(imd_engine_random(engine) % (uint64_t)(limit + 1)) : 0;
}

static void resume_paused(struct imd_engine *engine, struct imd_engine_input *input) {
    if (!input->paused || imd_count_read(input->load.queued_bytes) > IMD_QUEUED_RESUME) return;
    struct imd_poll *poll = input->paused;
    input->paused = NULL;
    for (struct imd_poll *next; poll; poll = next) {
        next = poll->next_paused;
        engine->transport->operations->resume(engine->transport, &poll->request);
    }
}

static void set_gauges(struct imd_engine *engine, struct imd_feed *feed, uint64_t *age, uint64_t *lag) {
    struct imd_counters *counters = &feed->account->counters;
    uint64_t own_age = (uint64_t)(engine->now - feed->succeeded_at) / 1000, own_lag = own_age;
    imd_time now = imd_feed_server_now(feed);
    if (feed->complete_until != IMD_TIME_NONE && now > feed->complete_until)
        own_lag = (uint64_t)((now - feed->complete_until) / IMD_TICKS_PER_SECOND);
    imd_count_set(counters->success_age_seconds, own_age);
    imd_count_set(counters->lag_seconds, own_lag);
    if (own_age > *age) *age = own_age;
    if (own_lag > *lag) *lag = own_lag;
}

static void update_gauges(struct imd_engine *engine) {
    if (engine->now < engine->gauges_at) return;
    engine->gauges_at = engine->now + GAUGES_MS;
    for (struct imd_engine_input *input = engine->inputs; input; input = input->next) {
        uint64_t age = 0, lag = 0;
        for (size_t i = 0; i < input->tenant_count; i++)
            for (int source = 0; source < IMD_SOURCE_COUNT; source++)
                if (input->tenants[i]->feeds[source]) set_gauges(engine, input->tenants[i]->feeds[source], &age, &lag);
        imd_count_set(input->counters.success_age_seconds, age);
        imd_count_set(input->counters.lag_seconds, lag);
        imd_input_tell_blocked(input);
    }
}

/* What other threads brought about since the last turn. */
static void take_notice(struct imd_engine *engine) {
    bool reload = __atomic_exchange_n(&engine->reload, 0, __ATOMIC_ACQ_REL) != 0;
    bool room = __atomic_exchange_n(&engine->room, 0, __ATOMIC_ACQ_REL) != 0;
    for (struct imd_engine_input *input = engine->inputs; input; input = input->next) {
        imd_input_watch(input, reload);
        resume_paused(engine, input);
        if (room) imd_input_unpark(input);
    }
}

static void start_due(struct imd_engine *engine) {
    for (struct imd_heap_node *node; engine->asking < engine->asking_max && (node = imd_heap_first(&engine->due)) &&
                                     node->key <= engine->now;) {
        struct imd_feed *feed = imd_heap_owner(node, struct imd_feed, due);
        imd_heap_remove(&engine->due, node);
        /* Feeds that hang must not hold every request there can be: the others always have half of them. */
        if (feed->failures && engine->troubled >= (engine->asking_max + 1) / 2)
            imd_feed_schedule(feed, TROUBLED_WAIT_MS);
        else
            imd_feed_run(feed);
    }
}

static int wait_for(const struct imd_engine *engine, int wait_max_ms) {
    const struct imd_heap_node *node = imd_heap_first(&engine->due);
    if (!node || engine->asking >= engine->asking_max) return wait_max_ms;
    if (node->key <= engine->now) return 0;
    int64_t wait = node->key - engine->now;
    return wait < wait_max_ms ? (int)wait : wait_max_ms;
}

void imd_engine_turn(struct imd_engine *engine, int wait_max_ms) {
    const struct imd_transport_operations *operations = engine->transport->operations;
    engine->now = operations->monotonic(engine->transport);
    take_notice(engine);
    start_due(engine);
    update_gauges(engine);
    operations->poll(engine->transport, wait_for(engine, wait_max_ms));
}

void imd_engine_run(struct imd_engine *engine, bool (*stop_requested)(void *context), void *context) {
    while (!__atomic_load_n(&engine->stop, __ATOMIC_ACQUIRE) && !(stop_requested && stop_requested(context)))
        imd_engine_turn(engine, WAIT_MAX_MS);
    if (!engine->threaded || !engine->started) return;
    imd_checkpointer_stop(engine->checkpointer);
    pthread_join(engine->checkpoint_thread, NULL);
    engine->started = false;
}

void imd_engine_stop(struct imd_engine *engine) {
    __atomic_store_n(&engine->stop, 1, __ATOMIC_RELEASE);
    engine->transport->operations->wake(engine->transport);
}

void imd_engine_reload(struct imd_engine *engine) {
    __atomic_store_n(&engine->reload, 1, __ATOMIC_RELEASE);
    engine->transport->operations->wake(engine->transport);
}

void imd_engine_submitted(struct imd_engine *engine, struct imd_batch *batch) {
    imd_checkpointer_submitted(engine->checkpointer, batch);
    /* Transfers may be waiting for the sink. A wake too many costs a turn, one too few 250 ms. */
    engine->transport->operations->wake(engine->transport);
}

void imd_engine_abandoned(struct imd_engine *engine, struct imd_batch *batch) {
    imd_checkpointer_abandoned(engine->checkpointer, batch);
}

void imd_engine_free(struct imd_engine *engine) {
    if (!engine) return;
    if (engine->started && engine->threaded) {
        imd_checkpointer_stop(engine->checkpointer);
        pthread_join(engine->checkpoint_thread, NULL);
    }
    for (struct imd_engine_input *input = engine->inputs, *next; input; input = next) {
        next = input->next;
        imd_input_close(input);
    }
    imd_checkpointer_free(engine->checkpointer);
    for (struct imd_engine_input *input = engine->inputs, *next; input; input = next) {
        next = input->next;
        imd_engine_input_free(input);
    }
    imd_identity_free_all(engine);
    imd_notice_free_all(engine);
    for (size_t i = 0; i < engine->account_count; i++) imd_account_release(engine->accounts[i]);
    free(engine->accounts);
    imd_heap_free(&engine->due);
    engine->transport->operations->free(engine->transport);
    pthread_mutex_destroy(&engine->feeds_lock);
    free(engine);
}

/* --- statistics --- */

struct imd_counters *imd_engine_input_counters(struct imd_engine_input *input) {
    return &input->counters;
}

void imd_engine_each_feed(struct imd_engine *engine, struct imd_engine_input *input,
                          void (*each)(void *context, const struct imd_settings *settings,
                                       const struct imd_source *source, struct imd_counters *counters),
                          void *context) {
    pthread_mutex_lock(&engine->feeds_lock);
    for (size_t i = 0; i < input->tenant_count; i++)
        for (int source = 0; source < IMD_SOURCE_COUNT; source++)
            if (input->tenants[i]->feeds[source])
                each(context, input->tenants[i]->settings, &imd_sources[source],
                     &input->tenants[i]->feeds[source]->account->counters);
    pthread_mutex_unlock(&engine->feeds_lock);
}
