/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the values of parameters from text. Each function returns false, and leaves its results alone, for anything it
 * does not accept; none of them reads the environment, a file or the locale. */
#ifndef IMD_VALUES_H
#define IMD_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMD_VALUE_MAX 8192 /* bytes of one value */

/* "90", "90s", "30m", "24h", "7d" in seconds. */
bool imd_value_duration(const char *text, int64_t *seconds);

/* "65536", "64k", "64m", "2g" in bytes, 1024-based. */
bool imd_value_size(const char *text, int64_t *bytes);

/* Decimal digits with an optional minus. */
bool imd_value_integer(const char *text, int64_t *number);

/* 8-4-4-4-12 hexadecimal digits; `out` has 37 bytes and gets lower case. */
bool imd_value_guid(const char *text, char *out);

/* A domain name of at least two labels (RFC 1123), without a dot at the end. */
bool imd_value_domain(const char *text);

/* An https URL, or http where the host is 127.0.0.0/8, ::1 or "localhost"; scheme and host in any case, a port and a path
 * are allowed, user information, query and fragment are not. `length` is that of the text without slashes at the end.
 * `problem` gets a static clause on failure. */
bool imd_value_url(const char *text, size_t *length, const char **problem);

/* [http|https|socks4|socks4a|socks5|socks5h://]host[:port], without user information. */
bool imd_value_proxy(const char *text, size_t *length, const char **problem);

/* Name ("local0", "daemon") or number (0 to 23) of a syslog facility. */
bool imd_value_facility(const char *text, int *facility);

/* Whether the text is UTF-8 (RFC 3629) without control characters (C0, DEL and C1). */
bool imd_value_clean(const char *text);

/* Index in a NULL-terminated list without regard to case, or -1. */
int imd_value_choice(const char *text, const char *const *choices);

/* Number of single-letter edits (a swap of neighbours is one) between two names without regard to case; names are
 * compared up to 63 letters. */
unsigned imd_value_distance(const char *a, const char *b);

#endif
