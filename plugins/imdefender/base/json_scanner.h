/* SPDX-License-Identifier: Apache-2.0 */
/* Validates JSON while it arrives, over any split into chunks, and reports where names and values begin and end.
 *
 * What is accepted is described at imd_json_valid(). The scanner allocates nothing itself; it can add the bytes it
 * passes, less white space outside strings, to a buffer of its user, who switches that on and off between reports.
 * Do not use it for bytes that already lie in memory: json.h is simpler. */
#ifndef IMD_JSON_SCANNER_H
#define IMD_JSON_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buffer.h"
#include "json.h"

enum imd_json_event {
    IMD_JSON_MORE,         /* every byte of the chunk is consumed */
    IMD_JSON_NAME_BEGINS,  /* the next byte is the opening quote of a member's name */
    IMD_JSON_NAME_ENDS,    /* the last byte was its closing quote */
    IMD_JSON_VALUE_BEGINS, /* the next byte is the first of a value; it tells the value's type */
    IMD_JSON_VALUE_ENDS,   /* the last byte was the last of a value */
    IMD_JSON_MALFORMED     /* the next byte cannot stand there; `problem` says why */
};

enum imd_json_copy_problem { IMD_JSON_COPY_OK, IMD_JSON_COPY_FULL, IMD_JSON_COPY_NO_MEMORY };

struct imd_json_scanner {
    /* The user's; may be changed whenever imd_json_scan() has returned. */
    int report_depth;        /* names and values inside at most this many containers are reported; -1: none */
    struct imd_buffer *copy; /* takes the bytes passed, or NULL; the scanner sets it to NULL when the buffer refuses */
    unsigned measured_depth; /* of the objects and arrays inside that many containers the largest one is remembered */
    size_t largest_at, largest_length; /* where it lies in the copy; length 0: there was none since this was set to 0 */
    /* The scanner's. */
    enum imd_json_copy_problem copy_problem; /* why the buffer refused; the user sets it back */
    unsigned depth;                          /* containers around the next byte */
    uint64_t offset;                         /* bytes consumed so far */
    size_t measured_from;                    /* where the container that is being measured begins in the copy */
    const char *problem;                     /* static text after IMD_JSON_MALFORMED */
    unsigned char state;
    bool in_name;                      /* the open string is a member's name */
    bool announced;                    /* the begin of the next name or value has been reported */
    unsigned char left;                /* bytes of a UTF-8 sequence, an escape or a byte order mark still to come */
    unsigned char utf8_low, utf8_high; /* range of the next byte of a UTF-8 sequence */
    const char *literal;               /* rest of true, false or null */
    uint64_t objects[(IMD_JSON_DEPTH_MAX + 63) / 64]; /* bit per open container: it is an object */
};

/* Reports nothing and copies nothing until told to. */
void imd_json_scanner_init(struct imd_json_scanner *scanner);

/* Consumes bytes from *at up to the first thing to report and moves *at behind them. Call it again with the rest until
 * it returns IMD_JSON_MORE or IMD_JSON_MALFORMED; the latter is then its answer for ever. */
enum imd_json_event imd_json_scan(struct imd_json_scanner *scanner, const char **at, const char *end);

/* Whether what was consumed is one complete value. (The end of a number that is the whole text is seen only here.) */
bool imd_json_scanner_complete(const struct imd_json_scanner *scanner);

#endif
