/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: a directory of their own, short forms of the operations, a look inside. */
#ifndef IMD_STORE_SUPPORT_H
#define IMD_STORE_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include "state/store.h"

#define TENANT "00000000-0000-0000-0000-000000000001"

extern const struct imd_feed_name contoso, fabrikam;

/* cmocka set-up and tear-down: *state is a struct place. */
struct place {
    char directory[64];
    char path[96]; /* of the state file: DIRECTORY/state.db */
};
int make_place(void **state);
int make_place_below(const char *base, void **state); /* NULL: /tmp */
int remove_place(void **state);

/* `name` beside the state file. Memory of the next call but seven. */
const char *beside(const struct place *place, const char *name);

/* Fails the test where it cannot be opened. */
struct imd_store *open_store(const char *path, bool writable);

/* Fails the test where it can be opened, or where the error does not hold `text` and a remedy. */
void refuses(const char *path, bool writable, const char *text);

/* A digest that differs for each `number`. */
struct imd_digest digest(unsigned number);

/* One version for one feed, and a watermark. */
int commit_version(struct imd_store *store, const struct imd_feed_name *feed, unsigned number, imd_time watermark,
                   struct imd_error *error);
void must_commit(struct imd_store *store, const struct imd_change *changes, size_t count);

/* What load gives. */
struct loaded {
    int found;
    struct imd_checkpoint checkpoint;
    size_t count;
    struct imd_version versions[512]; /* the first ones */
};
void load_feed(struct imd_store *store, const struct imd_feed_name *feed, struct loaded *loaded);

/* Runs SQL on a database that no store has open. */
void run_sql(const char *path, const char *sql);

/* A file's bytes, to be freed. */
char *read_whole(const char *path, size_t *length);
void write_whole(const char *path, const char *bytes, size_t length);
bool exists(const char *path);

#endif
