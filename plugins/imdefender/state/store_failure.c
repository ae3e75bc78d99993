/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's result codes mean to an operator. */
#include "store_failure.h"

#include <string.h>

struct meaning {
    int code; /* primary result code */
    const char *what;
    const char *remedy;
};

static const struct meaning meanings[] = {
    {SQLITE_FULL, "no space is left for the state", "make room on its file system; it is tried again by itself"},
    {SQLITE_IOERR, "reading or writing the state failed",
     "check the disk and its file system (kernel log); it is tried again by itself"},
    {SQLITE_READONLY, "the state is read-only",
     "make the file, its directory and its file system writable for the user rsyslogd runs as"},
    {SQLITE_PERM, "access to the state is denied", "give it to the user rsyslogd runs as"},
    {SQLITE_CANTOPEN, "a file of the state cannot be opened",
     "make the file, its -wal and -shm files and their directory accessible for the user rsyslogd runs as"},
    {SQLITE_CORRUPT, "the state is damaged", IMD_STORE_DAMAGED_REMEDY},
    {SQLITE_NOTADB, "the file is damaged or no state of imdefender", IMD_STORE_DAMAGED_REMEDY},
    {SQLITE_BUSY, "another program keeps the state locked", "end it (a database shell or a backup)"},
    {SQLITE_LOCKED, "another program keeps the state locked", "end it (a database shell or a backup)"},
    {SQLITE_PROTOCOL, "another program keeps the state locked", "end it (a database shell or a backup)"},
    {SQLITE_NOMEM, "memory is short", "give the process more memory; it is tried again by itself"},
};

static const struct meaning *find(int code) {
    size_t i;

    for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].code == (code & 0xff)) return &meanings[i];
    }
    return NULL;
}

int(imd_store_failure)(sqlite3 *db, int code, const char *path, const char *doing, struct imd_error *error) {
    const struct meaning *meaning = find(code);
    const char *detail = db != NULL && sqlite3_extended_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db) : NULL;
    int system = db != NULL && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;

    if (detail == NULL) detail = sqlite3_errstr(code);
    imd_error_set(error, meaning != NULL ? meaning->remedy : NULL, "cannot %s: %s (SQLite %d: %s%s%s)", doing,
                  meaning != NULL ? meaning->what : "the database refused it", code, detail, system != 0 ? ", " : "",
                  system != 0 ? strerror(system) : "");
    imd_error_file(error, path, 0);
    return -1;
}
