/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the state database, and how a database is recognised as one of ours. */
#ifndef IMD_STORE_SCHEMA_H
#define IMD_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "../base/error.h"

#define IMD_STORE_APPLICATION 0x494d4446 /* "IMDF": SQLite's application_id */
#define IMD_STORE_SCHEMA 1               /* SQLite's user_version: the newest schema this version knows */

/* Reads what kind of database it is, and changes nothing. *fresh: it holds nothing at all yet. An error if it is no
 * SQLite database, of another application or of a newer schema. */
int imd_store_schema_recognise(sqlite3 *db, const char *path, bool *fresh, struct imd_error *error);

/* Goes through the whole file for damage (as long as reading the file takes). */
int imd_store_schema_inspect(sqlite3 *db, const char *path, struct imd_error *error);

/* Switches WAL and full synchronisation on, brings the schema to IMD_STORE_SCHEMA and makes the caller the owner, all
 * or nothing. *generation then tells this owner from every earlier and later one. */
int imd_store_schema_take(sqlite3 *db, const char *path, uint64_t *generation, struct imd_error *error);

/* Settings that hold for a connection, of a reader too. */
int imd_store_schema_connect(sqlite3 *db, const char *path, struct imd_error *error);

#endif
