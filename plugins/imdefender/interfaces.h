/* SPDX-License-Identifier: Apache-2.0 */
/* rsyslog's headers in the order they need, and the tables of functions that the daemon hands out.
 *
 * Every file of the module that touches rsyslog includes this one first: rsyslog's config.h decides about the layout of
 * its structs and has to come before anything else. */
#ifndef IMD_INTERFACES_H
#define IMD_INTERFACES_H

#include "config.h"

#include "rsyslog.h"

#include "errmsg.h"
#include "obj.h"

#include "datetime.h"
#include "glbl.h"
#include "msg.h"
#include "prop.h"
#include "queue.h"
#include "ruleset.h"
#include "statsobj.h"
#include "unicode-helper.h"

/* Each table is followed by a guard. The daemon fills a table by writing the size of *its* struct; should that be
 * larger than ours (a module built for another release), it meets the guard first, and loading is refused. */
#define IMD_INTERFACE_GUARD 512 /* bytes; the largest growth between two releases known so far is 32 */
#define IMD_INTERFACE(name)                       \
    struct {                                      \
        name##_if_t table;                        \
        unsigned char guard[IMD_INTERFACE_GUARD]; \
    } name##_slot

struct imd_interfaces {
    IMD_INTERFACE(datetime);
    IMD_INTERFACE(glbl);
    IMD_INTERFACE(prop);
    IMD_INTERFACE(ruleset);
    IMD_INTERFACE(statsobj);
};

/* Written while the module is loaded, only read afterwards. */
extern struct imd_interfaces imd_interfaces;

#define imd_datetime (imd_interfaces.datetime_slot.table)
#define imd_glbl (imd_interfaces.glbl_slot.table)
#define imd_prop (imd_interfaces.prop_slot.table)
#define imd_ruleset (imd_interfaces.ruleset_slot.table)
#define imd_statsobj (imd_interfaces.statsobj_slot.table)

/* Compares the running daemon with the release this module was built for. Logs and returns an error when they differ,
 * or when the daemon's release cannot be found out. To be called before the daemon writes into any struct of ours. */
rsRetVal imd_interfaces_check_daemon(void);

/* Obtains all tables and checks their guards; logs what is wrong. On error nothing is held. */
rsRetVal imd_interfaces_use(obj_if_t *obj);
void imd_interfaces_release(obj_if_t *obj);

#endif
