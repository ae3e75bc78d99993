/* SPDX-License-Identifier: Apache-2.0 */
/* Replays objects from files: a JSON object, array, Graph answer ({"value":[...]}), or any of these in a row (NDJSON).
 */
#ifndef GRAPH_FILE_H
#define GRAPH_FILE_H

#include "graph_data.h"

/* Collects the objects of `text`; the bytes are served unchanged. An object belongs to the tenant its tenantId names
 * (made if need be), else to `fallback`. Several versions of one id show one after the other: with `interval` < 0 each
 * after the one before was served, else `interval` ticks later. -1 and *problem if something is no such object. */
struct graph_replay;
struct graph_replay *graph_replay_new(void);
int graph_replay_add(struct graph_replay *replay, int source, const char *text, size_t length, const char **problem);
int graph_replay_finish(struct graph_replay *replay, struct graph_data *data, struct graph_tenant *fallback,
                        int64_t interval, int64_t now, const char **problem);
void graph_replay_free(struct graph_replay *replay);

/* The whole file, 0-terminated, to be freed; NULL with errno. */
char *graph_file_read(const char *path, size_t *length);

#endif
