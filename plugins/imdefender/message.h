/* SPDX-License-Identifier: Apache-2.0 */
/* An alert version, or a health message, as an rsyslog message: every field of it is made here. */
#ifndef IMD_MESSAGE_H
#define IMD_MESSAGE_H

#include "interfaces.h"

#include "engine/batch.h"
#include "shared_text.h"

/* Makes the message of one alert of `batch`, whose receipt is there already and gets one more reference. `ruleset` may
 * be NULL for the default one. A message is complete, and has taken the alert's memory over (`json` is NULL then, and what
 * the other pointers lead to goes with the message), or it is not made at all: NULL when memory is short, try again later.
 * `texts` is the calling thread's own. */
smsg_t *imd_message_new(const struct imd_batch *batch, struct imd_alert *alert, ruleset_t *ruleset,
                        struct imd_shared_texts *texts);

#endif
