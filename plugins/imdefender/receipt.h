/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: how an input learns that its messages have left rsyslogd.
 *
 * rsyslog acknowledges nothing to an input. But every message, and every copy of one, holds a counted reference to the
 * property that carries its input's name, and gives it back when it is destroyed: after the last action has processed
 * it, or once it has been written to a disk queue. So all messages of a batch get a property of their own, and when its
 * count is back to the one reference we keep, nothing of the batch is left in the daemon's memory.
 *
 * A receipt that closes does not say "delivered": an action that gives up, or a queue that discards, closes it too.
 *
 * prop_t.iRefCount is in an exported header but is no documented interface. It is guarded by static assertions and by
 * a test with a real message when the module is activated. */
#ifndef IMD_RECEIPT_H
#define IMD_RECEIPT_H

#include <stdbool.h>
#include "interfaces.h"

/* Finds out whether reference counts behave as described. If not, says so in the log, and every receipt counts as
 * closed from the moment its batch was handed over (so a crash can lose what is in rsyslogd's queues then). */
void imd_receipts_test(void);

/* From now on no receipt closes: what falls after this proves nothing, because a daemon that shuts down destroys what
 * its queues still hold. Any thread; for good, until imd_receipts_begin(). */
void imd_receipts_end(void);
void imd_receipts_begin(void);

/* A new property with the text `input`; NULL when memory is short. */
prop_t *imd_receipt_new(const char *input);

/* Whether nothing but our own reference is left. NULL, the receipt of a batch without messages, is closed. */
bool imd_receipt_closed(const prop_t *receipt);

/* Gives our reference back; messages that are still around keep theirs. NULL is allowed. */
void imd_receipt_release(prop_t *receipt);

#endif
