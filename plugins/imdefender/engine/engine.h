/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: polls the feeds of all tenants of all inputs on one thread, hands batches to sinks, and commits
 * checkpoints on a second thread once the sinks acknowledge.
 *
 *   imd_engine_new -> imd_engine_add_input (each input) -> imd_engine_start -> imd_engine_run (blocks) -> imd_engine_free
 */
#ifndef IMD_ENGINE_H
#define IMD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/log.h"
#include "../config/settings.h"
#include "../config/tenants.h"
#include "../state/store.h"
#include "batch.h"
#include "counters.h"

struct imd_engine;
struct imd_engine_input;

struct imd_engine_options {
    struct imd_log log;
    struct imd_store *store;   /* stays the caller's; used only between start and the end of run */
    unsigned max_connections;  /* to all hosts together; 0: default */
    const char *user_agent;
};

/* NULL when memory is short. */
struct imd_engine *imd_engine_new(const struct imd_engine_options *options, struct imd_error *error);

/* Adds an input under its unique name. Takes `tenants` over, also on error. `tenants_file` (may be NULL) is watched
 * and re-read; `input` is the set of parameters it is read with. NULL on error. */
struct imd_engine_input *imd_engine_add_input(struct imd_engine *engine, const char *name, const char *tenants_file,
                                              const struct imd_settings *input, struct imd_tenants *tenants,
                                              const struct imd_sink *sink, struct imd_error *error);

/* Loads the state of all feeds and starts the checkpoint thread. */
int imd_engine_start(struct imd_engine *engine, struct imd_error *error);

/* Polls until imd_engine_stop() or until `stop_requested` (may be NULL; asked at least four times a second) says so.
 * What was acknowledged by then is committed before it returns; batches that are still out stay with the sinks. */
void imd_engine_run(struct imd_engine *engine, bool (*stop_requested)(void *context), void *context);

/* Any thread, also before run; not from a signal handler. */
void imd_engine_stop(struct imd_engine *engine);

/* Re-read tenants files and secrets soon (any thread; for HUP). */
void imd_engine_reload(struct imd_engine *engine);

/* The sink has handed over every message of `batch` (any thread); the engine owns it again. */
void imd_engine_submitted(struct imd_engine *engine, struct imd_batch *batch);

/* A batch that will not be submitted any more (shutdown): given up without a commit (any thread). */
void imd_engine_abandoned(struct imd_engine *engine, struct imd_batch *batch);

/* After run has returned and no sink will call any more. */
void imd_engine_free(struct imd_engine *engine);

/* --- statistics --- */

/* Counters live from add_input (or the appearance of a feed) to imd_engine_free; read with atomic loads. */
struct imd_counters *imd_engine_input_counters(struct imd_engine_input *input);

/* Goes through the feeds of an input under a lock (any thread): for statistics per tenant. The callback must not call
 * the engine. */
void imd_engine_each_feed(struct imd_engine *engine, struct imd_engine_input *input,
                          void (*each)(void *context, const struct imd_settings *settings,
                                       const struct imd_source *source, struct imd_counters *counters),
                          void *context);

#endif
