/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up evidence of some types, as JSON. */
#ifndef GRAPH_MAKE_EVIDENCE_H
#define GRAPH_MAKE_EVIDENCE_H

#include <stdint.h>

#include "graph_buffer.h"
#include "graph_random.h"

/* `kind`: d device, f file, p process, u user, i address, w web address, m mailbox, a analyzed message, r registry
 * value, c cloud application, s cloud logon session. `created`: the text of its time. */
void graph_make_evidence(char kind, const char *created, struct graph_random *random, struct graph_buffer *out);

/* "0123abcd...": `digits` random hexadecimal digits. */
void graph_make_hex(struct graph_random *random, unsigned digits, struct graph_buffer *out);

#endif
