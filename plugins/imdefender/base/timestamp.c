/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps to and from text, in integers throughout. */
#include "timestamp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define FIRST_SECOND INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */
#define FRACTION_DIGITS 7

struct calendar {
    int year, month, day, hour, minute, second;
};

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap
 * day is its last and the lengths of the months follow one formula; 400 years have 146097 days. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The inverse of days_of(). */
static void date_of(int64_t days, struct calendar *date) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153;
    date->day = (int)(day_of_year - (153 * month_index + 2) / 5 + 1);
    date->month = (int)(month_index < 10 ? month_index + 3 : month_index - 9);
    date->year = (int)(year_of_era + era * 400 + (date->month <= 2 ? 1 : 0));
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Seconds since 1970; false if the date or time of day does not exist. Second 60 becomes the following second. */
static bool seconds_of(const struct calendar *c, int64_t *seconds) {
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12) return false;
    if (c->day < 1 || c->day > days_in_month(c->year, c->month)) return false;
    if (c->hour > 23 || c->minute > 59 || c->second > 60) return false;
    *seconds =
        days_of(c->year, c->month, c->day) * SECONDS_PER_DAY + c->hour * INT64_C(3600) + c->minute * 60 + c->second;
    return true;
}

static bool in_range(int64_t seconds) {
    return seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
}

static bool read_digits(struct cursor *cursor, int count, int *number) {
    int value = 0;

    if (cursor->end - cursor->at < count) return false;
    for (int i = 0; i < count; i++) {
        char c = cursor->at[i];
        if (c < '0' || c > '9') return false;
        value = value * 10 + (c - '0');
    }
    cursor->at += count;
    *number = value;
    return true;
}

static bool read_char(struct cursor *cursor, const char *accepted) {
    if (cursor->at == cursor->end || *cursor->at == '\0' || strchr(accepted, *cursor->at) == NULL) return false;
    cursor->at++;
    return true;
}

static bool read_text(struct cursor *cursor, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0) return false;
    cursor->at += length;
    return true;
}

/* hh:mm:ss */
static bool read_clock(struct cursor *cursor, struct calendar *c) {
    return read_digits(cursor, 2, &c->hour) && read_char(cursor, ":") && read_digits(cursor, 2, &c->minute) &&
           read_char(cursor, ":") && read_digits(cursor, 2, &c->second);
}

/* An optional "." and digits, in ticks. */
static bool read_fraction(struct cursor *cursor, int64_t *ticks) {
    int digits = 0;

    *ticks = 0;
    if (!read_char(cursor, ".")) return true;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++, digits++) {
        if (digits < FRACTION_DIGITS) *ticks = *ticks * 10 + (*cursor->at - '0');
    }
    if (digits == 0) return false;
    for (; digits < FRACTION_DIGITS; digits++) *ticks *= 10;
    return true;
}

/* "Z" or "+hh:mm", in seconds east of UTC. */
static bool read_offset(struct cursor *cursor, int64_t *offset) {
    int hours, minutes;

    *offset = 0;
    if (read_char(cursor, "Zz")) return true;
    bool west = cursor->at < cursor->end && *cursor->at == '-';
    if (!read_char(cursor, "+-") || !read_digits(cursor, 2, &hours) || !read_char(cursor, ":") ||
        !read_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset = (hours * INT64_C(3600) + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool imd_time_parse(const char *text, size_t length, imd_time *time) {
    struct cursor cursor = {text, text + length};
    struct calendar c;
    int64_t seconds, ticks, offset;

    if (text == NULL || !read_digits(&cursor, 4, &c.year) || !read_char(&cursor, "-") ||
        !read_digits(&cursor, 2, &c.month) || !read_char(&cursor, "-") || !read_digits(&cursor, 2, &c.day) ||
        !read_char(&cursor, "Tt ") || !read_clock(&cursor, &c) || !read_fraction(&cursor, &ticks) ||
        !read_offset(&cursor, &offset) || cursor.at != cursor.end || !seconds_of(&c, &seconds)) {
        return false;
    }
    seconds -= offset;
    if (!in_range(seconds)) return false;
    *time = seconds * IMD_TICKS_PER_SECOND + ticks;
    return true;
}

char *imd_time_print(imd_time time, char *out) {
    int64_t seconds = imd_time_to_unix(time);
    int64_t ticks = 0;
    struct calendar date;

    if (seconds < FIRST_SECOND) {
        seconds = FIRST_SECOND;
    } else if (seconds > LAST_SECOND) {
        seconds = LAST_SECOND;
        ticks = IMD_TICKS_PER_SECOND - 1;
    } else {
        ticks = time - seconds * IMD_TICKS_PER_SECOND;
    }
    int64_t days = (seconds - FIRST_SECOND) / SECONDS_PER_DAY + FIRST_SECOND / SECONDS_PER_DAY;
    int in_day = (int)(seconds - days * SECONDS_PER_DAY);
    date_of(days, &date);
    int length = snprintf(out, IMD_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)date.year % 10000,
                          (unsigned)date.month % 100, (unsigned)date.day % 100, (unsigned)in_day / 3600 % 24,
                          (unsigned)in_day / 60 % 60, (unsigned)in_day % 60);
    snprintf(out + length, IMD_TIME_TEXT_MAX - (size_t)length, ticks == 0 ? "Z" : ".%07uZ", (unsigned)ticks);
    return out;
}

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool read_month(struct cursor *cursor, int *month) {
    for (int i = 0; i < 12; i++) {
        if (read_text(cursor, month_names[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

/* The name of a day, whole or its first three letters. It is not compared with the date, which does not need it. */
static bool read_day_name(struct cursor *cursor, bool whole) {
    for (int i = 0; i < 7; i++) {
        char name[16];
        snprintf(name, sizeof name, "%.*s", whole ? (int)sizeof name - 1 : 3, day_names[i]);
        if (read_text(cursor, name)) return true;
    }
    return false;
}

/* A year of two digits that would be more than 50 years ahead lies in the past (RFC 9110 section 5.6.7). */
static int century_of(int year) {
    struct calendar today;

    date_of((int64_t)time(NULL) / SECONDS_PER_DAY, &today);
    year += today.year / 100 * 100;
    if (year > today.year + 50) year -= 100;
    return year;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool read_fixdate(struct cursor cursor, struct calendar *c) {
    return read_day_name(&cursor, false) && read_text(&cursor, ", ") && read_digits(&cursor, 2, &c->day) &&
           read_char(&cursor, " ") && read_month(&cursor, &c->month) && read_char(&cursor, " ") &&
           read_digits(&cursor, 4, &c->year) && read_char(&cursor, " ") && read_clock(&cursor, c) &&
           read_text(&cursor, " GMT") && cursor.at == cursor.end;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool read_rfc850(struct cursor cursor, struct calendar *c) {
    if (!read_day_name(&cursor, true) || !read_text(&cursor, ", ") || !read_digits(&cursor, 2, &c->day) ||
        !read_char(&cursor, "-") || !read_month(&cursor, &c->month) || !read_char(&cursor, "-") ||
        !read_digits(&cursor, 2, &c->year) || !read_char(&cursor, " ") || !read_clock(&cursor, c) ||
        !read_text(&cursor, " GMT") || cursor.at != cursor.end) {
        return false;
    }
    c->year = century_of(c->year);
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool read_asctime(struct cursor cursor, struct calendar *c) {
    return read_day_name(&cursor, false) && read_char(&cursor, " ") && read_month(&cursor, &c->month) &&
           read_char(&cursor, " ") && read_digits(&cursor, read_char(&cursor, " ") ? 1 : 2, &c->day) &&
           read_char(&cursor, " ") && read_clock(&cursor, c) && read_char(&cursor, " ") &&
           read_digits(&cursor, 4, &c->year) && cursor.at == cursor.end;
}

bool imd_time_parse_http(const char *text, size_t length, imd_time *time) {
    struct cursor cursor = {text, text + length};
    struct calendar c;
    int64_t seconds;

    if (text == NULL) return false;
    while (cursor.at < cursor.end && (*cursor.at == ' ' || *cursor.at == '\t')) cursor.at++;
    while (cursor.at < cursor.end && (cursor.end[-1] == ' ' || cursor.end[-1] == '\t')) cursor.end--;
    if (!read_fixdate(cursor, &c) && !read_rfc850(cursor, &c) && !read_asctime(cursor, &c)) return false;
    if (!seconds_of(&c, &seconds) || !in_range(seconds)) return false;
    *time = seconds * IMD_TICKS_PER_SECOND;
    return true;
}

imd_time imd_time_from_unix(int64_t seconds) {
    if (seconds > INT64_MAX / IMD_TICKS_PER_SECOND) return INT64_MAX;
    if (seconds < INT64_MIN / IMD_TICKS_PER_SECOND) return INT64_MIN + 1;
    return seconds * IMD_TICKS_PER_SECOND;
}

int64_t imd_time_to_unix(imd_time time) {
    int64_t seconds = time / IMD_TICKS_PER_SECOND;
    return time % IMD_TICKS_PER_SECOND < 0 ? seconds - 1 : seconds;
}

imd_time imd_time_add(imd_time a, int64_t ticks) {
    imd_time sum;

    if (a == IMD_TIME_NONE) return IMD_TIME_NONE;
    if (__builtin_add_overflow(a, ticks, &sum)) return ticks > 0 ? INT64_MAX : INT64_MIN + 1;
    return sum == IMD_TIME_NONE ? INT64_MIN + 1 : sum;
}
