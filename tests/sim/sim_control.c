/* SPDX-License-Identifier: Apache-2.0 */
/* The control endpoint for tests, on loopback only: POST /sim/control, GET /sim/truth, GET /sim/stats. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "graph_file.h"
#include "graph_slice.h"
#include "graph_time.h"
#include "sim.h"

static void refuse(struct sim_call *call, const char *problem) {
    struct graph_buffer body = {0};
    graph_buffer_text(&body, "{\"error\":");
    graph_buffer_json(&body, problem);
    graph_buffer_text(&body, "}");
    sim_call_body(call, 400, "application/json", body.bytes);
    graph_buffer_free(&body);
}

static void add_truth(void *context, const struct graph_version *version) {
    struct graph_buffer *body = context;
    sim_truth_line(body, version, true);
    graph_buffer_text(body, "}\n");
}

static void answer_stats(struct sim_call *call) {
    struct sim *sim = call->sim;
    struct graph_buffer body = {0};
    size_t objects = 0, pending = 0;
    for (size_t i = 0; i < sim->data.tenant_count; i++) {
        for (int source = 0; source < GRAPH_SOURCES; source++) {
            objects += sim->data.tenants[i]->feeds[source].object_count;
            pending += sim->data.tenants[i]->feeds[source].pending_count;
        }
    }
    graph_buffer_print(&body,
                       "{\"requests\":%" PRIu64 ",\"tokens\":%" PRIu64 ",\"pages\":%" PRIu64 ",\"faults\":%" PRIu64
                       ",\"tenants\":%zu,\"objects\":%zu,\"pending\":%zu}\n",
                       sim->requests, sim->tokens, sim->pages, sim->faults, sim->data.tenant_count, objects, pending);
    sim_call_body(call, 200, "application/json", body.bytes);
    graph_buffer_free(&body);
}

/* {"scenario":{...}} replaces the scenario. */
static bool set_scenario(struct sim_call *call, struct graph_slice value) {
    char *problem = NULL;
    struct sim_scenario *scenario = sim_scenario_parse(value.bytes, value.length, sim_now(call->sim), &problem);
    if (scenario == NULL) {
        refuse(call, problem);
        free(problem);
        return false;
    }
    sim_scenario_free(call->sim->scenario);
    call->sim->scenario = scenario;
    return true;
}

/* {"add":[objects]} adds them byte for byte, visible now; later versions of one id at once, too. */
static bool add_objects(struct sim_call *call, struct graph_slice value, int source) {
    const char *problem = NULL;
    struct graph_data *data = &call->sim->data;
    struct graph_replay *replay = graph_replay_new();
    bool done = graph_replay_add(replay, source, value.bytes, value.length, &problem) == 0 &&
                graph_replay_finish(replay, data, data->tenants[0], 0, sim_now(call->sim), &problem) == 0;
    graph_replay_free(replay);
    if (!done) {
        refuse(call, problem);
    }
    return done;
}

static int64_t number_of(struct json_object *object, const char *name, int64_t fallback) {
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : fallback;
}

static void make_in(struct sim *sim, struct graph_tenant *tenant, struct json_object *order,
                    const struct graph_make *how) {
    struct json_object *name = NULL;
    int source = json_object_object_get_ex(order, "source", &name) ? graph_source_by_name(json_object_get_string(name))
                                                                   : GRAPH_ALERTS;
    if (source < 0) {
        return;
    }
    struct graph_feed *feed = &tenant->feeds[source];
    int64_t now = sim_now(sim);
    for (int64_t i = number_of(order, "updates", 0); i > 0; i--) {
        graph_make_update(&sim->data, feed, how, now, &sim->random);
    }
    for (int64_t i = number_of(order, "count", 0); i > 0; i--) {
        graph_make_new(&sim->data, feed, how, now, &sim->random);
    }
}

/* {"make":{"tenant":..,"source":..,"count":..,"updates":..,"late":seconds,"size":bytes,"ties":percent,"servedOnly":bool}} */
static bool make(struct sim_call *call, struct graph_slice value) {
    struct sim *sim = call->sim;
    char *text = graph_copy(value.bytes, value.length);
    struct json_object *order = json_tokener_parse(text), *name = NULL, *flag = NULL;
    free(text);
    struct graph_make how = {.size = (size_t)number_of(order, "size", 0),
                             .tie_percent = (unsigned)number_of(order, "ties", sim->options.tie_share),
                             .late_percent = 100,
                             .late = number_of(order, "late", 0) * GRAPH_SECOND};
    how.served_only = json_object_object_get_ex(order, "servedOnly", &flag) && json_object_get_boolean(flag);
    struct graph_tenant *tenant = NULL;
    bool all = !json_object_object_get_ex(order, "tenant", &name) || strcmp(json_object_get_string(name), "*") == 0;
    if (!all) {
        tenant = graph_data_find(&sim->data, json_object_get_string(name));
    }
    for (size_t i = 0; i < sim->data.tenant_count; i++) {
        if (all || sim->data.tenants[i] == tenant) {
            make_in(sim, sim->data.tenants[i], order, &how);
        }
    }
    json_object_put(order);
    if (!all && tenant == NULL) {
        refuse(call, "no such tenant");
        return false;
    }
    return true;
}

static void control(struct sim_call *call) {
    struct graph_slice order =
        graph_slice_value(call->content.bytes != NULL ? call->content.bytes : "", call->content.length);
    struct graph_slice scenario = graph_slice_member(order, "scenario"), add = graph_slice_member(order, "add"),
                       incidents = graph_slice_member(order, "addIncidents"),
                       endpoint = graph_slice_member(order, "addEndpointAlerts"),
                       detections = graph_slice_member(order, "addDetections"), made = graph_slice_member(order, "make"),
                       shift = graph_slice_member(order, "clockShift"), tenant = graph_slice_member(order, "tenant");
    if (!graph_slice_is(order, '{')) {
        refuse(call, "no JSON object");
        return;
    }
    if (tenant.bytes != NULL) {
        char *id = graph_slice_text(tenant);
        if (id != NULL) {
            graph_data_tenant(&call->sim->data, id);
        }
        free(id);
    }
    if (shift.bytes != NULL) {
        call->sim->clock_shift = (int64_t)(strtod(shift.bytes, NULL) * (double)GRAPH_SECOND);
    }
    if ((scenario.bytes == NULL || set_scenario(call, scenario)) &&
        (add.bytes == NULL || add_objects(call, add, GRAPH_ALERTS)) &&
        (incidents.bytes == NULL || add_objects(call, incidents, GRAPH_INCIDENTS)) &&
        (endpoint.bytes == NULL || add_objects(call, endpoint, GRAPH_ENDPOINT_ALERTS)) &&
        (detections.bytes == NULL || add_objects(call, detections, GRAPH_SIEM_DETECTIONS)) &&
        (made.bytes == NULL || make(call, made))) {
        sim_call_body(call, 200, "application/json", "{}\n");
    }
}

void sim_control_answer(struct sim_call *call) {
    if (strcmp(call->path, "/sim/control") == 0 && strcmp(call->method, "POST") == 0) {
        control(call);
    } else if (strcmp(call->path, "/sim/truth") == 0) {
        struct graph_buffer body = {0};
        graph_buffer_text(&body, "");
        graph_data_each(&call->sim->data, add_truth, &body);
        sim_call_body(call, 200, "application/x-ndjson", body.bytes);
        graph_buffer_free(&body);
    } else if (strcmp(call->path, "/sim/stats") == 0) {
        answer_stats(call);
    } else {
        sim_call_body(call, 404, "application/json", "{\"error\":\"no such thing\"}");
    }
}
