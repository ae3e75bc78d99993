/* SPDX-License-Identifier: Apache-2.0 */
/* Rotated refresh tokens in the SQLite store. */
#include <stdlib.h>
#include <string.h>
#include "store_sqlite.h"

#define TOKEN_LENGTH_MAX (64u * 1024)

int imd_store_put_token(struct imd_store *store, const char *tenant, const char *client_id, const char *token,
                        struct imd_error *error) {
    static const char doing[] = "keep a refresh token";
    struct imd_store_sqlite *self = imd_store_of(store);
    sqlite3_stmt *statement = self->statements[PUT_TOKEN];
    int result;

    if (strlen(token) > TOKEN_LENGTH_MAX) {
        result = imd_store_refuse(self, NULL, "cannot keep a refresh token: it is longer than 64 KiB", error);
    } else if (imd_store_begin_write(self, doing, error) != 0) {
        result = -1;
    } else {
        imd_store_bind_text(statement, 1, tenant);
        imd_store_bind_text(statement, 2, client_id);
        imd_store_bind_text(statement, 3, token);
        result = imd_store_finish(self, imd_store_run(self, PUT_TOKEN, doing, error), doing, error);
    }
    if (result != 0) imd_error_tenant(error, tenant);
    return result;
}

int imd_store_get_token(struct imd_store *store, const char *tenant, const char *client_id, char **token,
                        struct imd_error *error) {
    static const char doing[] = "read a refresh token";
    struct imd_store_sqlite *self = imd_store_of(store);
    sqlite3_stmt *statement = self->statements[GET_TOKEN];
    int code, result = 0;

    *token = NULL;
    imd_store_bind_text(statement, 1, tenant);
    imd_store_bind_text(statement, 2, client_id);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *text = imd_store_column_text(statement, 0);

        if (text != NULL) *token = strdup(text);
        if (*token == NULL) result = imd_store_fail(self, SQLITE_NOMEM, doing, error);
    } else if (code != SQLITE_DONE) {
        result = imd_store_fail(self, code, doing, error);
    }
    imd_store_rest(statement);
    if (result != 0) imd_error_tenant(error, tenant);
    return result;
}
