/* SPDX-License-Identifier: Apache-2.0 */
/* An error is a value: what failed, where, and what the operator should do about it.
 *
 * It is made where the failure is seen, travels up unchanged, and is printed in one style by
 * imd_error_print(). It never holds a secret, a token or a response body. */
#ifndef IMD_ERROR_H
#define IMD_ERROR_H

#include <stdbool.h>
#include <stddef.h>

struct imd_error {
    char what[512];     /* what failed, a clause without a final stop */
    char remedy[384];   /* what to do, a clause without a final stop; "" if there is nothing to add */
    char tenant[160];   /* tenant id or name, "" if the error is not about one tenant */
    char parameter[64]; /* name of the parameter, "" if none */
    char file[256];     /* file the error is in, "" if none */
    unsigned line;      /* line in that file, 0 if none */
};

/* Replaces the error: `format` says what failed, `remedy` (may be NULL) what to do. Clears all places.
 * `error` may be NULL, then nothing happens. Always returns -1, so that callers can return it. */
int imd_error_set(struct imd_error *error, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* it sees one file at a time, and so not what this returns */
#define imd_error_set(error, ...) ((imd_error_set)(error, __VA_ARGS__), -1)
#endif

/* Whether it is want of memory, which passes by itself, and nothing an operator has to mend. */
bool imd_error_is_memory(const struct imd_error *error);

/* Add the place to an error; a place that is already set is kept (the innermost knows best). NULL is allowed for both. */
void imd_error_tenant(struct imd_error *error, const char *tenant);
void imd_error_parameter(struct imd_error *error, const char *parameter);
void imd_error_file(struct imd_error *error, const char *file, unsigned line);

/* One line: "WHAT (tenant T, parameter P, FILE:LINE): CONSEQUENCE; REMEDY", parts that are empty left out.
 * `consequence` says what follows and may be NULL. Control characters are printed as '?', since parts of the
 * text may come from outside. Returns `out`; cuts silently at `size`, which 2048 always satisfies. */
char *imd_error_print(const struct imd_error *error, const char *consequence, char *out, size_t size);

#endif
