/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as 100 ns ticks, the grain of the APIs' time stamps. Never text, never floating point. */
#ifndef IMD_TIMESTAMP_H
#define IMD_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t imd_time; /* ticks of 100 ns since 1970-01-01T00:00:00Z, leap seconds not counted */

#define IMD_TICKS_PER_SECOND INT64_C(10000000)
#define IMD_TIME_NONE INT64_MIN
#define IMD_TIME_TEXT_MAX 40 /* room for imd_time_print(), the 0 byte included */

/* Reads an RFC 3339 date-time ("2026-01-02T03:04:05.1234567Z"): any number of fraction digits (those beyond the
 * seventh must be digits and are cut), 'Z'/'z' or an offset "+hh:mm", 'T', 't' or a space; second 60 is read as the
 * following second. Years 0001 to 9999. Returns false, and leaves *time alone, for anything else. */
bool imd_time_parse(const char *text, size_t length, imd_time *time);

/* "2026-01-02T03:04:05.1234567Z"; fraction with 7 digits, or none if it is 0. Returns `out`.
 * `out` has IMD_TIME_TEXT_MAX bytes. A time outside years 0001 to 9999 is clamped to that range. */
char *imd_time_print(imd_time time, char *out);

/* Reads an HTTP date (RFC 9110 section 5.6.7: IMF-fixdate, and the two obsolete forms). */
bool imd_time_parse_http(const char *text, size_t length, imd_time *time);

imd_time imd_time_from_unix(int64_t seconds);
int64_t imd_time_to_unix(imd_time time); /* rounds down, also before 1970 */

/* a + b, clamped instead of overflowing; IMD_TIME_NONE stays IMD_TIME_NONE. */
imd_time imd_time_add(imd_time a, int64_t ticks);

#endif
