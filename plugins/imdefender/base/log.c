/* SPDX-License-Identifier: Apache-2.0 */
/* Formats log lines for whoever takes them. */
#include "log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void imd_log_print(const struct imd_log *log, enum imd_log_level level, const char *format, ...) {
    char text[2048];
    va_list arguments;

    if (log == NULL || log->write == NULL) return;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '\n' || *p == '\r') *p = ' '; /* one line, whatever an argument held */
    }
    log->write(log->context, level, text);
}
