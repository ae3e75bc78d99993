/* SPDX-License-Identifier: Apache-2.0 */
/* imdefenderctl tenants: reads and checks a tenants file exactly as the module does. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/parameters.h"
#include "config/tenants.h"
#include "imdefenderctl.h"

#define VALUES_MAX 16

static void print_warning(void *context, enum imd_log_level level, const char *text) {
    (void)context;
    (void)level;
    fprintf(stderr, "imdefenderctl: warning: %s\n", text);
}

/* "NAME=VALUE" or, for an array, "NAME=VALUE,VALUE". */
static int set(struct imd_settings *input, char *argument) {
    const char *values[VALUES_MAX];
    size_t count = 0;
    struct imd_error error;
    char *value = strchr(argument, '=');

    if (value == NULL) return ctl_usage("--set wants NAME=VALUE");
    *value++ = '\0';
    const struct imd_parameter *row = imd_parameter_find(argument);
    if (row != NULL && row->type == IMD_TYPE_SECRET) {
        return ctl_usage("a secret on the command line would be seen by every user; use %sFile", row->name);
    }
    if (row == NULL || row->type != IMD_TYPE_CHOICES) {
        values[count++] = value;
    } else {
        char *rest = value;
        while (rest != NULL && count < VALUES_MAX) values[count++] = strsep(&rest, ",");
    }
    return imd_settings_set(input, argument, values, count, &error) == 0 ? CTL_OK : ctl_fail(&error);
}

static void print_line(const struct imd_settings *tenant) {
    const char *before = "";

    printf("%s  %s  sources=", tenant->tenant_id, imd_settings_name(tenant));
    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        if ((tenant->sources & 1u << i) == 0) continue;
        printf("%s%s", before, imd_sources[i].name);
        before = ",";
    }
    printf("  cloud=%s  credential=%s  every=%llds\n", tenant->cloud->name, imd_credential_name(tenant->credential),
           (long long)tenant->poll_interval);
}

static struct json_object *json_of(const struct imd_settings *tenant) {
    struct json_object *object = json_object_new_object();
    struct json_object *sources = json_object_new_array();
    struct json_object *labels = json_object_new_object();

    for (int i = 0; i < IMD_SOURCE_COUNT; i++) {
        if ((tenant->sources & 1u << i) != 0)
            json_object_array_add(sources, json_object_new_string(imd_sources[i].name));
    }
    for (size_t i = 0; i < tenant->label_count; i++) {
        ctl_add_text(labels, tenant->labels[i].name, tenant->labels[i].value);
    }
    ctl_add_text(object, "tenantId", tenant->tenant_id);
    ctl_add_text(object, "tenantName", tenant->tenant_name);
    json_object_object_add(object, "sources", sources);
    ctl_add_text(object, "cloud", tenant->cloud->name);
    ctl_add_text(object, "credential", imd_credential_name(tenant->credential));
    ctl_add_text(object, "clientId", tenant->client_id);
    json_object_object_add(object, "pollInterval", json_object_new_int64(tenant->poll_interval));
    json_object_object_add(object, "labels", labels);
    json_object_object_add(object, "line", json_object_new_int64(tenant->line));
    return object;
}

static int print(const struct imd_tenants *tenants, bool as_json) {
    struct json_object *array;

    if (!as_json) {
        for (size_t i = 0; i < tenants->count; i++) print_line(tenants->items[i]);
        return CTL_OK;
    }
    array = json_object_new_array();
    for (size_t i = 0; i < tenants->count; i++) json_object_array_add(array, json_of(tenants->items[i]));
    return ctl_print_json(array);
}

static int load_and_print(const char *file, const struct imd_settings *input, bool as_json) {
    const struct imd_log log = {.write = print_warning};
    struct imd_tenants *tenants;
    struct imd_error error;

    if (imd_tenants_load(file, input, &log, &tenants, &error) != 0) return ctl_fail(&error);
    int status = print(tenants, as_json);
    imd_tenants_free(tenants);
    return status;
}

int ctl_tenants(int count, char **arguments) {
    static const struct option options[] = {
        {"set", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct imd_settings *input = imd_settings_new();
    bool as_json = false;
    int status = CTL_OK;

    if (input == NULL) return ctl_print_json(NULL);
    for (int option; status == CTL_OK && (option = getopt_long(count, arguments, "s:j", options, NULL)) != -1;) {
        if (option == 's') {
            status = set(input, optarg);
        } else if (option == 'j') {
            as_json = true;
        } else {
            status = ctl_usage("tenants: wrong option");
        }
    }
    if (status == CTL_OK && count - optind != 1) status = ctl_usage("tenants wants one file");
    if (status == CTL_OK) status = load_and_print(arguments[optind], input, as_json);
    imd_settings_release(input);
    return status;
}
