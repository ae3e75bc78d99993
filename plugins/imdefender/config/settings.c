/* SPDX-License-Identifier: Apache-2.0 */
/* Life and values of a set of settings. What makes a complete tenant is judged in settings_check.c. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "parameters.h"
#include "secret.h"
#include "text.h"
#include "values.h"

#define ACCEPTS_MAX 384
#define LABEL_NAME_MAX 128
#define LABEL_VALUE_MAX 1024
#define QUOTE_MAX 80 /* bytes of a refused value that an error repeats */

static bool is_text(const struct imd_parameter *row) {
    switch (row->type) {
        case IMD_TYPE_TEXT:
        case IMD_TYPE_TENANT:
        case IMD_TYPE_GUID:
        case IMD_TYPE_IDENTITY:
        case IMD_TYPE_FILE:
        case IMD_TYPE_SECRET_FILE:
        case IMD_TYPE_SECRET:
        case IMD_TYPE_URL:
        case IMD_TYPE_PROXY:
            return row->member >= 0;
        default:
            return false;
    }
}

static void *member_of(struct imd_settings *settings, const struct imd_parameter *row) {
    return (char *)settings + row->member;
}

static char **text_of(struct imd_settings *settings, const struct imd_parameter *row) {
    return member_of(settings, row);
}

/* --- life --- */

struct imd_settings *imd_settings_new(void) {
    struct imd_settings *settings = calloc(1, sizeof *settings);

    if (settings == NULL) return NULL;
    settings->references = 1;
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (row->member < 0 || row->fallback == NULL) continue;
        if (imd_settings_set(settings, row->name, &row->fallback, 1, NULL) != 0) {
            imd_settings_release(settings);
            return NULL;
        }
    }
    memset(settings->given, 0, sizeof settings->given);
    settings->own = 0;
    return settings;
}

static bool copy_labels(struct imd_settings *copy, const struct imd_settings *settings) {
    if (settings->label_count == 0) return true;
    copy->labels = calloc(settings->label_count, sizeof *copy->labels);
    if (copy->labels == NULL) return false;
    copy->label_count = settings->label_count;
    for (size_t i = 0; i < settings->label_count; i++) {
        copy->labels[i].name = imd_text_share(settings->labels[i].name);
        copy->labels[i].value = imd_text_share(settings->labels[i].value);
    }
    return true;
}

struct imd_settings *imd_settings_copy(const struct imd_settings *settings) {
    struct imd_settings *copy = malloc(sizeof *copy);

    if (copy == NULL) return NULL;
    *copy = *settings;
    copy->references = 1;
    copy->own = 0;
    copy->labels = NULL;
    copy->label_count = 0;
    imd_text_share(copy->file);
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (is_text(row)) imd_text_share(*text_of(copy, row));
    }
    if (!copy_labels(copy, settings)) {
        imd_settings_release(copy);
        return NULL;
    }
    return copy;
}

struct imd_settings *imd_settings_share(struct imd_settings *settings) {
    if (settings != NULL) __atomic_add_fetch(&settings->references, 1, __ATOMIC_RELAXED);
    return settings;
}

void imd_settings_release(struct imd_settings *settings) {
    if (settings == NULL || __atomic_sub_fetch(&settings->references, 1, __ATOMIC_ACQ_REL) != 0) return;
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (is_text(row)) imd_text_release(*text_of(settings, row));
    }
    for (size_t i = 0; i < settings->label_count; i++) {
        imd_text_release(settings->labels[i].name);
        imd_text_release(settings->labels[i].value);
    }
    free(settings->labels);
    imd_text_release(settings->file);
    free(settings);
}

/* --- values --- */

static int no_memory(struct imd_error *error) {
    return imd_error_set(error, NULL, "not enough memory for the settings");
}

/* The value is repeated only where it cannot be a secret that was put into the wrong place. */
static int refuse(const struct imd_parameter *row, const char *value, const char *problem, struct imd_error *error) {
    char accepts[ACCEPTS_MAX - 8], remedy[ACCEPTS_MAX];
    bool quote = row->type != IMD_TYPE_SECRET && row->type != IMD_TYPE_FILE &&
                 row->type != IMD_TYPE_SECRET_FILE && row->type != IMD_TYPE_URL &&
                 row->type != IMD_TYPE_PROXY && strlen(value) <= QUOTE_MAX;

    imd_parameter_accepts(row, accepts, sizeof accepts);
    snprintf(remedy, sizeof remedy, "give %s", accepts);
    if (quote) {
        imd_error_set(error, remedy, "%s '%s' is not valid%s%s", row->name, value, problem == NULL ? "" : ": ",
                      problem == NULL ? "" : problem);
    } else {
        imd_error_set(error, remedy, "the value of %s is not valid%s%s", row->name, problem == NULL ? "" : ": ",
                      problem == NULL ? "" : problem);
    }
    imd_error_parameter(error, row->name);
    return -1;
}

static const char *tenant_problem(const char *value) {
    static const char *const shared[] = {"common", "organizations", "consumers", NULL};

    if (imd_value_choice(value, shared) >= 0) return "it names no tenant, and this kind of sign-in is refused there";
    return NULL;
}

/* Brings a value of a text type into the form it is kept in: `normal` points to it, `length` is its length. NULL is
 * returned if it is valid, else what is wrong ("" if there is nothing to say beyond that). */
static const char *normalize(const struct imd_parameter *row, const char *value, char guid[37], const char **normal,
                             size_t *length) {
    const char *problem = "";

    *normal = value;
    *length = strlen(value);
    if (!imd_value_clean(value)) return "it holds control characters or is not UTF-8";
    switch (row->type) {
        case IMD_TYPE_TEXT:
            if (row->maximum > 0 && *length > (size_t)row->maximum) return "it is too long";
            return row->maximum > 0 && *length < (size_t)row->minimum ? "it is empty" : NULL;
        case IMD_TYPE_SECRET:
            return *length == 0 ? "it is empty" : NULL;
        case IMD_TYPE_FILE:
            return value[0] == '/' ? NULL : "it is not an absolute path";
        case IMD_TYPE_SECRET_FILE:
            return imd_secret_is_place(value) ? NULL : "it is neither an absolute path nor credential:NAME nor env:NAME";
        case IMD_TYPE_URL:
            return imd_value_url(value, length, &problem) ? NULL : problem;
        case IMD_TYPE_PROXY:
            return *length == 0 || imd_value_proxy(value, length, &problem) ? NULL : problem;
        case IMD_TYPE_TENANT:
            if (imd_value_domain(value)) return NULL;
            problem = tenant_problem(value);
            break;
        case IMD_TYPE_IDENTITY:
            if (strcasecmp(value, "system") == 0) {
                *normal = "system";
                return NULL;
            }
            break;
        default:
            break;
    }
    if (!imd_value_guid(value, guid)) return problem == NULL ? "" : problem;
    *normal = guid;
    return NULL;
}

static int set_text(struct imd_settings *settings, const struct imd_parameter *row, const char *value,
                    struct imd_error *error) {
    char guid[37];
    const char *normal;
    size_t length;
    const char *problem = normalize(row, value, guid, &normal, &length);

    if (problem != NULL) return refuse(row, value, problem[0] == '\0' ? NULL : problem, error);
    char *text = NULL; /* an empty text takes back what was inherited */
    if (length > 0) {
        text = imd_text_new(normal, length);
        if (text == NULL) return no_memory(error);
    }
    char **slot = text_of(settings, row);
    imd_text_release(*slot);
    *slot = text;
    return 0;
}

static int set_number(struct imd_settings *settings, const struct imd_parameter *row, const char *value,
                      struct imd_error *error) {
    int64_t number;
    bool valid;

    if (row->type == IMD_TYPE_DURATION) {
        valid = imd_value_duration(value, &number);
    } else if (row->type == IMD_TYPE_SIZE) {
        valid = imd_value_size(value, &number);
    } else {
        valid = imd_value_integer(value, &number);
    }
    if (!valid) return refuse(row, value, NULL, error);
    if (number < row->minimum || number > row->maximum) return refuse(row, value, "it is out of range", error);
    *(int64_t *)member_of(settings, row) = number;
    return 0;
}

static int set_choice(struct imd_settings *settings, const struct imd_parameter *row, const char *value,
                      struct imd_error *error) {
    int choice = imd_value_choice(value, row->choices);

    if (choice < 0) return refuse(row, value, NULL, error);
    if (row->member == (ptrdiff_t)offsetof(struct imd_settings, cloud)) {
        settings->cloud = imd_cloud_find(row->choices[choice]);
    } else {
        *(int *)member_of(settings, row) = choice;
    }
    return 0;
}

static int set_choices(struct imd_settings *settings, const struct imd_parameter *row, const char *const values[],
                       size_t count, struct imd_error *error) {
    unsigned bits = 0;

    for (size_t i = 0; i < count; i++) {
        int choice = imd_value_choice(values[i], row->choices);
        if (choice < 0) return refuse(row, values[i], NULL, error);
        bits |= 1u << choice;
    }
    *(unsigned *)member_of(settings, row) = bits;
    return 0;
}

static int set_facility(struct imd_settings *settings, const struct imd_parameter *row, const char *value,
                        struct imd_error *error) {
    if (imd_value_facility(value, member_of(settings, row))) return 0;
    return refuse(row, value, NULL, error);
}

static int set_values(struct imd_settings *settings, const struct imd_parameter *row, const char *const values[],
                      size_t count, struct imd_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (strnlen(values[i], IMD_VALUE_MAX + 1) > IMD_VALUE_MAX)
            return refuse(row, values[i], "it is too long", error);
    }
    if (row->type == IMD_TYPE_CHOICES) return set_choices(settings, row, values, count, error);
    if (count != 1) {
        imd_error_set(error, "give one value", "%s has %s", row->name, count == 0 ? "no value" : "several values");
        imd_error_parameter(error, row->name);
        return -1;
    }
    if (is_text(row)) return set_text(settings, row, values[0], error);
    if (row->type == IMD_TYPE_CHOICE) return set_choice(settings, row, values[0], error);
    if (row->type == IMD_TYPE_FACILITY) return set_facility(settings, row, values[0], error);
    return set_number(settings, row, values[0], error);
}

/* --- credentials of several levels --- */

static bool is_one_of(const struct imd_parameter *row, const ptrdiff_t members[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (row->member == members[i]) return true;
    }
    return false;
}

static bool is_credential(const struct imd_parameter *row) {
    static const ptrdiff_t members[] = {
        offsetof(struct imd_settings, client_secret_file), offsetof(struct imd_settings, client_secret),
        offsetof(struct imd_settings, certificate_file),   offsetof(struct imd_settings, federated_token_file),
        offsetof(struct imd_settings, managed_identity),   offsetof(struct imd_settings, refresh_token_file),
    };
    return is_one_of(row, members, sizeof members / sizeof members[0]);
}

/* Belongs to a certificate and goes when another credential comes. */
static bool is_companion(const struct imd_parameter *row) {
    static const ptrdiff_t members[] = {offsetof(struct imd_settings, key_file),
                                        offsetof(struct imd_settings, key_passphrase_file)};
    return is_one_of(row, members, sizeof members / sizeof members[0]);
}

static void drop_inherited_credentials(struct imd_settings *settings) {
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        size_t index = (size_t)(row - imd_parameters);
        if ((!is_credential(row) && !is_companion(row)) || (settings->own >> index & 1) != 0) continue;
        imd_text_release(*text_of(settings, row));
        *text_of(settings, row) = NULL;
        settings->given[index] = false;
    }
}

int imd_settings_one_credential(const struct imd_settings *settings, struct imd_error *error) {
    const char *first = NULL;

    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (!is_credential(row)) continue;
        const char *const *text = (const char *const *)(const void *)((const char *)settings + row->member);
        if (*text == NULL) continue;
        if (row->member == (ptrdiff_t)offsetof(struct imd_settings, refresh_token_file) &&
            settings->managed_identity == NULL) {
            continue; /* says who signs in, while the others say how the app proves itself */
        }
        if (first != NULL) {
            imd_error_set(error, "keep one of them", "two credentials are given, %s and %s", first, row->name);
            imd_error_parameter(error, row->name);
            return -1;
        }
        first = row->name;
    }
    return 0;
}

/* --- setting by name --- */

static int unknown_name(const char *name, struct imd_error *error) {
    const char *nearest = imd_parameter_nearest(name, IMD_SCOPE_INPUT | IMD_SCOPE_TENANT);
    char remedy[128];

    if (nearest != NULL) {
        snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest);
    } else {
        snprintf(remedy, sizeof remedy, "'imdefenderctl parameters' lists the known ones");
    }
    imd_error_set(error, remedy, "unknown parameter '%.*s'", QUOTE_MAX, name);
    imd_error_parameter(error, name);
    return -1;
}

int imd_settings_set(struct imd_settings *settings, const char *name, const char *const values[], size_t count,
                     struct imd_error *error) {
    const struct imd_parameter *row = imd_parameter_find(name);

    if (row == NULL) return unknown_name(name, error);
    if (row->member < 0) {
        imd_error_set(error, row->scope == IMD_SCOPE_MODULE ? "give it to module()" : "give it to input()",
                      "%s is no parameter of a tenant", row->name);
        imd_error_parameter(error, row->name);
        return -1;
    }
    if (set_values(settings, row, values, count, error) != 0) return -1;
    size_t index = (size_t)(row - imd_parameters);
    settings->given[index] = true;
    settings->own |= UINT64_C(1) << index;
    if (is_credential(row)) drop_inherited_credentials(settings);
    return 0;
}

/* --- labels --- */

static int check_label(const char *name, const char *value, struct imd_error *error) {
    if (name[0] == '\0' || strnlen(name, LABEL_NAME_MAX + 1) > LABEL_NAME_MAX || !imd_value_clean(name)) {
        return imd_error_set(error, "give a name of 1 to 128 bytes of UTF-8 without control characters",
                             "the name of a label is not valid");
    }
    if (strnlen(value, LABEL_VALUE_MAX + 1) > LABEL_VALUE_MAX || !imd_value_clean(value)) {
        return imd_error_set(error, "give at most 1024 bytes of UTF-8 without control characters",
                             "the value of label '%s' is not valid", name);
    }
    return 0;
}

static struct imd_label *find_label(const struct imd_settings *settings, const char *name) {
    for (size_t i = 0; i < settings->label_count; i++) {
        if (strcmp(settings->labels[i].name, name) == 0) return &settings->labels[i];
    }
    return NULL;
}

static int add_label(struct imd_settings *settings, const char *name, char *value, struct imd_error *error) {
    char *own_name = imd_text_new(name, strlen(name));
    struct imd_label *labels = NULL;

    if (own_name != NULL) labels = realloc(settings->labels, (settings->label_count + 1) * sizeof *labels);
    if (labels == NULL) {
        imd_text_release(own_name);
        return no_memory(error);
    }
    settings->labels = labels;
    labels[settings->label_count++] = (struct imd_label){own_name, value};
    return 0;
}

int imd_settings_label(struct imd_settings *settings, const char *name, const char *value, struct imd_error *error) {
    int result = check_label(name, value, error);
    struct imd_label *label = find_label(settings, name);

    if (result == 0 && label == NULL && settings->label_count == IMD_LABELS_MAX) {
        result = imd_error_set(error, "remove some", "there are more than %d labels", IMD_LABELS_MAX);
    }
    if (result == 0) {
        char *text = imd_text_new(value, strlen(value));
        if (text == NULL) {
            result = no_memory(error);
        } else if (label != NULL) {
            imd_text_release(label->value);
            label->value = text;
        } else {
            result = add_label(settings, name, text, error);
            if (result != 0) imd_text_release(text);
        }
    }
    if (result != 0) imd_error_parameter(error, "labels");
    return result;
}

/* --- reading --- */

const char *imd_settings_name(const struct imd_settings *settings) {
    if (settings->tenant_name != NULL) return settings->tenant_name;
    return settings->tenant_id == NULL ? "" : settings->tenant_id;
}

const char *imd_settings_login_url(const struct imd_settings *settings) {
    return settings->login_url != NULL ? settings->login_url : settings->cloud->login_url;
}

bool imd_settings_expands(const struct imd_settings *settings, const struct imd_source *source) {
    if (source->expand == NULL) return false;
    return source->id == IMD_SOURCE_INCIDENTS ? settings->expand_alerts != 0 : settings->expand_evidence != 0;
}

const char *imd_settings_api_url(const struct imd_settings *settings, const struct imd_source *source) {
    if (settings->api_url != NULL) return settings->api_url;
    switch (source->api) {
        case IMD_API_GRAPH:
            return settings->cloud->graph_url;
        case IMD_API_ENDPOINT:
            return settings->cloud->endpoint_url;
        case IMD_API_SIEM:
            return settings->cloud->siem_urls[settings->region];
    }
    return NULL;
}
