/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants file: from its mappings to checked settings.
 *
 * The file is read twice, first for `defaults`, then for `tenants`, since YAML lets the two stand in any order. */
#include "tenants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/buffer.h"
#include "file.h"
#include "map.h"
#include "parameters.h"
#include "text.h"
#include "values.h"
#include "yaml_reader.h"

struct loader {
    char *file; /* a text */
    const struct imd_log *log;
    struct imd_settings *defaults;
    struct imd_yaml_mapping default_items; /* for the lines of what a tenant inherits */
    struct imd_tenants *tenants;
    size_t capacity;
    struct imd_map certificates; /* value 1: judged */
    struct imd_map texts; /* values that tenants have in common; value 1: its warnings were given */
    struct imd_map feeds; /* tenant and source to the line that has it */
};

/* --- one mapping --- */

static int place(struct imd_error *error, const struct loader *loader, unsigned line) {
    imd_error_file(error, loader->file, line);
    return -1;
}

static int refuse_name(const struct loader *loader, const struct imd_yaml_item *item, const char *nearest,
                       struct imd_error *error) {
    char remedy[160];

    if (nearest != NULL) {
        snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest);
    } else {
        snprintf(remedy, sizeof remedy, "'imdefenderctl parameters' lists the known ones");
    }
    imd_error_set(error, remedy, "unknown key '%.80s'", item->name);
    imd_error_parameter(error, item->name);
    return place(error, loader, item->line);
}

/* Whether the key is known and may stand in the tenants file; `labels` is the one key that is no parameter. */
static int check_name(const struct loader *loader, const struct imd_yaml_item *item, struct imd_error *error) {
    const struct imd_parameter *row = imd_parameter_find(item->name);

    if (strcasecmp(item->name, "labels") == 0) return 0;
    if (row == NULL) {
        const char *nearest = imd_parameter_nearest(item->name, IMD_SCOPE_TENANT);
        if (nearest == NULL && imd_value_distance(item->name, "labels") < 3) nearest = "labels";
        return refuse_name(loader, item, nearest, error);
    }
    if ((row->scope & IMD_SCOPE_TENANT) != 0) return 0;
    imd_error_set(error, row->scope == IMD_SCOPE_MODULE ? "give it to module()" : "give it to input()",
                  "%s cannot stand in a tenants file", row->name);
    imd_error_parameter(error, row->name);
    return place(error, loader, item->line);
}

static int check_twice(const struct loader *loader, const struct imd_yaml_mapping *mapping, size_t at,
                       struct imd_error *error) {
    for (size_t i = 0; i < at; i++) {
        if (strcasecmp(mapping->items[i].name, mapping->items[at].name) != 0) continue;
        imd_error_set(error, "keep one of them", "'%s' is given twice, first in line %u", mapping->items[at].name,
                      mapping->items[i].line);
        imd_error_parameter(error, mapping->items[at].name);
        return place(error, loader, mapping->items[at].line);
    }
    return 0;
}

static int apply_labels(const struct loader *loader, const struct imd_yaml_item *item, struct imd_settings *settings,
                        struct imd_error *error) {
    if (item->kind == IMD_YAML_NULL) return 0;
    if (item->kind != IMD_YAML_MAPPING) {
        imd_error_set(error, "write labels: { name: \"value\" }", "labels is not a mapping of names to values");
        imd_error_parameter(error, "labels");
        return place(error, loader, item->line);
    }
    for (size_t i = 0; i < item->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(item->value_names[i], item->value_names[k]) != 0) continue;
            imd_error_set(error, "keep one of them", "label '%.80s' is given twice, first in line %u",
                          item->value_names[i], item->value_lines[k]);
            imd_error_parameter(error, "labels");
            return place(error, loader, item->value_lines[i]);
        }
        if (imd_settings_label(settings, item->value_names[i], item->values[i], error) != 0) {
            return place(error, loader, item->value_lines[i]);
        }
    }
    return 0;
}

static int apply_item(const struct loader *loader, const struct imd_yaml_item *item, struct imd_settings *settings,
                      struct imd_error *error) {
    const struct imd_parameter *row = imd_parameter_find(item->name);
    bool takes_list = row != NULL && row->type == IMD_TYPE_CHOICES;

    if (row == NULL) return apply_labels(loader, item, settings, error);
    if (item->kind == IMD_YAML_NULL) {
        imd_error_set(error, "give a value or remove the key", "%s has no value", row->name);
    } else if (item->kind == IMD_YAML_MAPPING || (item->kind == IMD_YAML_LIST && !takes_list)) {
        imd_error_set(error, "give one plain value", "%s does not take a %s", row->name,
                      item->kind == IMD_YAML_LIST ? "list" : "mapping");
    } else if (imd_settings_set(settings, row->name, (const char *const *)item->values, item->count, error) == 0) {
        return 0;
    }
    imd_error_parameter(error, row->name);
    return place(error, loader, item->line);
}

/* Sets everything a mapping says, after a look at all of its names. */
static int apply(const struct loader *loader, const struct imd_yaml_mapping *mapping, struct imd_settings *settings,
                 struct imd_error *error) {
    for (size_t i = 0; i < mapping->count; i++) {
        if (check_name(loader, &mapping->items[i], error) != 0 || check_twice(loader, mapping, i, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (apply_item(loader, &mapping->items[i], settings, error) != 0) return -1;
    }
    return 0;
}

/* The line of a key, 0 if the mapping does not have it. */
static unsigned line_of(const struct imd_yaml_mapping *mapping, const char *name) {
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcasecmp(mapping->items[i].name, name) == 0) return mapping->items[i].line;
    }
    return 0;
}

/* An error about a parameter is best shown where that parameter was written. */
static void point_at_parameter(const struct loader *loader, const struct imd_yaml_mapping *mapping,
                               struct imd_error *error) {
    if (error == NULL || error->parameter[0] == '\0') return;
    unsigned line = line_of(mapping, error->parameter);
    if (line == 0) line = line_of(&loader->default_items, error->parameter);
    if (line != 0) error->line = line;
}

/* --- tenants --- */

static const char *name_in(const struct imd_yaml_mapping *mapping) {
    static const char *const names[] = {"tenantName", "tenantId"};

    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < mapping->count; i++) {
            const struct imd_yaml_item *item = &mapping->items[i];
            if (strcasecmp(item->name, names[n]) == 0 && item->kind == IMD_YAML_SCALAR) return item->values[0];
        }
    }
    return NULL;
}

/* Replaces the text by the one that earlier tenants have, if they do. */
static bool share(struct loader *loader, char **text) {
    if (*text == NULL) return true;
    struct imd_map_entry *entry = imd_map_entry(&loader->texts, *text);
    if (entry == NULL) return false;
    char *common = imd_text_share(entry->name);
    imd_text_release(*text);
    *text = common;
    return true;
}

static bool share_texts(struct loader *loader, struct imd_settings *settings) {
    char **const texts[] = {
        &settings->client_id, &settings->client_secret_file,  &settings->client_secret, &settings->certificate_file,
        &settings->key_file,  &settings->key_passphrase_file, &settings->login_url,     &settings->api_url,
        &settings->proxy,     &settings->tls_cacert,          &settings->filter,
        &settings->federated_token_file, &settings->managed_identity, &settings->refresh_token_file,
        &settings->proxy_credentials_file};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!share(loader, texts[i])) return false;
    }
    for (size_t i = 0; i < settings->label_count; i++) {
        if (!share(loader, &settings->labels[i].name) || !share(loader, &settings->labels[i].value)) return false;
    }
    return true;
}

/* Warns about a secret once, not once for each of the tenants that share it. */
static bool warn_once(struct loader *loader, const struct imd_settings *settings) {
    const char *secret = settings->client_secret_file != NULL   ? settings->client_secret_file
                         : settings->client_secret != NULL      ? settings->client_secret
                         : settings->certificate_file != NULL   ? settings->certificate_file
                         : settings->refresh_token_file != NULL ? settings->refresh_token_file
                                                                : settings->federated_token_file;
    struct imd_map_entry *entry = secret == NULL ? NULL : imd_map_entry(&loader->texts, secret);

    if (secret != NULL && entry == NULL) return false;
    if (entry != NULL && entry->value != 0) return true;
    if (entry != NULL) entry->value = 1;
    imd_settings_warn(settings, loader->log);
    return true;
}

/* Remembers the feeds of a tenant; one that is there already is an error. */
static int claim_feeds(struct loader *loader, const struct imd_settings *settings, struct imd_error *error) {
    char key[320];

    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        if ((settings->sources & 1u << i) == 0) continue;
        snprintf(key, sizeof key, "%d %s", i, settings->tenant_id);
        for (char *p = key; *p != '\0'; p++) {
            if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a'); /* domains are the same in any case */
        }
        struct imd_map_entry *entry = imd_map_entry(&loader->feeds, key);
        if (entry == NULL) return imd_error_set(error, NULL, "not enough memory for the tenants");
        if (entry->value != 0) {
            imd_error_set(error, "remove one of them", "tenant %s has source '%s' twice, first in line %u",
                          settings->tenant_id, imd_sources[i].name, entry->value);
            imd_error_tenant(error, imd_settings_name(settings));
            imd_error_parameter(error, "tenantId");
            return -1;
        }
        entry->value = settings->line;
    }
    return 0;
}

static bool append(struct loader *loader, struct imd_settings *settings) {
    struct imd_tenants *tenants = loader->tenants;

    if (tenants->count == loader->capacity) {
        size_t capacity = loader->capacity == 0 ? 16 : loader->capacity * 2;
        struct imd_settings **items = realloc(tenants->items, capacity * sizeof *items);
        if (items == NULL) return false;
        tenants->items = items;
        loader->capacity = capacity;
    }
    tenants->items[tenants->count++] = settings;
    return true;
}

/* Most tenants share one certificate: reading and checking it for each of thousands would take seconds. */
static int judge_certificate_once(struct loader *loader, const struct imd_settings *settings, struct imd_error *error) {
    char name[1024];

    if (settings->certificate_file == NULL) return 0;
    int length = snprintf(name, sizeof name, "%s\n%s\n%s", settings->certificate_file,
                          settings->key_file != NULL ? settings->key_file : "",
                          settings->key_passphrase_file != NULL ? settings->key_passphrase_file : "");
    struct imd_map_entry *entry = length < (int)sizeof name ? imd_map_entry(&loader->certificates, name) : NULL;
    if (entry != NULL && entry->value != 0) return 0;
    if (entry != NULL) entry->value = 1;
    return imd_settings_judge_certificate(settings, error);
}

static int complete(struct loader *loader, const struct imd_yaml_mapping *mapping, struct imd_settings *settings,
                    struct imd_error *error) {
    if (apply(loader, mapping, settings, error) != 0) return -1;
    if (imd_settings_judge(settings, error) != 0 || judge_certificate_once(loader, settings, error) != 0 ||
        claim_feeds(loader, settings, error) != 0) {
        place(error, loader, settings->line);
        point_at_parameter(loader, mapping, error);
        return -1;
    }
    if (!share_texts(loader, settings) || !warn_once(loader, settings) || !append(loader, settings)) {
        return imd_error_set(error, NULL, "not enough memory for the tenants");
    }
    return 0;
}

static int add_tenant(struct loader *loader, const struct imd_yaml_mapping *mapping, struct imd_error *error) {
    if (loader->tenants->count == IMD_TENANTS_MAX) {
        imd_error_set(error, "spread them over several inputs", "there are more than %d tenants", IMD_TENANTS_MAX);
        return place(error, loader, mapping->line);
    }
    struct imd_settings *settings = imd_settings_copy(loader->defaults);
    if (settings == NULL) return imd_error_set(error, NULL, "not enough memory for the tenants");
    imd_text_release(settings->file);
    settings->file = imd_text_share(loader->file);
    settings->line = mapping->line;
    if (complete(loader, mapping, settings, error) == 0) return 0;
    imd_error_tenant(error, name_in(mapping));
    imd_settings_release(settings);
    return -1;
}

static int read_tenants(struct loader *loader, struct imd_yaml *yaml, struct imd_error *error) {
    struct imd_yaml_mapping mapping;
    int found = imd_yaml_enter_list(yaml, error);

    if (found <= 0) return found;
    while ((found = imd_yaml_element(yaml, &mapping, error)) == 1) {
        int result = add_tenant(loader, &mapping, error);
        imd_yaml_mapping_free(&mapping);
        if (result != 0) return -1;
    }
    return found;
}

/* --- defaults --- */

static int read_defaults(struct loader *loader, struct imd_yaml *yaml, struct imd_error *error) {
    static const char *const personal[] = {"tenantId", "tenantName"};
    struct imd_yaml_mapping *mapping = &loader->default_items;
    int found = imd_yaml_mapping(yaml, mapping, error);

    if (found <= 0) return found;
    for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++) {
        unsigned line = line_of(mapping, personal[i]);
        if (line == 0) continue;
        imd_error_set(error, "give it to the tenant", "%s cannot stand in defaults", personal[i]);
        imd_error_parameter(error, personal[i]);
        return place(error, loader, line);
    }
    if (apply(loader, mapping, loader->defaults, error) != 0) return -1;
    if (imd_settings_one_credential(loader->defaults, error) != 0) {
        place(error, loader, mapping->line);
        point_at_parameter(loader, mapping, error);
        return -1;
    }
    return 1;
}

/* --- the file --- */

enum part { DEFAULTS, TENANTS, PARTS };

static int part_of(const struct loader *loader, const char *name, unsigned line, struct imd_error *error) {
    static const char *const names[] = {"defaults", "tenants", NULL};
    int part = imd_value_choice(name, names);

    if (part >= 0) return part;
    const char *nearest = imd_value_distance(name, "tenants") < 3    ? "tenants"
                          : imd_value_distance(name, "defaults") < 3 ? "defaults"
                                                                     : NULL;
    const struct imd_parameter *row = imd_parameter_find(name);
    char remedy[128];
    if (nearest != NULL) {
        snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest);
    } else if (row != NULL) {
        snprintf(remedy, sizeof remedy, "indent it below 'defaults:' or below a tenant");
    } else {
        snprintf(remedy, sizeof remedy, "the file has the two keys defaults and tenants");
    }
    imd_error_set(error, remedy, "unknown key '%.80s'", name);
    imd_error_parameter(error, name);
    return place(error, loader, line);
}

/* Goes through the whole file and reads one of its parts. */
static int read_part(struct loader *loader, struct imd_yaml *yaml, enum part wanted, struct imd_error *error) {
    unsigned lines[PARTS] = {0};
    char name[128];
    unsigned line;
    int found = imd_yaml_begin(yaml, error);

    if (found == 0) {
        imd_error_set(error, "write a list of tenants under the key tenants", "the tenants file is empty");
        return place(error, loader, 0);
    }
    while (found == 1 && (found = imd_yaml_key(yaml, name, &line, error)) == 1) {
        int part = part_of(loader, name, line, error);
        if (part < 0) return -1;
        if (lines[part] != 0) {
            imd_error_set(error, "join the two", "'%s' is given twice, first in line %u", name, lines[part]);
            return place(error, loader, line);
        }
        lines[part] = line;
        if (part != (int)wanted) {
            found = imd_yaml_skip(yaml, error);
        } else if ((part == DEFAULTS ? read_defaults(loader, yaml, error) : read_tenants(loader, yaml, error)) < 0) {
            found = -1;
        }
    }
    return found;
}

static int read_file(struct loader *loader, const struct imd_buffer *bytes, enum part wanted, struct imd_error *error) {
    struct imd_yaml *yaml = imd_yaml_open(loader->file, bytes->data == NULL ? "" : bytes->data, bytes->length, error);

    if (yaml == NULL) return -1;
    int result = read_part(loader, yaml, wanted, error);
    imd_yaml_close(yaml);
    return result;
}

static int check_input(const struct imd_settings *input, struct imd_error *error) {
    const char *parameter = input->tenant_id != NULL ? "tenantId" : input->tenant_name != NULL ? "tenantName" : NULL;

    if (parameter != NULL) {
        imd_error_set(error, "give the tenant in one of the two places", "%s is given beside tenantsFile", parameter);
        imd_error_parameter(error, parameter);
        return -1;
    }
    return imd_settings_one_credential(input, error);
}

static int load(struct loader *loader, const struct imd_settings *input, struct imd_buffer *bytes,
                struct imd_error *error) {
    if (loader->file == NULL || loader->tenants == NULL || loader->defaults == NULL) {
        return imd_error_set(error, NULL, "not enough memory for the tenants");
    }
    if (check_input(input, error) != 0) return -1;
    if (imd_file_read(loader->file, bytes, error) != 0) {
        imd_error_parameter(error, "tenantsFile");
        return -1;
    }
    if (read_file(loader, bytes, DEFAULTS, error) != 0 || read_file(loader, bytes, TENANTS, error) != 0) return -1;
    if (loader->tenants->count == 0) {
        imd_error_set(error, "write a list of tenants under the key tenants", "the tenants file holds no tenant");
        return place(error, loader, 0);
    }
    return 0;
}

int imd_tenants_load(const char *path, const struct imd_settings *input, const struct imd_log *log,
                     struct imd_tenants **tenants, struct imd_error *error) {
    struct loader loader = {.file = imd_text_new(path, strlen(path)),
                            .log = log,
                            .defaults = imd_settings_copy(input),
                            .tenants = calloc(1, sizeof *loader.tenants)};
    struct imd_buffer bytes;

    imd_buffer_init(&bytes, IMD_TENANTS_FILE_MAX);
    int result = load(&loader, input, &bytes, error);
    if (result == 0) {
        *tenants = loader.tenants;
    } else {
        imd_tenants_free(loader.tenants);
    }
    imd_buffer_wipe(&bytes); /* it may hold inline secrets */
    imd_yaml_mapping_free(&loader.default_items);
    imd_map_free(&loader.certificates);
    imd_map_free(&loader.texts);
    imd_map_free(&loader.feeds);
    imd_settings_release(loader.defaults);
    imd_text_release(loader.file);
    return result;
}

int imd_tenants_inline(const struct imd_settings *input, const struct imd_log *log, struct imd_tenants **tenants,
                       struct imd_error *error) {
    struct imd_tenants *one = calloc(1, sizeof *one);
    struct imd_settings *settings = imd_settings_copy(input);

    if (one != NULL) one->items = malloc(sizeof *one->items);
    if (one == NULL || one->items == NULL || settings == NULL) {
        imd_settings_release(settings);
        imd_tenants_free(one);
        return imd_error_set(error, NULL, "not enough memory for the tenant");
    }
    one->items[0] = settings;
    one->count = 1;
    if (settings->tenant_id == NULL) {
        imd_error_set(error, "give tenantsFile, or tenantId for a single tenant", "no tenant is given");
        imd_error_parameter(error, "tenantsFile");
    } else if (imd_settings_check(settings, log, error) == 0) {
        *tenants = one;
        return 0;
    }
    imd_tenants_free(one);
    return -1;
}

void imd_tenants_free(struct imd_tenants *tenants) {
    if (tenants == NULL) return;
    for (size_t i = 0; i < tenants->count; i++) imd_settings_release(tenants->items[i]);
    free(tenants->items);
    free(tenants);
}
