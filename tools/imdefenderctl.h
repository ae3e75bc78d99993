/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of imdefenderctl share. Each subcommand is a file of its own that gets its arguments, its name first,
 * and returns the exit status. */
#ifndef IMDEFENDERCTL_H
#define IMDEFENDERCTL_H

#include <json.h>
#include "base/error.h"

enum {
    CTL_OK = 0,
    CTL_FAILED = 1, /* what was asked for could not be done, or the file has an error */
    CTL_USAGE = 2   /* the command line is wrong */
};

int ctl_parameters(int count, char **arguments);
int ctl_tenants(int count, char **arguments);
int ctl_status(int count, char **arguments);

/* Prints to standard error and returns CTL_USAGE. */
int ctl_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints an error in the project's style to standard error and returns CTL_FAILED. */
int ctl_fail(const struct imd_error *error);

/* Prints a JSON value, gives it back, and returns CTL_OK, or CTL_FAILED when standard output cannot be written. */
int ctl_print_json(struct json_object *value);

/* Adds a text, null where it is NULL. */
void ctl_add_text(struct json_object *object, const char *name, const char *text);

#endif
