/* SPDX-License-Identifier: Apache-2.0 */
/* Where the core's log lines go. The core knows no syslog: whoever uses it passes a function. */
#ifndef IMD_LOG_H
#define IMD_LOG_H

enum imd_log_level { IMD_LOG_ERROR, IMD_LOG_WARNING, IMD_LOG_INFO, IMD_LOG_DEBUG };

struct imd_log {
    void *context;
    /* May be called from any thread of the core. `text` is one line without a line end. */
    void (*write)(void *context, enum imd_log_level level, const char *text);
};

/* Formats one line (cut at 2 KiB) and writes it; `log` or its function may be NULL. */
void imd_log_print(const struct imd_log *log, enum imd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
