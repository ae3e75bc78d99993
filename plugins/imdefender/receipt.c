/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts by the reference count of the input-name property. */
#include "receipt.h"

#include <stddef.h>
#include <string.h>

/* The count is read with our own atomic load, which has to fit what rsyslog changes with its atomic built-ins. */
_Static_assert(sizeof(((prop_t *)NULL)->iRefCount) == sizeof(int), "the count is an int");
_Static_assert(__builtin_types_compatible_p(__typeof__(((prop_t *)NULL)->iRefCount), int), "the count is an int");
_Static_assert(offsetof(prop_t, iRefCount) == sizeof(obj_t), "the count follows the object's head");
#ifndef HAVE_ATOMIC_BUILTINS
#error "rsyslog without atomic built-ins keeps the reference count under a mutex of its own"
#endif

static bool counts_usable = true; /* written before any thread starts */
static bool ended;                /* atomic */

static int references(const prop_t *receipt) {
    return __atomic_load_n(&receipt->iRefCount, __ATOMIC_ACQUIRE);
}

/* One message and one copy of it, as an action queue makes one, must each count, and give back what they took. */
static bool message_counts(prop_t *receipt) {
    static const char text[] = "imdefender tests its receipts";
    smsg_t *message = NULL;
    if (msgConstruct(&message) != RS_RET_OK) {
        return false;
    }
    MsgSetInputName(message, receipt);
    MsgSetRawMsg(message, text, sizeof(text) - 1);
    MsgSetMSGoffs(message, 0);
    bool counts = references(receipt) == 2;
    smsg_t *copy = MsgDup(message);
    counts = counts && copy != NULL && references(receipt) == 3;
    msgDestruct(&message);
    if (copy != NULL) {
        counts = counts && references(receipt) == 2;
        msgDestruct(&copy);
    }
    return counts && references(receipt) == 1;
}

void imd_receipts_test(void) {
    prop_t *receipt = imd_receipt_new("imdefender");
    counts_usable = receipt != NULL && references(receipt) == 1 && message_counts(receipt);
    imd_receipt_release(receipt);
    if (!counts_usable) {
        LogError(0, RS_RET_ERR,
                 "imdefender: the messages of this rsyslogd do not count their references as expected: alerts are "
                 "marked as done when a queue takes them over, so that a crash of rsyslogd can lose what its queues "
                 "hold; please report this with the release of rsyslogd");
    }
}

void imd_receipts_begin(void) {
    __atomic_store_n(&ended, false, __ATOMIC_RELEASE);
}

void imd_receipts_end(void) {
    __atomic_store_n(&ended, true, __ATOMIC_RELEASE);
}

prop_t *imd_receipt_new(const char *input) {
    prop_t *receipt = NULL;
    if (imd_prop.Construct(&receipt) != RS_RET_OK) {
        return NULL;
    }
    if (imd_prop.SetString(receipt, (const uchar *)input, (int)strlen(input)) != RS_RET_OK ||
        imd_prop.ConstructFinalize(receipt) != RS_RET_OK) {
        imd_receipt_release(receipt);
        return NULL;
    }
    return receipt;
}

bool imd_receipt_closed(const prop_t *receipt) {
    bool closed = receipt == NULL || !counts_usable || references(receipt) == 1;
    /* Asked after the count: if shutting down has closed this receipt, the end was announced before. */
    return closed && !__atomic_load_n(&ended, __ATOMIC_ACQUIRE);
}

void imd_receipt_release(prop_t *receipt) {
    if (receipt != NULL) {
        imd_prop.Destruct(&receipt);
    }
}
