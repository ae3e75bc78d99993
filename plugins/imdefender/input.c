/* SPDX-License-Identifier: Apache-2.0 */
/* One input(type="imdefender") of the configuration. */
#include "input.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/values.h"
#include "parameter_block.h"
#include "report.h"

#define NAME_DEFAULT "imdefender"
#define CONSEQUENCE "this input does not start"

/* Parameters that are no settings of a tenant. */
static const struct {
    const char *name;
    size_t member;
} own_parameters[] = {
    {"name", offsetof(struct imd_input, name)},
    {"ruleset", offsetof(struct imd_input, ruleset_name)},
    {"tenantsFile", offsetof(struct imd_input, tenants_file)},
};

const char *imd_input_name(const struct imd_input *input) {
    return input->name != NULL ? input->name : NAME_DEFAULT;
}

static void report(struct imd_input *input, struct imd_error *error) {
    if (error->file[0] == '\0') { /* an error in the tenants file names that */
        imd_error_file(error, input->file, input->line);
    }
    imd_report_error(imd_input_name(input), error, CONSEQUENCE);
    input->broken = true;
}

/* --- reading the parameters --- */

static char **own_member(struct imd_input *input, const char *name) {
    for (size_t i = 0; i < sizeof(own_parameters) / sizeof(own_parameters[0]); i++) {
        if (strcasecmp(own_parameters[i].name, name) == 0) {
            return (char **)(void *)((char *)input + own_parameters[i].member);
        }
    }
    return NULL;
}

static int set_own(char **member, const char *text, struct imd_error *error) {
    if (text[0] == '\0' || !imd_value_clean(text)) {
        return imd_error_set(error, "give a text without control characters", "the value is empty or unreadable");
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return imd_error_set(error, NULL, "no memory");
    }
    free(*member);
    *member = copy;
    return 0;
}

static void take_parameter(void *context, const struct imd_parameter *parameter, const char *const values[],
                           size_t count) {
    struct imd_input *input = context;
    struct imd_error error;
    char **member = own_member(input, parameter->name);
    int result = member != NULL ? set_own(member, values[0], &error)
                                : imd_settings_set(input->settings, parameter->name, values, count, &error);
    if (result != 0) {
        imd_error_parameter(&error, parameter->name);
        imd_error_tenant(&error, input->settings->tenant_id);
        report(input, &error);
    }
}

static void take_unknown(void *context, const char *name, const char *nearest) {
    struct imd_input *input = context;
    struct imd_error error;
    imd_error_set(&error, NULL, "there is no parameter '%s'%s%s%s", name, nearest != NULL ? ", did you mean '" : "",
                  nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    report(input, &error);
}

struct imd_input *imd_input_new(struct nvlst *parameters) {
    struct imd_input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    const struct imd_config_place place = imd_config_place_now();
    input->line = place.line;
    input->file = place.file != NULL ? strdup(place.file) : NULL;
    input->settings = imd_settings_new();
    if (input->settings == NULL) {
        imd_input_free(input);
        return NULL;
    }
    const struct imd_parameter_reader reader = {input, take_parameter, take_unknown};
    if (!imd_parameter_block_read(parameters, IMD_SCOPE_INPUT, &reader)) {
        input->broken = true;
    }
    return input;
}

/* --- checking --- */

/* The name is the key of the state: two inputs of one name would take each other's watermarks for theirs. */
static int check_name(const struct imd_input *input, const struct imd_input *before, struct imd_error *error) {
    for (; before != input; before = before->next) {
        if (strcmp(imd_input_name(before), imd_input_name(input)) == 0) {
            imd_error_set(error, "give each input a name of its own; keep it for ever, the state is stored under it",
                          "another input is called '%s' too%s", imd_input_name(input),
                          input->name == NULL ? ", as every input without a name" : "");
            imd_error_parameter(error, "name");
            return -1;
        }
    }
    return 0;
}

/* Other inputs fall back to the default ruleset; alerts of customers must not end up where nobody looks. */
static int bind_ruleset(struct imd_input *input, rsconf_t *conf, struct imd_error *error) {
    input->ruleset = NULL;
    if (input->ruleset_name == NULL) {
        return 0;
    }
    if (imd_ruleset.GetRuleset(conf, &input->ruleset, (uchar *)input->ruleset_name) == RS_RET_OK) {
        return 0;
    }
    imd_error_set(error, "define it, or correct the name", "there is no ruleset '%s'", input->ruleset_name);
    imd_error_parameter(error, "ruleset");
    return -1;
}

static int load_tenants(struct imd_input *input, struct imd_error *error) {
    const struct imd_log log = imd_report_log();
    if (input->tenants_file == NULL) {
        return imd_tenants_inline(input->settings, &log, &input->tenants, error);
    }
    if (input->settings->tenant_id != NULL) {
        imd_error_set(error, "move the tenant into the tenants file", "tenantsFile and tenantId exclude each other");
        imd_error_parameter(error, "tenantId");
        return -1;
    }
    return imd_tenants_load(input->tenants_file, input->settings, &log, &input->tenants, error);
}

void imd_input_check(struct imd_input *input, rsconf_t *conf, const struct imd_input *before) {
    struct imd_error error;
    if (check_name(input, before, &error) != 0) {
        report(input, &error);
    }
    if (bind_ruleset(input, conf, &error) != 0) {
        report(input, &error);
    }
    /* With a parameter in error, what the tenants inherit is not what was meant: judging them would mislead. */
    if (!input->broken && load_tenants(input, &error) != 0) {
        report(input, &error);
    }
}

/* --- running parts --- */

int imd_input_build(struct imd_input *input, struct imd_engine *engine, bool per_feed_statistics,
                    struct imd_error *error) {
    input->submitter = imd_submitter_new(imd_input_name(input), input->ruleset);
    if (input->submitter == NULL) {
        return imd_error_set(error, NULL, "no memory");
    }
    const struct imd_sink sink = imd_submitter_sink(input->submitter);
    struct imd_tenants *tenants = input->tenants;
    input->tenants = NULL; /* the engine's, also when it fails */
    input->engine_input = imd_engine_add_input(engine, imd_input_name(input), input->tenants_file, input->settings,
                                               tenants, &sink, error);
    if (input->engine_input == NULL) {
        return -1;
    }
    input->statistics = imd_statistics_new(imd_input_name(input), engine, input->engine_input, per_feed_statistics);
    return input->statistics != NULL ? 0 : imd_error_set(error, NULL, "no memory for statistics");
}

void imd_input_unbuild(struct imd_input *input) {
    imd_statistics_free(input->statistics);
    input->statistics = NULL;
}

void imd_input_free(struct imd_input *input) {
    imd_input_unbuild(input);
    imd_submitter_free(input->submitter);
    imd_tenants_free(input->tenants);
    imd_settings_release(input->settings);
    free(input->name);
    free(input->ruleset_name);
    free(input->tenants_file);
    free(input->file);
    free(input);
}
