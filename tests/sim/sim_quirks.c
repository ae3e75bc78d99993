/* SPDX-License-Identifier: Apache-2.0 */
/* The quirks of a scenario rule as graph_quirks. */
#include "sim_quirks.h"

#include <stddef.h>
#include <string.h>

static const char *const orders[] = {"obeyed", "refused", "ignored", NULL};
static const char *const links[] = {"present", "missing", "looping", "expired", "elsewhere", NULL};
static const char *const ties[] = {"stable", "reversed", "shuffled", NULL};
static const char *const injections[] = {"nothing", "no-id", "bad-time", "other-tenant", "no-object", NULL};

static const char *const bounds[] = {"inclusive", "exclusive", "milliseconds", NULL};

static const struct key {
    const char *name;
    enum { CHOICE, SWITCH, NUMBER, TEXT } type;
    size_t offset;
    const char *const *choices;
} keys[] = {
    {"order", CHOICE, offsetof(struct graph_quirks, order), orders},
    {"link", CHOICE, offsetof(struct graph_quirks, link), links},
    {"ties", CHOICE, offsetof(struct graph_quirks, ties), ties},
    {"inject", CHOICE, offsetof(struct graph_quirks, inject), injections},
    {"bounds", CHOICE, offsetof(struct graph_quirks, bounds), bounds},
    {"skipLinks", SWITCH, offsetof(struct graph_quirks, skip_links), NULL},
    {"linkLast", SWITCH, offsetof(struct graph_quirks, link_last), NULL},
    {"defaultByChange", SWITCH, offsetof(struct graph_quirks, default_by_change), NULL},
    {"filterIgnored", SWITCH, offsetof(struct graph_quirks, filter_ignored), NULL},
    {"emptyFirst", SWITCH, offsetof(struct graph_quirks, empty_first), NULL},
    {"partial", SWITCH, offsetof(struct graph_quirks, partial), NULL},
    {"expandFails", SWITCH, offsetof(struct graph_quirks, expand_fails), NULL},
    {"topClamp", NUMBER, offsetof(struct graph_quirks, top_clamp), NULL},
    {"topRefused", NUMBER, offsetof(struct graph_quirks, top_refused), NULL},
    {"shortPages", NUMBER, offsetof(struct graph_quirks, short_pages), NULL},
    {"skipRefused", SWITCH, offsetof(struct graph_quirks, skip_refused), NULL},
    {"selectRefused", SWITCH, offsetof(struct graph_quirks, select_refused), NULL},
    {"poison", TEXT, offsetof(struct graph_quirks, poison), NULL},
    {"partialHides", TEXT, offsetof(struct graph_quirks, partial_hides), NULL},
    {"elsewhere", TEXT, offsetof(struct graph_quirks, elsewhere), NULL},
};

static bool set_choice(const struct key *key, struct json_object *value, void *place) {
    const char *text = json_object_get_string(value);
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            memcpy(place, &i, sizeof i);
            return true;
        }
    }
    return false;
}

static bool set(const struct key *key, struct json_object *value, struct graph_quirks *quirks) {
    char *place = (char *)quirks + key->offset;
    if (key->type == CHOICE && json_object_is_type(value, json_type_string)) {
        return set_choice(key, value, place);
    }
    if (key->type == SWITCH && json_object_is_type(value, json_type_boolean)) {
        *(bool *)place = json_object_get_boolean(value);
        return true;
    }
    if (key->type == NUMBER && json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0) {
        unsigned number = (unsigned)json_object_get_int64(value);
        memcpy(place, &number, sizeof number);
        return true;
    }
    if (key->type == TEXT && json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value); /* lives as long as the scenario */
        memcpy(place, &text, sizeof text);
        return true;
    }
    return false;
}

const char *sim_quirks_read(struct json_object *object, struct graph_quirks *quirks) {
    json_object_object_foreach(object, name, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !known; i++) {
            known = strcmp(keys[i].name, name) == 0 && set(&keys[i], value, quirks);
        }
        if (!known) {
            return name;
        }
    }
    return NULL;
}
