/* SPDX-License-Identifier: Apache-2.0 */
/* A whole engine in virtual time: tenants from a file, an API, a store, and a sink that keeps every message. */
#ifndef ENGINE_SUPPORT_H
#define ENGINE_SUPPORT_H

#include "base/buffer.h"
#include "engine/internal.h"
#include "memory_store.h"
#include "virtual_api.h"

#define WORLD_INPUT "in"
#define SECONDS INT64_C(1000)
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)

struct world_message {
    enum imd_batch_kind kind;
    char *tenant, *source, *id, *json;
    imd_time stamp;
    enum imd_change_kind change;
    int64_t at; /* ms */
};

struct world {
    struct virtual_api api;
    struct memory_store store;
    struct imd_engine *engine;
    struct imd_engine_input *input;
    struct imd_settings *settings; /* the input's */
    const char *path;              /* of the tenants file */
    struct imd_buffer log;
    struct world_message *messages;
    size_t count, room;
    /* the sink's moods */
    bool holds_batches; /* does not submit */
    bool acknowledges_nothing;
    struct imd_batch *held, **held_end;
    unsigned batches_out; /* not released */
};

/* "00000000-0000-0000-0000-" and i in 12 digits; of the next call but seven. */
const char *world_tenant(unsigned i);

/* A world without an engine yet; then pairs of parameter and value of the input, NULL after the last. */
void world_init(struct world *world, const char *name, ...) __attribute__((sentinel));
void world_free(struct world *world);

/* Writes the tenants file: `count` tenants with `extra` lines each (NULL: none), each line indented by six blanks. */
void world_write_tenants(struct world *world, unsigned count, const char *extra);
void world_write_file(struct world *world, const char *text);

/* Starts an engine over what is in the file and in the store. */
void world_start(struct world *world);
/* Ends it as a crash would: what is not committed is forgotten. */
void world_crash(struct world *world);

/* Lets time pass: engine and checkpointer take turns. */
void world_run(struct world *world, int64_t ms);

/* Lets the sink submit what it holds. */
void world_submit_held(struct world *world);

struct imd_feed *world_feed(struct world *world, unsigned tenant);
struct imd_counters *world_counters(struct world *world, unsigned tenant);

/* Messages so far: of alerts (id NULL: any), of health with this state (NULL: any). tenant 0: any. */
size_t world_alerts(const struct world *world, unsigned tenant, const char *id);
size_t world_healths(const struct world *world, unsigned tenant, const char *state);
const struct world_message *world_last_health(const struct world *world, unsigned tenant);
const struct world_message *world_last_alert(const struct world *world, unsigned tenant);

/* Fails the test unless fetched = submitted + duplicate + filtered + rejected for each tenant and the input. */
void world_check_accounts(struct world *world);

/* Lines of the log that hold `text`. */
unsigned world_logged(const struct world *world, const char *text);

#endif
