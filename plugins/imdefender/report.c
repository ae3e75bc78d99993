/* SPDX-License-Identifier: Apache-2.0 */
/* What the core reports, in rsyslog's log. */
#include "interfaces.h"

#include "report.h"

enum { LINE_MAX_BYTES = 2048 };

static void write_line(void *context, enum imd_log_level level, const char *text) {
    (void)context;
    switch (level) {
        case IMD_LOG_ERROR:
            LogError(0, NO_ERRCODE, "imdefender: %s", text);
            break;
        case IMD_LOG_WARNING:
            LogMsg(0, NO_ERRCODE, LOG_WARNING, "imdefender: %s", text);
            break;
        case IMD_LOG_INFO:
            LogMsg(0, NO_ERRCODE, LOG_INFO, "imdefender: %s", text);
            break;
        case IMD_LOG_DEBUG:
            DBGPRINTF("imdefender: %s\n", text);
            break;
    }
}

struct imd_log imd_report_log(void) {
    return (struct imd_log){.write = write_line};
}

void imd_report_error(const char *input, const struct imd_error *error, const char *consequence) {
    char line[LINE_MAX_BYTES];
    imd_error_print(error, consequence, line, sizeof(line));
    if (input != NULL) {
        LogError(0, NO_ERRCODE, "imdefender: input '%s': %s", input, line);
    } else {
        LogError(0, NO_ERRCODE, "imdefender: %s", line);
    }
}
