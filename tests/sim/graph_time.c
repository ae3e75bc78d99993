/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps of the test double. */
#include "graph_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool read_number(const char *text, int digits, int *value) {
    *value = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

/* What follows the seconds: fraction and zone. */
static bool read_tail(const char *text, size_t length, int64_t *ticks) {
    int64_t fraction = 0;
    size_t at = 0;
    if (at < length && text[at] == '.') {
        int64_t weight = GRAPH_SECOND / 10;
        size_t first = ++at;
        for (; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
            fraction += (text[at] - '0') * weight;
            weight /= 10;
        }
        if (at == first || at - first > 12) {
            return false;
        }
    }
    *ticks = fraction;
    if (at + 1 == length && text[at] == 'Z') {
        return true;
    }
    int hours, minutes;
    if (at + 6 != length || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':' ||
        !read_number(text + at + 1, 2, &hours) || !read_number(text + at + 4, 2, &minutes) || minutes > 59) {
        return false;
    }
    int64_t offset = (hours * 3600 + minutes * 60) * GRAPH_SECOND;
    *ticks += text[at] == '+' ? -offset : offset;
    return true;
}

bool graph_time_parse(const char *text, size_t length, int64_t *ticks) {
    struct tm tm;
    int64_t tail;
    memset(&tm, 0, sizeof tm);
    if (length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        !read_number(text, 4, &tm.tm_year) || !read_number(text + 5, 2, &tm.tm_mon) ||
        !read_number(text + 8, 2, &tm.tm_mday) || !read_number(text + 11, 2, &tm.tm_hour) ||
        !read_number(text + 14, 2, &tm.tm_min) || !read_number(text + 17, 2, &tm.tm_sec) ||
        !read_tail(text + 19, length - 19, &tail)) {
        return false;
    }
    struct tm wanted = tm;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = timegm(&tm); /* normalises: 31 February shows as another day */
    if (tm.tm_mon + 1 != wanted.tm_mon || tm.tm_mday != wanted.tm_mday || tm.tm_hour != wanted.tm_hour ||
        tm.tm_min != wanted.tm_min || tm.tm_sec != wanted.tm_sec) {
        return false;
    }
    *ticks = seconds * GRAPH_SECOND + tail;
    return true;
}

static struct tm split(int64_t ticks, int64_t *fraction) {
    int64_t seconds = ticks / GRAPH_SECOND;
    *fraction = ticks % GRAPH_SECOND;
    if (*fraction < 0) {
        *fraction += GRAPH_SECOND;
        seconds--;
    }
    struct tm tm;
    time_t clock = (time_t)seconds;
    memset(&tm, 0, sizeof tm);
    gmtime_r(&clock, &tm);
    return tm;
}

char *graph_time_print(int64_t ticks, int digits, char out[GRAPH_TIME_TEXT]) {
    int64_t fraction;
    struct tm tm = split(ticks, &fraction);
    size_t length = strftime(out, GRAPH_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    char text[16];
    snprintf(text, sizeof text, "%07d", (int)fraction);
    int used = digits < 0 ? 0 : digits > 7 ? 7 : digits;
    while (used > 0 && text[used - 1] == '0') {
        used--;
    }
    if (used > 0) {
        snprintf(out + length, GRAPH_TIME_TEXT - length, ".%.*sZ", used, text);
    } else {
        snprintf(out + length, GRAPH_TIME_TEXT - length, "Z");
    }
    return out;
}

char *graph_time_print_http(int64_t ticks, char out[GRAPH_TIME_TEXT]) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t fraction;
    struct tm tm = split(ticks, &fraction);
    snprintf(out, GRAPH_TIME_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday % 100,
             months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
    return out;
}

/* Start of the n-th cell of the grid inside a second, rounded to ticks as SQL Server's datetime is. */
static int64_t cell_start(int64_t cell) {
    return (cell * GRAPH_SECOND + 150) / 300;
}

int64_t graph_time_grid(int64_t ticks) {
    int64_t fraction = ticks % GRAPH_SECOND;
    if (fraction < 0) {
        fraction += GRAPH_SECOND;
    }
    int64_t cell = fraction * 300 / GRAPH_SECOND;
    if (cell_start(cell + 1) <= fraction) {
        cell++;
    }
    if (cell_start(cell) > fraction) {
        cell--;
    }
    return ticks - fraction + cell_start(cell);
}

int64_t graph_time_grid_next(int64_t ticks) {
    /* A cell is 33,333 or 33,334 ticks long. */
    return graph_time_grid(graph_time_grid(ticks) + 33334);
}
