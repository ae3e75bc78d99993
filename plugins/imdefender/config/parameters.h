/* SPDX-License-Identifier: Apache-2.0 */
/* All parameters as rows of one table, which drives parsing, defaults, checks, `imdefenderctl parameters` and the check
 * of the documentation. Adding a parameter is adding a row and a member of struct imd_settings. */
#ifndef IMD_PARAMETERS_H
#define IMD_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum imd_parameter_type {
    IMD_TYPE_TEXT,
    IMD_TYPE_TENANT,   /* GUID or verified domain */
    IMD_TYPE_GUID,
    IMD_TYPE_IDENTITY, /* "system" or GUID */
    IMD_TYPE_FILE,     /* absolute path of a file that must be readable */
    IMD_TYPE_SECRET_FILE, /* place of a secret: absolute path, credential:NAME or env:NAME (secret.h) */
    IMD_TYPE_SECRET,   /* text that is never printed */
    IMD_TYPE_URL,      /* https, or http on loopback */
    IMD_TYPE_PROXY,    /* URL of a proxy */
    IMD_TYPE_CHOICE,   /* one of a list */
    IMD_TYPE_CHOICES,  /* array of a list */
    IMD_TYPE_DURATION, /* seconds, or a number with s, m, h, d */
    IMD_TYPE_INTEGER,
    IMD_TYPE_SIZE,     /* bytes, or a number with k, m, g (1024-based) */
    IMD_TYPE_FACILITY  /* syslog facility by name or number */
};

enum { IMD_SCOPE_MODULE = 1, IMD_SCOPE_INPUT = 2, IMD_SCOPE_TENANT = 4 }; /* where a parameter may stand */

struct imd_parameter {
    const char *name;            /* as documented; compared without regard to case */
    enum imd_parameter_type type;
    unsigned scope;              /* bits of IMD_SCOPE_ */
    const char *fallback;        /* default as text; NULL: none */
    const char *unit;            /* "seconds", "bytes", "alerts"; NULL: none */
    int64_t minimum, maximum;    /* of numbers, in `unit`; of TEXT, its bytes if maximum > 0 */
    const char *const *choices;  /* NULL-terminated, for CHOICE and CHOICES */
    ptrdiff_t member;            /* offset in struct imd_settings, -1 if the user of the table keeps it elsewhere */
    const char *summary;         /* one sentence for help and documentation */
    const char *example;         /* a value as it would be written */
    bool available;              /* false: the name is known but this version does not support it yet */
};

extern const struct imd_parameter imd_parameters[]; /* ends with a row whose name is NULL; at most 64 rows */

const struct imd_parameter *imd_parameter_find(const char *name); /* NULL if unknown */

/* What the type accepts, with unit and range, as a clause for errors and documentation: "a duration in seconds, or with
 * s, m, h or d (1 to 86400 seconds)". Returns `out`; 512 bytes are always enough. */
char *imd_parameter_accepts(const struct imd_parameter *parameter, char *out, size_t size);

/* "duration", "array of choices": the type in one or two words. */
const char *imd_parameter_type_name(enum imd_parameter_type type);

/* The known name nearest to a misspelt one ("did you mean"), NULL if none is near. */
const char *imd_parameter_nearest(const char *name, unsigned scope);

#endif
