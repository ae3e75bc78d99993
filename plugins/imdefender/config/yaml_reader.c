/* SPDX-License-Identifier: Apache-2.0 */
/* The plain part of YAML, over libyaml's events. */
#include "yaml_reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define STANDARD_TAG "tag:yaml.org,2002:"

struct imd_yaml {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; valid while has_event */
    bool has_event;
    const char *file, *bytes;
    size_t length;
    unsigned depth;
};

struct imd_yaml *imd_yaml_open(const char *file, const char *bytes, size_t length, struct imd_error *error) {
    struct imd_yaml *yaml = calloc(1, sizeof *yaml);

    if (yaml == NULL || yaml_parser_initialize(&yaml->parser) == 0) {
        free(yaml);
        imd_error_set(error, NULL, "not enough memory to read '%s'", file);
        return NULL;
    }
    if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        bytes += 3;
        length -= 3;
    }
    yaml->file = file;
    yaml->bytes = bytes;
    yaml->length = length;
    yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)bytes, length);
    return yaml;
}

void imd_yaml_close(struct imd_yaml *yaml) {
    if (yaml == NULL) return;
    if (yaml->has_event) yaml_event_delete(&yaml->event);
    yaml_parser_delete(&yaml->parser);
    free(yaml);
}

/* --- errors --- */

static unsigned line_of(const yaml_mark_t *mark) {
    return (unsigned)mark->line + 1;
}

static unsigned current_line(const struct imd_yaml *yaml) {
    return line_of(&yaml->event.start_mark);
}

static int refuse(struct imd_yaml *yaml, unsigned line, const char *remedy, const char *what, struct imd_error *error) {
    imd_error_set(error, remedy, "%s", what);
    imd_error_file(error, yaml->file, line);
    return -1;
}

/* libyaml counts lines only in what it could decode. */
static unsigned line_of_offset(const struct imd_yaml *yaml, size_t offset) {
    unsigned line = 1;

    for (size_t i = 0; i < offset && i < yaml->length; i++) line += yaml->bytes[i] == '\n';
    return line;
}

static int refuse_syntax(struct imd_yaml *yaml, struct imd_error *error) {
    const yaml_parser_t *parser = &yaml->parser;
    const char *problem = parser->problem == NULL ? "unknown problem" : parser->problem;

    switch (parser->error) {
        case YAML_MEMORY_ERROR:
            return refuse(yaml, 0, NULL, "not enough memory", error);
        case YAML_READER_ERROR:
            imd_error_set(error, "save the file as UTF-8 text", "not valid UTF-8 text: %s", problem);
            imd_error_file(error, yaml->file, line_of_offset(yaml, parser->problem_offset));
            return -1;
        default:
            break;
    }
    if (parser->context != NULL) {
        imd_error_set(error, "correct the YAML there or shortly before", "not valid YAML: %s, %s", parser->context,
                      problem);
    } else {
        imd_error_set(error, "correct the YAML there or shortly before", "not valid YAML: %s", problem);
    }
    imd_error_file(error, yaml->file, line_of(&parser->problem_mark));
    return -1;
}

/* --- events --- */

static const char *tag_of(const yaml_event_t *event) {
    switch (event->type) {
        case YAML_SCALAR_EVENT:
            return (const char *)event->data.scalar.tag;
        case YAML_SEQUENCE_START_EVENT:
            return (const char *)event->data.sequence_start.tag;
        case YAML_MAPPING_START_EVENT:
            return (const char *)event->data.mapping_start.tag;
        default:
            return NULL;
    }
}

/* What no value may be, whatever is expected. */
static int check_event(struct imd_yaml *yaml, struct imd_error *error) {
    const yaml_event_t *event = &yaml->event;
    const char *tag = tag_of(event);

    if (event->type == YAML_ALIAS_EVENT) {
        return refuse(yaml, current_line(yaml), "write the value out; what tenants have in common goes under defaults",
                      "YAML aliases (*name) are not supported", error);
    }
    if (tag != NULL && strncmp(tag, STANDARD_TAG, strlen(STANDARD_TAG)) != 0 && strcmp(tag, "!") != 0) {
        return refuse(yaml, current_line(yaml), "remove the tag", "YAML tags (!name) are not supported", error);
    }
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length > IMD_YAML_SCALAR_MAX) {
        return refuse(yaml, current_line(yaml), "check the quotes around it", "a value is longer than 8192 bytes",
                      error);
    }
    if (event->type == YAML_SCALAR_EVENT && memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
        return refuse(yaml, current_line(yaml), "remove it", "a value holds a 0 byte", error);
    }
    return 0;
}

/* Goes to the next event. */
static int advance(struct imd_yaml *yaml, struct imd_error *error) {
    if (yaml->has_event) {
        yaml_event_delete(&yaml->event);
        yaml->has_event = false;
    }
    if (yaml_parser_parse(&yaml->parser, &yaml->event) == 0) return refuse_syntax(yaml, error);
    yaml->has_event = true;
    switch (yaml->event.type) {
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            if (++yaml->depth > IMD_YAML_DEPTH_MAX) {
                return refuse(yaml, current_line(yaml), "check the indentation",
                              "lists or mappings are nested too deep", error);
            }
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            yaml->depth--;
            break;
        default:
            break;
    }
    return check_event(yaml, error);
}

static bool is_null(const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    return value[0] == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
}

/* --- the document --- */

int imd_yaml_begin(struct imd_yaml *yaml, struct imd_error *error) {
    if (advance(yaml, error) != 0 || advance(yaml, error) != 0) return -1; /* stream start; document start */
    if (yaml->event.type == YAML_STREAM_END_EVENT) return 0;
    if (advance(yaml, error) != 0) return -1;
    if (is_null(&yaml->event)) return 0;
    if (yaml->event.type == YAML_MAPPING_START_EVENT) return 1;
    return refuse(yaml, current_line(yaml), "begin with 'tenants:' and put the list below it",
                  "the file is not a mapping of names to values", error);
}

static int expect_end(struct imd_yaml *yaml, struct imd_error *error) {
    if (advance(yaml, error) != 0 || advance(yaml, error) != 0) return -1; /* document end; stream end */
    if (yaml->event.type == YAML_STREAM_END_EVENT) return 0;
    return refuse(yaml, current_line(yaml), "keep everything in one document (remove '---')",
                  "the file holds a second YAML document", error);
}

int imd_yaml_key(struct imd_yaml *yaml, char name[128], unsigned *line, struct imd_error *error) {
    if (advance(yaml, error) != 0) return -1;
    if (yaml->event.type == YAML_MAPPING_END_EVENT) return expect_end(yaml, error);
    if (yaml->event.type != YAML_SCALAR_EVENT) {
        return refuse(yaml, current_line(yaml), "write 'name: value'", "a key is not plain text", error);
    }
    snprintf(name, 128, "%s", (const char *)yaml->event.data.scalar.value);
    *line = current_line(yaml);
    return 1;
}

int imd_yaml_skip(struct imd_yaml *yaml, struct imd_error *error) {
    unsigned outside = yaml->depth;

    do {
        if (advance(yaml, error) != 0) return -1;
    } while (yaml->depth > outside);
    return 1;
}

int imd_yaml_enter_list(struct imd_yaml *yaml, struct imd_error *error) {
    if (advance(yaml, error) != 0) return -1;
    if (is_null(&yaml->event)) return 0;
    if (yaml->event.type == YAML_SEQUENCE_START_EVENT) return 1;
    return refuse(yaml, current_line(yaml), "begin each element with '- '", "a list is expected here", error);
}

/* --- mappings --- */

static int no_memory(struct imd_yaml *yaml, struct imd_error *error) {
    return refuse(yaml, 0, NULL, "not enough memory", error);
}

/* Room for one more element of an array that grows in powers of two. NULL when memory is short. */
static void *grow(void *array, size_t count, size_t size) {
    if (count != 0 && (count & (count - 1)) != 0) return array;
    return realloc(array, (count == 0 ? 1 : count * 2) * size);
}

static char *copy_scalar(const yaml_event_t *event) {
    return strdup((const char *)event->data.scalar.value);
}

/* Adds the current scalar as a value; `name` (taken over, may be NULL) is its key. */
static int add_value(struct imd_yaml *yaml, struct imd_yaml_item *item, char *name, struct imd_error *error) {
    char **values = grow(item->values, item->count, sizeof *values);
    if (values != NULL) item->values = values;
    unsigned *lines = grow(item->value_lines, item->count, sizeof *lines);
    if (lines != NULL) item->value_lines = lines;
    char **names = item->value_names;
    if (item->kind == IMD_YAML_MAPPING) {
        names = grow(item->value_names, item->count, sizeof *names);
        if (names != NULL) item->value_names = names;
    }
    char *value = values != NULL && lines != NULL && (names != NULL || name == NULL)
                      ? (is_null(&yaml->event) ? strdup("") : copy_scalar(&yaml->event))
                      : NULL;
    if (value == NULL) {
        free(name);
        return no_memory(yaml, error);
    }
    if (name != NULL) names[item->count] = name;
    lines[item->count] = current_line(yaml);
    values[item->count++] = value;
    return 0;
}

/* Reads the scalars of a list or mapping whose start is the current event. */
static int read_values(struct imd_yaml *yaml, struct imd_yaml_item *item, struct imd_error *error) {
    for (;;) {
        char *name = NULL;
        if (advance(yaml, error) != 0) return -1;
        if (yaml->event.type == YAML_SEQUENCE_END_EVENT || yaml->event.type == YAML_MAPPING_END_EVENT) return 0;
        if (item->count == IMD_YAML_ITEMS_MAX) {
            return refuse(yaml, current_line(yaml), "remove some", "there are more than 128 elements", error);
        }
        if (item->kind == IMD_YAML_MAPPING && yaml->event.type == YAML_SCALAR_EVENT) {
            name = copy_scalar(&yaml->event);
            if (name == NULL) return no_memory(yaml, error);
            if (advance(yaml, error) != 0) {
                free(name);
                return -1;
            }
        }
        if (yaml->event.type != YAML_SCALAR_EVENT) {
            free(name);
            return refuse(yaml, current_line(yaml), "give plain values", "a list or mapping stands inside another",
                          error);
        }
        if (add_value(yaml, item, name, error) != 0) return -1;
    }
}

static int read_item(struct imd_yaml *yaml, struct imd_yaml_item *item, struct imd_error *error) {
    item->line = current_line(yaml);
    item->name = copy_scalar(&yaml->event);
    if (item->name == NULL) return no_memory(yaml, error);
    if (advance(yaml, error) != 0) return -1;
    switch (yaml->event.type) {
        case YAML_SCALAR_EVENT:
            if (is_null(&yaml->event)) return 0;
            item->kind = IMD_YAML_SCALAR;
            return add_value(yaml, item, NULL, error);
        case YAML_SEQUENCE_START_EVENT:
            item->kind = IMD_YAML_LIST;
            return read_values(yaml, item, error);
        default:
            item->kind = IMD_YAML_MAPPING;
            return read_values(yaml, item, error);
    }
}

/* Reads the mapping whose start is the current event. */
static int read_mapping(struct imd_yaml *yaml, struct imd_yaml_mapping *mapping, struct imd_error *error) {
    *mapping = (struct imd_yaml_mapping){.line = current_line(yaml)};
    for (;;) {
        if (advance(yaml, error) != 0) break;
        if (yaml->event.type == YAML_MAPPING_END_EVENT) return 1;
        if (yaml->event.type != YAML_SCALAR_EVENT) {
            refuse(yaml, current_line(yaml), "write 'name: value'", "a key is not plain text", error);
            break;
        }
        if (mapping->count == IMD_YAML_ITEMS_MAX) {
            refuse(yaml, current_line(yaml), "remove some", "a mapping has more than 128 keys", error);
            break;
        }
        struct imd_yaml_item *items = grow(mapping->items, mapping->count, sizeof *items);
        if (items == NULL) {
            no_memory(yaml, error);
            break;
        }
        mapping->items = items;
        items[mapping->count] = (struct imd_yaml_item){.name = NULL};
        if (read_item(yaml, &items[mapping->count++], error) != 0) break;
    }
    imd_yaml_mapping_free(mapping);
    return -1;
}

int imd_yaml_mapping(struct imd_yaml *yaml, struct imd_yaml_mapping *mapping, struct imd_error *error) {
    if (advance(yaml, error) != 0) return -1;
    if (is_null(&yaml->event)) return 0;
    if (yaml->event.type == YAML_MAPPING_START_EVENT) return read_mapping(yaml, mapping, error);
    return refuse(yaml, current_line(yaml), "write 'name: value' lines below it", "names with values are expected here",
                  error);
}

int imd_yaml_element(struct imd_yaml *yaml, struct imd_yaml_mapping *mapping, struct imd_error *error) {
    if (advance(yaml, error) != 0) return -1;
    if (yaml->event.type == YAML_SEQUENCE_END_EVENT) return 0;
    if (yaml->event.type == YAML_MAPPING_START_EVENT) return read_mapping(yaml, mapping, error);
    return refuse(yaml, current_line(yaml), "write '- tenantId: ...' with the other keys below it",
                  "an element of the list is not a mapping of names to values", error);
}

static void free_text(char *text) {
    if (text == NULL) return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void imd_yaml_mapping_free(struct imd_yaml_mapping *mapping) {
    for (size_t i = 0; i < mapping->count; i++) {
        struct imd_yaml_item *item = &mapping->items[i];
        assert(item != NULL);
        for (size_t k = 0; k < item->count; k++) {
            free_text(item->values[k]);
            if (item->value_names != NULL) free(item->value_names[k]);
        }
        free(item->values);
        free(item->value_names);
        free(item->value_lines);
        free(item->name);
    }
    free(mapping->items);
    *mapping = (struct imd_yaml_mapping){0};
}
