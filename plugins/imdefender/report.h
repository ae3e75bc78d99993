/* SPDX-License-Identifier: Apache-2.0 */
/* What the core reports, in rsyslog's log. rsyslog keeps such lines in a list of its own and writes them from its main
 * thread, so none of these calls ever waits for a queue. */
#ifndef IMD_REPORT_H
#define IMD_REPORT_H

#include "base/error.h"
#include "base/log.h"

/* The log of the core. Lines begin with "imdefender: ". */
struct imd_log imd_report_log(void);

/* Reports `error` as one line, with the name of the input() it is about (NULL: none) and what follows from it. */
void imd_report_error(const char *input, const struct imd_error *error, const char *consequence);

#endif
