/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the plain part of YAML that configuration needs: mappings of names to scalars, lists of scalars and mappings of
 * scalars, one after the other, with the line of each. Nothing is expanded: aliases, tags of applications and second
 * documents are refused, depth and sizes are limited, so no file can blow up in memory. */
#ifndef IMD_YAML_READER_H
#define IMD_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/error.h"

#define IMD_YAML_ITEMS_MAX 128   /* keys of one mapping, elements of one list */
#define IMD_YAML_SCALAR_MAX 8192 /* bytes of one scalar */
#define IMD_YAML_DEPTH_MAX 4     /* collections inside each other */

enum imd_yaml_kind { IMD_YAML_NULL, IMD_YAML_SCALAR, IMD_YAML_LIST, IMD_YAML_MAPPING };

/* One key and its value. The strings lie 0-terminated in memory of the mapping. */
struct imd_yaml_item {
    char *name;
    unsigned line;
    enum imd_yaml_kind kind;
    size_t count;         /* values: 1 of a scalar, 0 of null */
    char **values;
    char **value_names;   /* of a mapping, else NULL */
    unsigned *value_lines;
};

struct imd_yaml_mapping {
    unsigned line;
    struct imd_yaml_item *items;
    size_t count;
};

struct imd_yaml;

/* `file` is for errors. `bytes` must stay until imd_yaml_close(). NULL when memory is short. */
struct imd_yaml *imd_yaml_open(const char *file, const char *bytes, size_t length, struct imd_error *error);
void imd_yaml_close(struct imd_yaml *yaml);

/* All of these return 1 for yes, 0 for no, -1 with file and line in `error`. */

/* Enters the mapping the document consists of; 0 if the text holds no document at all. */
int imd_yaml_begin(struct imd_yaml *yaml, struct imd_error *error);

/* The next key of that mapping, into `name` (128 bytes); 0 at its end, where nothing may follow. */
int imd_yaml_key(struct imd_yaml *yaml, char name[128], unsigned *line, struct imd_error *error);

/* The value of the key, one of: */
int imd_yaml_skip(struct imd_yaml *yaml, struct imd_error *error);
int imd_yaml_mapping(struct imd_yaml *yaml, struct imd_yaml_mapping *mapping, struct imd_error *error); /* 0: null */
int imd_yaml_enter_list(struct imd_yaml *yaml, struct imd_error *error);                                /* 0: null */
/* and after enter_list: the next element, which must be a mapping; 0 at the end of the list. */
int imd_yaml_element(struct imd_yaml *yaml, struct imd_yaml_mapping *mapping, struct imd_error *error);

/* Overwrites and frees what it holds (there may be secrets). */
void imd_yaml_mapping_free(struct imd_yaml_mapping *mapping);

#endif
