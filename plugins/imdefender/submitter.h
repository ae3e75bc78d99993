/* SPDX-License-Identifier: Apache-2.0 */
/* The submitter: a thread per input that makes messages of batches and puts them into the rsyslog queue, so that a full
 * queue holds up this thread and never the one that talks HTTP.
 *
 * A message that the queue refuses is offered again until it is taken or the daemon stops; none is skipped. */
#ifndef IMD_SUBMITTER_H
#define IMD_SUBMITTER_H

#include <stdbool.h>
#include "interfaces.h"

#include "engine/engine.h"
#include "statistics.h"

struct imd_submitter;

/* `ruleset` may be NULL for the default one; `input` names the input in logs and has to outlive the submitter. No
 * thread yet. NULL when memory is short. */
struct imd_submitter *imd_submitter_new(const char *input, ruleset_t *ruleset);

/* What the engine hands batches to. */
struct imd_sink imd_submitter_sink(struct imd_submitter *submitter);

/* Starts the thread, which also refreshes `statistics` (may be NULL). To be called once rsyslog's queues run. */
rsRetVal imd_submitter_start(struct imd_submitter *submitter, rsconf_t *conf, struct imd_engine *engine,
                             struct imd_statistics *statistics);

/* Asks the thread to end as soon as it would have to wait. */
void imd_submitter_stop(struct imd_submitter *submitter);

/* Waits up to `milliseconds` for the thread to end, then gives up every batch that is left. Returns false if it still
 * runs. */
bool imd_submitter_join(struct imd_submitter *submitter, unsigned milliseconds);

/* Waits as long as it takes. A thread that runs a ruleset with a direct queue is inside the action itself, which may
 * retry for ever; it is cancelled there, as rsyslog does with its own inputs. */
void imd_submitter_join_forced(struct imd_submitter *submitter);

/* After a successful join, or without a start. NULL is allowed. */
void imd_submitter_free(struct imd_submitter *submitter);

#endif
