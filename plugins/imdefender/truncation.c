/* SPDX-License-Identifier: Apache-2.0 */
/* Where rsyslog would cut an alert.
 *
 * global(maxMessageSize) is 8 KiB unless set, and alerts are often several times that. On the way in it does not
 * matter: the parameter is applied by submitMsg2() and by the rate limiter, and this module uses neither. Queues (on
 * disk too), templates, omfile, omkafka, omhttp and most other outputs have no limit. But a few outputs cut the
 * rendered text at it, without a word: those that descend from classic syslog forwarding, and omrelp. If the
 * configuration has one of these and the limit is low, alerts would arrive as broken JSON, so that deserves a warning.
 * Which action an alert reaches is decided by filters at run time; any action of the configuration therefore counts. */
#include "truncation.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "action.h"
#include "modules.h"

enum { ENOUGH = 64 << 10, NAMES_MAX = 128 };

static const char *const cutting_modules[] = {"omfwd", "omrelp", "omgssapi", "omudpspoof", "omuxsock"};

struct finding {
    bool found[sizeof(cutting_modules) / sizeof(cutting_modules[0])];
    bool any;
};

static rsRetVal look_at_action(void *data, void *context) {
    const action_t *action = data;
    struct finding *finding = context;
    const char *name = action->pMod != NULL ? (const char *)action->pMod->cnfName : NULL;
    for (size_t i = 0; name != NULL && i < sizeof(finding->found) / sizeof(finding->found[0]); i++) {
        if (strcmp(name, cutting_modules[i]) == 0) {
            finding->found[i] = finding->any = true;
        }
    }
    return RS_RET_OK;
}

static const char *list_names(const struct finding *finding, char *out, size_t size) {
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(finding->found) / sizeof(finding->found[0]); i++) {
        if (finding->found[i] && length < size) {
            length += (size_t)snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "", cutting_modules[i]);
        }
    }
    return out;
}

void imd_truncation_warn(rsconf_t *conf) {
    const int limit = imd_glbl.GetMaxLine(conf);
    if (limit >= ENOUGH) {
        return;
    }
    struct finding finding = {.any = false};
    imd_ruleset.IterateAllActions(conf, look_at_action, &finding);
    if (finding.any) {
        char names[NAMES_MAX];
        LogMsg(0, NO_ERRCODE, LOG_WARNING,
               "imdefender: global(maxMessageSize) is %d bytes, and these outputs cut longer messages without notice: "
               "%s; alerts are often longer: set it to what the receiver takes, for example "
               "global(maxMessageSize=\"2m\")",
               limit, list_names(&finding, names, sizeof(names)));
    }
}
