/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps of the test double: ticks of 100 ns since 1970, as the API's. Independent of the code under test. */
#ifndef GRAPH_TIME_H
#define GRAPH_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_SECOND INT64_C(10000000)
#define GRAPH_NEVER INT64_MAX
#define GRAPH_TIME_TEXT 40

/* "2026-01-02T03:04:05[.fraction](Z|+hh:mm)", fraction of 1 to 12 digits. */
bool graph_time_parse(const char *text, size_t length, int64_t *ticks);
/* With at most `digits` (0 to 7) fraction digits and trailing zeros dropped, as the API writes them. Returns `out`. */
char *graph_time_print(int64_t ticks, int digits, char out[GRAPH_TIME_TEXT]);
/* "Sun, 06 Nov 1994 08:49:37 GMT". Returns `out`. */
char *graph_time_print_http(int64_t ticks, char out[GRAPH_TIME_TEXT]);
/* The latest moment of the 1/300 s grid that is not after `ticks` (lastUpdateDateTime lies on that grid). */
int64_t graph_time_grid(int64_t ticks);
/* The moment of the grid that follows `ticks`. */
int64_t graph_time_grid_next(int64_t ticks);

#endif
