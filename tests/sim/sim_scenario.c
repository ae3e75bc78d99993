/* SPDX-License-Identifier: Apache-2.0 */
/* The scenario: rules that say which requests meet which fault. */
#include "sim_scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_time.h"
#include "sim_quirks.h"

#define BOTH (SIM_TOKEN | SIM_API)

static const struct sim_fault faults[] = {
    /* token endpoint */
    {"wrong-secret", SIM_TOKEN, SIM_FAULT_ERROR, 401, "invalid_client",
     "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
     "client secret ID.",
     7000215},
    {"expired-secret", SIM_TOKEN, SIM_FAULT_ERROR, 401, "invalid_client",
     "The provided client secret keys for the app are expired.", 7000222},
    {"unknown-tenant", SIM_TOKEN, SIM_FAULT_ERROR, 400, "invalid_request",
     "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
     90002},
    {"no-app", SIM_TOKEN, SIM_FAULT_ERROR, 400, "unauthorized_client",
     "Application was not found in the directory. This can happen if the application has not been installed by the "
     "administrator of the tenant or consented to by any user in the tenant.",
     700016},
    {"temporarily-unavailable", SIM_TOKEN, SIM_FAULT_ERROR, 503, "temporarily_unavailable",
     "The service is temporarily unavailable. Please retry later.", 90033},
    {"no-roles", SIM_TOKEN, SIM_FAULT_NO_ROLES, 200, NULL, NULL, 0},
    {"other-tenant", SIM_TOKEN, SIM_FAULT_OTHER_TENANT, 200, NULL, NULL, 0},
    {"no-token", SIM_TOKEN, SIM_FAULT_NO_TOKEN, 200, NULL, NULL, 0},
    /* API */
    {"no-consent", SIM_API, SIM_FAULT_ERROR, 403, "Forbidden",
     "Missing application roles. API required roles: SecurityAlert.Read.All,SecurityAlert.ReadWrite.All,"
     "SecurityIncident.Read.All,SecurityIncident.ReadWrite.All, application roles: .",
     0},
    {"insufficient-privileges", SIM_API, SIM_FAULT_ERROR, 403, "Authorization_RequestDenied",
     "Insufficient privileges to complete the operation.", 0},
    {"unlicensed", SIM_API, SIM_FAULT_ERROR, 403, "Forbidden", "Tenant is not licensed for this feature.", 0},
    {"not-provisioned", SIM_API, SIM_FAULT_ERROR, 403, "Forbidden", "Account is not provisioned.", 0},
    {"non-premium", SIM_API, SIM_FAULT_ERROR, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
     "Neither tenant is B2C or tenant doesn't have premium license.", 0},
    {"expired-token", SIM_API, SIM_FAULT_ERROR, 401, "InvalidAuthenticationToken",
     "Lifetime validation failed, the token is expired.", 0},
    {"throttled", BOTH, SIM_FAULT_ERROR, 429, "TooManyRequests", "Too Many Requests", 90055},
    {"throttled-text", BOTH, SIM_FAULT_TEXT, 429, NULL, "Too Many Requests", 0},
    {"no-value", SIM_API, SIM_FAULT_NO_VALUE, 200, NULL, NULL, 0},
    {"value-not-array", SIM_API, SIM_FAULT_VALUE_NOT_ARRAY, 200, NULL, NULL, 0},
    {"redirect", BOTH, SIM_FAULT_REDIRECT, 302, NULL, NULL, 0},
    {"huge", SIM_API, SIM_FAULT_HUGE, 0, NULL, NULL, 0},
    /* both */
    {"status", BOTH, SIM_FAULT_ERROR, 500, "InternalServerError", "An internal error occurred.", 90033},
    {"text", BOTH, SIM_FAULT_TEXT, 500, NULL, "upstream connect error", 0},
    {"html", BOTH, SIM_FAULT_HTML, 200, NULL, NULL, 0},
    {"empty", BOTH, SIM_FAULT_EMPTY, 200, NULL, NULL, 0},
    {"truncated", BOTH, SIM_FAULT_TRUNCATED, 0, NULL, NULL, 0},
    {"reset", BOTH, SIM_FAULT_RESET, 0, NULL, NULL, 0},
    {"slow", BOTH, SIM_FAULT_SLOW, 0, NULL, NULL, 0},
    {"hang", BOTH, SIM_FAULT_HANG, 0, NULL, NULL, 0},
    {"delay", BOTH, SIM_FAULT_DELAY, 0, NULL, NULL, 0},
};

/* --- reading --- */

static char *text_of(struct json_object *value) {
    return json_object_get_string(value) == NULL
               ? NULL
               : graph_copy(json_object_get_string(value), strlen(json_object_get_string(value)));
}

static bool read_tenants(struct sim_rule *rule, struct json_object *value) {
    if (json_object_is_type(value, json_type_string)) {
        if (strcmp(json_object_get_string(value), "*") != 0) {
            rule->tenants = graph_alloc(2 * sizeof(char *));
            rule->tenants[0] = text_of(value);
        }
        return true;
    }
    if (!json_object_is_type(value, json_type_array)) {
        return false;
    }
    size_t count = json_object_array_length(value);
    rule->tenants = graph_alloc((count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        rule->tenants[i] = text_of(json_object_array_get_idx(value, i));
    }
    return true;
}

static bool read_fault(struct sim_rule *rule, const char *name) {
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (strcmp(faults[i].name, name) == 0) {
            rule->fault = &faults[i];
            return true;
        }
    }
    return false;
}

static bool read_paging(struct sim_rule *rule, struct json_object *object) {
    json_object_object_foreach(object, name, value) {
        unsigned number = (unsigned)json_object_get_int(value);
        if (strcmp(name, "updates") == 0) {
            rule->paging.updates = number;
        } else if (strcmp(name, "adds") == 0) {
            rule->paging.adds = number;
        } else if (strcmp(name, "limit") == 0) {
            rule->paging.limit = number;
        } else if (strcmp(name, "servedOnly") == 0) {
            rule->paging.served_only = json_object_get_boolean(value);
        } else {
            return false;
        }
    }
    return true;
}

static bool read_scope(struct sim_rule *rule, const char *name, struct json_object *value) {
    if (strcmp(name, "tenant") == 0) {
        return read_tenants(rule, value);
    }
    if (strcmp(name, "source") == 0) {
        rule->source = graph_source_by_name(json_object_get_string(value));
        return rule->source >= 0;
    }
    if (strcmp(name, "at") == 0) {
        bool token = strcmp(json_object_get_string(value), "token") == 0;
        rule->endpoint = token ? SIM_TOKEN : SIM_API;
        return token || strcmp(json_object_get_string(value), "api") == 0;
    }
    if (strcmp(name, "skip") == 0) {
        rule->skip = (unsigned)json_object_get_int(value);
    } else if (strcmp(name, "times") == 0) {
        rule->times = (unsigned)json_object_get_int(value);
    } else if (strcmp(name, "percent") == 0) {
        rule->percent = (unsigned)json_object_get_int(value);
    } else if (strcmp(name, "from") == 0) {
        rule->from = json_object_get_double(value);
    } else if (strcmp(name, "to") == 0) {
        rule->to = json_object_get_double(value);
    } else {
        return strcmp(name, "comment") == 0;
    }
    return true;
}

static bool read_detail(struct sim_rule *rule, const char *name, struct json_object *value) {
    struct {
        const char *name;
        char **text;
    } texts[] = {
        {"code", &rule->code}, {"message", &rule->message}, {"retryAfter", &rule->retry_after}, {"host", &rule->host}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            free(*texts[i].text);
            *texts[i].text = text_of(value);
            return true;
        }
    }
    if (strcmp(name, "status") == 0) {
        rule->status = json_object_get_int(value);
        return rule->status >= 100 && rule->status < 600;
    }
    if (strcmp(name, "milliseconds") == 0) {
        rule->milliseconds = (unsigned)json_object_get_int(value);
        return true;
    }
    if (strcmp(name, "bytes") == 0) {
        rule->bytes = (unsigned)json_object_get_int(value);
        return true;
    }
    return read_scope(rule, name, value);
}

static bool read_member(struct sim_rule *rule, const char *name, struct json_object *value) {
    struct graph_quirks quirks = {0};
    if (strcmp(name, "fault") == 0) {
        return read_fault(rule, json_object_get_string(value));
    }
    if (strcmp(name, "quirks") == 0) {
        rule->quirks = value;
        return json_object_is_type(value, json_type_object) && sim_quirks_read(value, &quirks) == NULL;
    }
    if (strcmp(name, "paging") == 0) {
        return json_object_is_type(value, json_type_object) && read_paging(rule, value);
    }
    if (strcmp(name, "late") == 0) {
        rule->late = json_object_get_double(value);
        return rule->late > 0;
    }
    if (strcmp(name, "latePercent") == 0) {
        rule->late_percent = (unsigned)json_object_get_int(value);
        return true;
    }
    return read_detail(rule, name, value);
}

static bool read_rule(struct sim_rule *rule, struct json_object *object, size_t number, char **problem) {
    rule->source = -1;
    rule->percent = 100;
    rule->late_percent = 100;
    if (!json_object_is_type(object, json_type_object)) {
        *problem = graph_copy("a rule is no object", strlen("a rule is no object"));
        return false;
    }
    json_object_object_foreach(object, name, value) {
        if (value == NULL || !read_member(rule, name, value)) {
            if (asprintf(problem, "rule %zu: unknown member or value at \"%s\"", number + 1, name) < 0) {
                abort();
            }
            return false;
        }
    }
    if (rule->fault != NULL && rule->endpoint == 0) {
        rule->endpoint = (rule->fault->endpoints & SIM_API) != 0 ? SIM_API : SIM_TOKEN;
    }
    if (rule->fault != NULL && (rule->fault->endpoints & rule->endpoint) == 0) {
        if (asprintf(problem, "rule %zu: \"%s\" is no fault of that endpoint", number + 1, rule->fault->name) < 0) {
            abort();
        }
        return false;
    }
    return true;
}

struct sim_scenario *sim_scenario_parse(const char *text, size_t length, int64_t now, char **problem) {
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *document = json_tokener_parse_ex(tokener, text, (int)length), *list = NULL;
    json_tokener_free(tokener);
    struct sim_scenario *scenario = graph_alloc(sizeof *scenario);
    scenario->document = document;
    scenario->loaded_at = now;
    if (!json_object_is_type(document, json_type_object) || !json_object_object_get_ex(document, "rules", &list) ||
        !json_object_is_type(list, json_type_array)) {
        *problem =
            graph_copy("no JSON object with an array \"rules\"", strlen("no JSON object with an array \"rules\""));
        sim_scenario_free(scenario);
        return NULL;
    }
    size_t count = json_object_array_length(list);
    scenario->rules = graph_alloc(count * sizeof *scenario->rules);
    for (size_t i = 0; i < count; i++) {
        scenario->count++;
        if (!read_rule(&scenario->rules[i], json_object_array_get_idx(list, i), i, problem)) {
            sim_scenario_free(scenario);
            return NULL;
        }
    }
    return scenario;
}

void sim_scenario_free(struct sim_scenario *scenario) {
    if (scenario == NULL) {
        return;
    }
    for (size_t i = 0; i < scenario->count; i++) {
        struct sim_rule *rule = &scenario->rules[i];
        for (char **tenant = rule->tenants; tenant != NULL && *tenant != NULL; tenant++) {
            free(*tenant);
        }
        free(rule->tenants);
        free(rule->hits);
        free(rule->code);
        free(rule->message);
        free(rule->retry_after);
        free(rule->host);
    }
    free(scenario->rules);
    json_object_put(scenario->document);
    free(scenario);
}

/* --- matching --- */

static bool concerns(const struct sim_scenario *scenario, const struct sim_rule *rule,
                     const struct graph_tenant *tenant, int source, int64_t now) {
    double age = (double)(now - scenario->loaded_at) / (double)GRAPH_SECOND;
    if (age < rule->from || (rule->to > 0 && age >= rule->to) || (rule->source >= 0 && rule->source != source)) {
        return false;
    }
    if (rule->tenants == NULL) {
        return true;
    }
    for (char **name = rule->tenants; tenant != NULL && *name != NULL; name++) {
        if (strcasecmp(*name, tenant->id) == 0 || (tenant->domain != NULL && strcasecmp(*name, tenant->domain) == 0)) {
            return true;
        }
    }
    return false;
}

/* Counts this request against `skip` and `times`. */
static bool hits(struct sim_rule *rule, const struct graph_tenant *tenant, struct graph_random *random) {
    size_t number = tenant != NULL ? tenant->number : 0;
    if (number >= rule->hits_size) {
        size_t size = number * 2 + 16;
        rule->hits = graph_grow(rule->hits, size * sizeof *rule->hits);
        memset(rule->hits + rule->hits_size, 0, (size - rule->hits_size) * sizeof *rule->hits);
        rule->hits_size = size;
    }
    if (rule->percent < 100 && !graph_random_chance(random, rule->percent)) {
        return false;
    }
    unsigned before = rule->hits[number]++;
    return before >= rule->skip && (rule->times == 0 || before < rule->skip + rule->times);
}

const struct sim_rule *sim_scenario_fault(struct sim_scenario *scenario, enum sim_endpoint endpoint,
                                          const struct graph_tenant *tenant, int source, int64_t now,
                                          struct graph_random *random) {
    for (size_t i = 0; i < scenario->count; i++) {
        struct sim_rule *rule = &scenario->rules[i];
        if (rule->fault != NULL && (rule->endpoint & endpoint) != 0 && concerns(scenario, rule, tenant, source, now) &&
            hits(rule, tenant, random)) {
            return rule;
        }
    }
    return NULL;
}

void sim_scenario_quirks(struct sim_scenario *scenario, const struct graph_tenant *tenant, int source, int64_t now,
                         struct graph_random *random, struct graph_quirks *quirks) {
    for (size_t i = 0; i < scenario->count; i++) {
        struct sim_rule *rule = &scenario->rules[i];
        if (rule->quirks != NULL && concerns(scenario, rule, tenant, source, now) && hits(rule, tenant, random)) {
            sim_quirks_read(rule->quirks, quirks);
        }
    }
}

void sim_scenario_page_done(struct sim_scenario *scenario, struct graph_data *data, struct graph_feed *feed,
                            int64_t now, struct graph_make how, struct graph_random *random) {
    for (size_t i = 0; i < scenario->count; i++) {
        struct sim_rule *rule = &scenario->rules[i];
        if (!concerns(scenario, rule, feed->tenant, feed->source, now)) {
            continue;
        }
        how.served_only = rule->paging.served_only;
        how.tie_percent = 100;
        for (unsigned n = 0; n < rule->paging.updates + rule->paging.adds; n++) {
            if (rule->paging.limit > 0 && rule->paging.used >= rule->paging.limit) {
                break;
            }
            if (n >= rule->paging.updates) {
                graph_make_new(data, feed, &how, now, random);
                rule->paging.used++;
            } else if (graph_make_update(data, feed, &how, now, random)) {
                rule->paging.used++;
            }
        }
    }
}

void sim_scenario_late(const struct sim_scenario *scenario, const struct graph_tenant *tenant, int source, int64_t now,
                       struct graph_make *how) {
    for (size_t i = 0; i < scenario->count; i++) {
        const struct sim_rule *rule = &scenario->rules[i];
        if (rule->late > 0 && concerns(scenario, rule, tenant, source, now)) {
            how->late = (int64_t)(rule->late * (double)GRAPH_SECOND);
            how->late_percent = rule->late_percent;
        }
    }
}
