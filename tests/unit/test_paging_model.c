/* SPDX-License-Identifier: Apache-2.0 */
/* Plays random histories of each source's API to the engine: objects are made, updated, become visible late and share time
 * stamps while the engine pages; the API cuts pages, gives or withholds links and order, fails, cannot deliver an object, and
 * its clock is set; the output stands still for hours; the process is killed, and what was not acknowledged is lost with it.
 *
 * Whatever happens:
 * - after each complete poll, every version that was visible from its beginning to its end has been handed over;
 * - when all is quiet, every visible version has been;
 * - none twice, except after a kill those that were not acknowledged and committed;
 * - what is out and not acknowledged stays bounded;
 * - an object that cannot be delivered is told of by a placeholder, and the others come nevertheless.
 *
 * IMD_MODEL_SEED=N replays one history with a trace; IMD_MODEL_HISTORIES=N plays so many. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../sim/graph.h"
#include "../sim/graph_time.h"
#include "engine/internal.h"
#include "figures.h"
#include "memory_store.h"

#define SECOND INT64_C(10000000)
#define MILLISECOND (SECOND / 1000)
#define TENANT "00000000-0000-0000-0000-000000000001"
#define API "https://api.example"
#define HISTORIES 10000
#define OBJECTS_MAX 60

/* One history: its API, its clock, its engine, and what came out. */
struct history {
    uint64_t seed;
    bool trace;
    struct graph_random random;
    struct graph_data data;
    const struct imd_source *source;
    int graph; /* the same as a source of the simulator */
    struct graph_feed *feed;
    struct graph_quirks quirks;
    struct memory_store store;
    struct imd_engine *engine;
    /* clock */
    int64_t now;          /* API time in ticks */
    int64_t start;
    int64_t wall_offset;  /* how wrong the clock here is */
    int64_t api_offset;   /* and the API's */
    /* plan */
    unsigned objects_left, updates_left, kills_left;
    unsigned fault_percent;
    int64_t late_max;
    int64_t overlap, reconcile;
    unsigned page_size;
    unsigned poll_interval, max_in_flight;
    unsigned clock_steps_left, outages_left, blocks_left, bursts_left;
    int64_t outage_until, partial_until, blocked_until;
    int outage; /* kind */
    bool slow_sink;
    char poison[32]; /* in the JSON of the object that the API cannot deliver, "" if there is none */
    unsigned placeholders;
    bool placeholder_has_id;
    /* requests under way */
    struct imd_transport transport;
    struct imd_request *requests[8];
    unsigned request_count;
    /* output */
    struct imd_batch *out; /* submitted, not acknowledged */
    unsigned next_number;
    struct output {
        char *id;
        int64_t stamp;
        unsigned times, allowed;
        uint64_t receipt;         /* of the batch it went out with last */
        bool acknowledged;
        unsigned commits;         /* of the store when it was acknowledged: the next one is its own */
    } *outputs;
    size_t output_count, output_room;
    uint64_t receipts;
    unsigned complete_polls, requests_made, kills, twice, unacknowledged;
    const char *problem;
    char problem_text[400];
};

static void trace(struct history *history, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void trace(struct history *history, const char *format, ...) {
    if (!history->trace) return;
    va_list arguments;
    va_start(arguments, format);
    printf("%9.3f ", (double)(history->now - history->start) / (double)SECOND);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

static bool chance(struct history *history, unsigned percent) {
    return graph_random_chance(&history->random, percent);
}

static uint64_t below(struct history *history, uint64_t limit) {
    return graph_random_below(&history->random, limit);
}

static void complain(struct history *history, const char *what, const char *id, int64_t stamp) {
    char text[GRAPH_TIME_TEXT];
    if (history->problem) return;
    snprintf(history->problem_text, sizeof history->problem_text, "%s: %s %s", what, id,
             graph_time_print(stamp, 7, text));
    history->problem = history->problem_text;
}

/* --- the API's side: what happens to the objects --- */

/* The source of a history, by its seed. */
static const struct {
    enum imd_source_id id;
    int graph;
    const char *property, *values[2]; /* something beside the severity to tell objects apart by */
} rounds[] = {
    {IMD_SOURCE_ALERTS, GRAPH_ALERTS, "serviceSource", {"microsoftDefenderForEndpoint", "microsoftDefenderForOffice365"}},
    {IMD_SOURCE_INCIDENTS, GRAPH_INCIDENTS, "status", {"active", "inProgress"}},
    {IMD_SOURCE_ALERTS, GRAPH_ALERTS, "serviceSource", {"microsoftDefenderForEndpoint", "microsoftDefenderForOffice365"}},
    {IMD_SOURCE_ENDPOINT_ALERTS, GRAPH_ENDPOINT_ALERTS, "status", {"New", "InProgress"}},
    {IMD_SOURCE_SIEM_DETECTIONS, GRAPH_SIEM_DETECTIONS, "Source", {"EDR", "EDR"}},
};
#define ROUNDS (sizeof rounds / sizeof *rounds)

static void add_version(struct history *history, unsigned number, int64_t created, int64_t stamp, int64_t visible) {
    static const char *const severities[] = {"high", "medium", "low", "informational"};
    const struct graph_source *row = &graph_sources[history->graph];
    const char *problem = NULL;
    char text[600], tenant[100] = "", created_text[GRAPH_TIME_TEXT], stamp_text[GRAPH_TIME_TEXT];
    if (row->tenant) snprintf(tenant, sizeof tenant, ",\"%s\":\"" TENANT "\"", row->tenant);
    snprintf(text, sizeof text, "{\"%s\":\"a%u\"%s,\"severity\":\"%s\",\"%s\":\"%s\",\"%s\":\"%s\",\"%s\":\"%s\"}", row->id,
             number, tenant, severities[number % 4], rounds[history->seed % ROUNDS].property,
             rounds[history->seed % ROUNDS].values[number / 4 % 2], row->created,
             graph_time_print(created, 7, created_text), row->changed, graph_time_print(stamp, 7, stamp_text));
    trace(history, "version a%u %s visible in %.3f s", number, stamp_text, (double)(visible - history->now) / (double)SECOND);
    if (!graph_data_add(&history->data, history->feed, text, strlen(text), visible, history->now, 0, &problem))
        fail_msg("the model made a bad alert: %s", problem);
}

/* Detections that the API's queries cannot tell apart, and that it does not show in one page, cannot be had by anybody. */
static bool is_crowded(const struct history *history, int64_t stamp) {
    unsigned near = 0;
    for (size_t i = 0; i < history->feed->object_count; i++)
        near += llabs(history->feed->objects[i]->newest - stamp) < 5 * MILLISECOND;
    return history->quirks.top_clamp && near >= history->quirks.top_clamp;
}

/* Stamps lie on a grid so coarse that they often tie; those of detections near it, finer than a query can tell. */
static int64_t make_stamp(struct history *history) {
    int64_t grid = chance(history, 40) ? 10 * SECOND : SECOND / 3;
    int64_t now = history->now + history->api_offset, stamp = now - now % grid;
    if (history->source->style != IMD_PAGE_WINDOW) return stamp;
    if (chance(history, 60)) stamp -= (int64_t)below(history, 3) * (int64_t)below(history, (uint64_t)MILLISECOND);
    while (is_crowded(history, stamp)) stamp -= 10 * MILLISECOND + 1;
    return stamp;
}

static int64_t make_visible(struct history *history, int64_t stamp) {
    if (!chance(history, 20) || !history->late_max) return history->now;
    int64_t visible = stamp - history->api_offset + (int64_t)below(history, (uint64_t)history->late_max);
    return visible > history->now ? visible : history->now;
}

static void create_at(struct history *history, int64_t stamp) {
    unsigned number = history->next_number++;
    /* Creation times differ: two objects that tie in everything a query can tell apart cannot be paged by anybody. */
    add_version(history, number, stamp - SECOND - (int64_t)number * 7, stamp, make_visible(history, stamp));
    history->objects_left--;
}

static void create(struct history *history) {
    create_at(history, make_stamp(history));
}

/* Many at once, as an incident makes them: more than a page holds. */
static void burst(struct history *history) {
    int64_t stamp = make_stamp(history);
    for (unsigned i = 5 + (unsigned)below(history, 25); i-- > 0 && history->objects_left;) create_at(history, stamp);
    history->bursts_left--;
}

static void update(struct history *history) {
    if (!history->feed->object_count || history->source->style == IMD_PAGE_WINDOW) return; /* those are immutable */
    struct graph_object *object = history->feed->objects[below(history, history->feed->object_count)];
    int64_t stamp = make_stamp(history);
    if (!object->current || object->current->changed >= stamp || object->current->changed_text == NULL) return;
    add_version(history, (unsigned)strtoul(object->id + 1, NULL, 10), object->current->created, stamp, make_visible(history, stamp));
    history->updates_left--;
}

static void live(struct history *history) {
    for (unsigned i = (unsigned)below(history, 4); i-- > 0;) {
        if (history->objects_left && chance(history, 60)) create(history);
        if (history->updates_left && chance(history, 40)) update(history);
    }
    if (history->bursts_left && history->objects_left && chance(history, 3)) burst(history);
    if (chance(history, 2)) history->wall_offset = (int64_t)below(history, 7200) * SECOND - 3600 * SECOND;
}

/* What goes on for a while. */
static void disturb(struct history *history) {
    if (history->clock_steps_left && chance(history, 2)) {
        history->clock_steps_left--;
        history->api_offset = (int64_t)below(history, 1200) * SECOND - 600 * SECOND;
        trace(history, "*** the API's clock is %d s off", (int)(history->api_offset / SECOND));
    }
    if (history->outages_left && history->now >= history->outage_until && chance(history, 2)) {
        history->outages_left--;
        history->outage = (int)below(history, 4);
        history->outage_until = history->now + (int64_t)below(history, 900) * SECOND;
        trace(history, "*** outage of kind %d", history->outage);
    }
    if (history->partial_until && history->now >= history->partial_until && chance(history, 1))
        history->partial_until = history->now + (int64_t)below(history, 600) * SECOND;
    if (history->blocks_left && history->now >= history->blocked_until && chance(history, 2)) {
        history->blocks_left--;
        history->blocked_until = history->now + (int64_t)below(history, 7200) * SECOND;
        trace(history, "*** the output stands still");
    }
}

/* --- transport in virtual time --- */

static struct history *of(struct imd_transport *transport) {
    return (struct history *)((char *)transport - offsetof(struct history, transport));
}

static void start(struct imd_transport *transport, struct imd_request *request) {
    struct history *history = of(transport);
    memset(&request->response, 0, sizeof request->response);
    request->response.date = IMD_TIME_NONE;
    request->handle = request;
    history->requests[history->request_count++] = request;
}

static void forget_request(struct history *history, struct imd_request *request) {
    request->handle = NULL;
    for (unsigned i = 0; i < history->request_count; i++)
        if (history->requests[i] == request) history->requests[i] = history->requests[--history->request_count];
}

static void cancel(struct imd_transport *transport, struct imd_request *request) {
    forget_request(of(transport), request);
}

static void resume(struct imd_transport *transport, struct imd_request *request) {
    (void)transport;
    request->paused = false;
}

static void wake(struct imd_transport *transport) {
    (void)transport;
}

static int64_t monotonic(struct imd_transport *transport) {
    return (of(transport)->now - of(transport)->start) / (SECOND / 1000);
}

static imd_time wall(struct imd_transport *transport) {
    return of(transport)->now + of(transport)->wall_offset;
}

static void free_transport(struct imd_transport *transport) {
    (void)transport;
}

static void send_body(struct history *history, struct imd_request *request, const char *body, size_t length) {
    size_t sent = 0;
    while (sent < length && request->response.failure == IMD_FAILURE_NONE) {
        size_t part = 1 + (size_t)below(history, 700);
        if (part > length - sent) part = length - sent;
        if (request->data(request, body + sent, part) == IMD_FLOW_STOP) request->response.failure = IMD_FAILURE_STOPPED;
        sent += part;
    }
    request->response.bytes = sent;
}

static void answer_token(struct history *history, struct imd_request *request) {
    static const char token[] = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a.b.c\"}";
    request->response.status = 200;
    send_body(history, request, token, sizeof token - 1);
}

/* The same answer to everything. */
static bool answer_outage(struct history *history, struct imd_request *request) {
    static const struct {
        int status;
        const char *body;
    } kinds[] = {{403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Missing application roles.\"}}"},
                 {401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"\"}}"},
                 {500, "<html>"},
                 {0, ""}};
    request->response.status = kinds[history->outage].status;
    if (!request->response.status)
        request->response.failure = IMD_FAILURE_CONNECT;
    else
        send_body(history, request, kinds[history->outage].body, strlen(kinds[history->outage].body));
    trace(history, "  outage: HTTP %d", request->response.status);
    return true;
}

/* A fault instead of an answer, or in the middle of it; true if there was one. */
static bool answer_fault(struct history *history, struct imd_request *request) {
    static const int statuses[] = {429, 500, 503, 504};
    static const char *const waits[] = {"0", "-5", "soon", "99999999999999999999", "Sun, 01 Jan 2090 00:00:00 GMT"};
    if (history->now < history->outage_until) return answer_outage(history, request);
    if (!history->fault_percent || !chance(history, history->fault_percent)) return false;
    if (chance(history, 40)) {
        request->response.failure = IMD_FAILURE_BROKEN;
        trace(history, "  connection lost");
        return true;
    }
    request->response.status = statuses[below(history, 4)];
    if (chance(history, 50))
        snprintf(request->response.retry_after, sizeof request->response.retry_after, "%s",
                 chance(history, 4) ? waits[below(history, 5)] : "2");
    trace(history, "  HTTP %d", request->response.status);
    return true;
}

static void answer_page(struct history *history, struct imd_request *request) {
    const char *query = strchr(request->url, '?');
    int64_t api_now = history->now + history->api_offset;
    struct graph_request ask = {.source = history->graph,
                                .tenant = history->feed->tenant,
                                .query = query ? query + 1 : "",
                                .base_url = API,
                                .now = history->now,
                                .random = &history->random};
    struct graph_answer answer = {0};
    struct graph_quirks quirks = history->quirks;
    quirks.partial = history->now < history->partial_until;
    graph_query(&history->data, &quirks, &ask, &answer);
    size_t length = answer.body.length;
    request->response.status = answer.status;
    /* Where neither the API tells the time nor the clock here is right, only the sweep can heal what that leads to. */
    if (!history->reconcile || !chance(history, 3)) request->response.date = api_now - api_now % SECOND;
    trace(history, "  %s\n              -> %d, %zu of %zu%s", query, answer.status, answer.shown_count, answer.matching,
          answer.linked ? ", linked" : "");
    bool cut = history->fault_percent && chance(history, history->fault_percent);
    if (cut) length = (size_t)below(history, length);
    send_body(history, request, answer.body.bytes, length);
    if (cut && request->response.failure == IMD_FAILURE_NONE) request->response.failure = IMD_FAILURE_BROKEN;
    if (cut) trace(history, "  cut after %zu bytes", length);
    graph_answer_free(&answer);
}

static void poll_once(struct imd_transport *transport, int timeout_ms) {
    struct history *history = of(transport);
    if (!history->request_count) { /* nothing under way: time passes until the engine has something to do */
        history->now += (int64_t)timeout_ms * (SECOND / 1000);
        return;
    }
    history->now += (int64_t)below(history, 2000) * (SECOND / 1000);
    if (history->objects_left || history->updates_left) live(history);
    disturb(history);
    struct imd_request *request = history->requests[below(history, history->request_count)];
    forget_request(history, request);
    history->requests_made++;
    if (strstr(request->url, "/oauth2/"))
        answer_token(history, request);
    else if (!answer_fault(history, request))
        answer_page(history, request);
    request->done(request);
}

static const struct imd_transport_operations transport_operations = {start,     cancel, resume, poll_once,
                                                                     wake,      monotonic, wall, free_transport};

/* --- the sink --- */

static struct output *find_output(struct history *history, const char *id, int64_t stamp) {
    for (size_t i = 0; i < history->output_count; i++)
        if (history->outputs[i].stamp == stamp && !strcmp(history->outputs[i].id, id)) return &history->outputs[i];
    return NULL;
}

static void note_output(struct history *history, const struct imd_alert *alert, uint64_t receipt) {
    struct output *output = find_output(history, alert->id, alert->stamp);
    trace(history, "  out %s %s %s", alert->id, alert->updated, alert->change == IMD_CHANGE_NEW ? "new" : "update");
    if (!output) {
        if (history->output_count == history->output_room) {
            history->output_room = history->output_room ? history->output_room * 2 : 64;
            history->outputs = realloc(history->outputs, history->output_room * sizeof *history->outputs);
            if (!history->outputs) abort();
        }
        output = &history->outputs[history->output_count++];
        *output = (struct output){.id = strdup(alert->id), .stamp = alert->stamp, .allowed = 1};
    }
    output->receipt = receipt;
    output->acknowledged = false;
    if (++output->times > output->allowed) complain(history, "delivered twice", alert->id, alert->stamp);
}

static void note_health(struct history *history, const char *json) {
    if (!strstr(json, "\"state\":\"rejected\"")) return;
    trace(history, "  placeholder %s", json);
    history->placeholders++;
    if (*history->poison && strstr(json, history->poison)) history->placeholder_has_id = true;
}

static void submit(void *context, struct imd_batch *batch) {
    struct history *history = context;
    uint64_t receipt = ++history->receipts;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->kind == IMD_BATCH_ALERTS)
            note_output(history, &batch->alerts[i], receipt);
        else
            note_health(history, batch->alerts[i].json);
    }
    batch->receipt = (void *)(uintptr_t)receipt;
    imd_engine_submitted(history->engine, batch);
}

static bool acknowledged(void *context, const struct imd_batch *batch) {
    struct history *history = context;
    if (history->now < history->blocked_until || (history->slow_sink && !chance(history, 20))) return false;
    for (size_t i = 0; i < history->output_count; i++) {
        if (history->outputs[i].receipt != (uintptr_t)batch->receipt) continue;
        history->outputs[i].acknowledged = true;
        history->outputs[i].commits = history->store.commits;
    }
    return true;
}

static void release(void *context, struct imd_batch *batch) {
    (void)context;
    (void)batch;
}

/* --- the engine's life --- */

static struct imd_settings *make_settings(struct history *history) {
    char overlap[24], reconcile[24], page[24], interval[24], in_flight[24];
    struct imd_settings *settings = imd_settings_new();
    snprintf(overlap, sizeof overlap, "%" PRId64 "s", history->overlap);
    snprintf(reconcile, sizeof reconcile, "%" PRId64 "s", history->reconcile);
    snprintf(page, sizeof page, "%u", history->page_size);
    snprintf(interval, sizeof interval, "%us", history->poll_interval);
    snprintf(in_flight, sizeof in_flight, "%u", history->max_in_flight);
    const char *const pairs[][2] = {
        {"tenantId", TENANT},      {"clientId", "11111111-2222-3333-4444-555555555555"},
        {"clientSecret", "s"},     {"apiUrl", API},
        {"overlap", overlap},      {"reconcile", reconcile},
        {"pageSize", page},        {"reconcileInterval", "1h"},
        {"backfill", "1h"},        {"pollInterval", interval},
        {"maxInFlight", in_flight}, {"sources", history->source->name},
    };
    struct imd_error error = {0};
    char text[2048];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (imd_settings_set(settings, pairs[i][0], &pairs[i][1], 1, &error) < 0)
            fail_msg("%s", imd_error_print(&error, NULL, text, sizeof text));
    return settings;
}

static void start_engine(struct history *history) {
    struct imd_error error = {0};
    struct imd_tenants *tenants = NULL;
    const struct imd_engine_options options = {.store = &history->store.store};
    const struct imd_sink sink = {history, submit, acknowledged, release};
    struct imd_settings *settings = make_settings(history);
    history->request_count = 0;
    history->transport.operations = &transport_operations;
    history->engine = imd_engine_new_with(&options, &history->transport, false, history->seed + 1, &error);
    assert_non_null(history->engine);
    if (imd_tenants_inline(settings, NULL, &tenants, &error) < 0) fail_msg("%s", error.what);
    assert_non_null(imd_engine_add_input(history->engine, "model", NULL, settings, tenants, &sink, &error));
    assert_int_equal(imd_engine_start(history->engine, &error), 0);
    imd_settings_release(settings);
}

/* Acknowledged, and the store was written since. */
static bool is_committed(const struct history *history, const struct output *output) {
    return output->acknowledged && history->store.commits > output->commits;
}

/* As kill -9: what is not committed is forgotten and may come again; what is not acknowledged may be lost with the queue that
 * held it. */
static void kill_engine(struct history *history) {
    trace(history, "*** killed");
    imd_engine_free(history->engine);
    for (size_t i = 0; i < history->output_count; i++) {
        struct output *output = &history->outputs[i];
        if (!output->times || is_committed(history, output)) continue;
        history->unacknowledged++;
        output->allowed = output->times + 1;
        if (output->acknowledged || chance(history, 50)) continue;
        trace(history, "  lost with the queue: %s", output->id);
        output->times--;
        output->allowed--;
    }
    history->kills++;
    start_engine(history);
}

/* --- judging --- */

static struct imd_feed *engine_feed(struct history *history) {
    return history->engine->inputs->tenants[0]->feeds[history->source->id];
}

static bool is_poison(const struct history *history, const struct graph_version *version) {
    return *history->poison && memmem(version->bytes, version->length, history->poison, strlen(history->poison));
}

/* The moment of an object that cannot be delivered is left out for an hour, also when it could be delivered again. */
static bool is_left_out(struct history *history, const struct graph_version *version) {
    const struct imd_feed *feed = engine_feed(history);
    for (unsigned i = 0; *history->poison && i < feed->poison_count; i++)
        if (version->changed >= feed->poisons[i].from && version->changed < feed->poisons[i].to) return true;
    return is_poison(history, version);
}

/* What cannot be delivered has been told of, by its id where the API tells that much. */
static void check_placeholders(struct history *history) {
    for (size_t i = 0; i < history->feed->object_count; i++) {
        const struct graph_version *version = history->feed->objects[i]->current;
        if (!version || !is_poison(history, version)) continue;
        bool listable = !history->quirks.select_refused && !history->quirks.empty_first;
        if (!history->placeholders || (listable && !history->placeholder_has_id))
            complain(history, "no placeholder for", version->object->id, version->changed);
    }
}

/* What is out and not acknowledged is bounded: by `maxInFlight`, and a page on top. */
static void check_bound(struct history *history) {
    const struct imd_engine_input *input = history->engine->inputs;
    const struct imd_paging *paging = &engine_feed(history)->paging;
    unsigned widest = paging->widest > history->page_size ? paging->widest : history->page_size;
    if (input->load.alerts > history->max_in_flight + widest + 1)
        complain(history, "more out than maxInFlight allows", "", history->now);
}

/* Every version visible since `since` with a stamp from `lower` on must be out. */
static void check_visible(struct history *history, int64_t since, imd_time lower, bool final, const char *what) {
    for (size_t i = 0; i < history->feed->object_count; i++) {
        const struct graph_version *version = history->feed->objects[i]->current;
        if (!version || version->visible_at > since || version->changed < lower) continue;
        if (final ? is_poison(history, version) && history->quirks.poison : is_left_out(history, version)) continue;
        const struct output *output = find_output(history, version->object->id, version->changed);
        if (!output || !output->times)
            complain(history, what, version->object->id, version->changed);
    }
}

struct watch {
    const struct imd_poll *poll;
    int64_t began;
    imd_time lower;
    imd_time succeeded;
};

/* One turn, with a look at whether it began or completed a poll. */
static void turn(struct history *history, struct watch *watch) {
    struct imd_feed *feed = engine_feed(history);
    imd_engine_turn(history->engine, 600000);
    imd_checkpointer_turn(history->engine->checkpointer, monotonic(&history->transport), chance(history, 30));
    check_bound(history);
    if (feed->checkpoint.succeeded != watch->succeeded) {
        watch->succeeded = feed->checkpoint.succeeded;
        history->complete_polls++;
        trace(history, "complete poll");
        imd_time promised = imd_time_add(feed->checkpoint.succeeded, -history->overlap * SECOND);
        if (promised < feed->checkpoint.origin) promised = feed->checkpoint.origin;
        if (promised < watch->lower) watch->lower = promised;
        if (watch->poll) check_visible(history, watch->began, watch->lower, false, "missed by a complete poll");
    }
    if (feed->poll != watch->poll || (feed->poll && feed->poll->walk.pages == 0)) {
        watch->poll = feed->poll;
        watch->began = history->now;
    }
    if (feed->poll) watch->lower = feed->poll->walk.lower;
}

static void run_until(struct history *history, struct watch *watch, int64_t until) {
    while (history->now < until && !history->problem) {
        turn(history, watch);
        if (history->kills_left && chance(history, 3)) {
            history->kills_left--;
            kill_engine(history);
            *watch = (struct watch){.succeeded = engine_feed(history)->checkpoint.succeeded};
        }
        graph_data_advance(&history->data, history->now);
        if (history->requests_made > 20000) history->problem = "the engine does not come to rest";
    }
}

static void choose_quirks(struct history *history) {
    struct graph_quirks *quirks = &history->quirks;
    quirks->order = chance(history, 50) ? GRAPH_ORDER_OBEYED : chance(history, 50) ? GRAPH_ORDER_REFUSED : GRAPH_ORDER_IGNORED;
    unsigned link = (unsigned)below(history, 5);
    quirks->link = link == 0   ? GRAPH_LINK_PRESENT
                   : link == 1 ? GRAPH_LINK_MISSING
                   : link == 2 ? GRAPH_LINK_LOOPING
                   : link == 3 ? GRAPH_LINK_EXPIRED
                               : GRAPH_LINK_ELSEWHERE;
    unsigned ties = (unsigned)below(history, 3);
    quirks->ties = ties == 0 ? GRAPH_TIES_STABLE : ties == 1 ? GRAPH_TIES_REVERSED : GRAPH_TIES_SHUFFLED;
    quirks->skip_links = chance(history, 30);
    quirks->link_last = chance(history, 50);
    quirks->default_by_change = chance(history, 50);
    quirks->bounds = (unsigned)below(history, 3);
    quirks->empty_first = history->graph != GRAPH_ENDPOINT_ALERTS && quirks->link == GRAPH_LINK_PRESENT && chance(history, 10);
    /* An empty page whose link is refused hides everything from everybody. */
    quirks->skip_refused = !quirks->empty_first && chance(history, 30);
    if (chance(history, 50)) quirks->top_clamp = 2 + (unsigned)below(history, 8);
    if (chance(history, history->graph == GRAPH_INCIDENTS ? 70 : 20)) quirks->top_refused = 2 + (unsigned)below(history, 8);
    quirks->elsewhere = (char *)"https://elsewhere.example";
    quirks->partial_hides = (char *)"\"severity\":\"low\"";
    if (history->source->style == IMD_PAGE_WINDOW || !history->reconcile || !chance(history, 15)) return;
    snprintf(history->poison, sizeof history->poison, "\"id\":\"a%u\"", (unsigned)below(history, history->objects_left));
    quirks->poison = history->poison;
    quirks->select_refused = chance(history, 30);
}

static void choose_plan(struct history *history) {
    history->start = INT64_C(17850000000000000);
    history->now = history->start;
    history->objects_left = 1 + (unsigned)below(history, OBJECTS_MAX);
    history->updates_left = (unsigned)below(history, OBJECTS_MAX);
    if (history->source->style == IMD_PAGE_WINDOW) history->objects_left += history->updates_left;
    history->kills_left = chance(history, 30) ? 3 : 0;
    history->fault_percent = chance(history, 40) ? 10 : 0;
    history->overlap = 30 + (int64_t)below(history, 300);
    history->reconcile = chance(history, 30) ? 0 : 14400; /* without the sweep nothing is healed afterwards */
    history->poll_interval = 60 + (unsigned)below(history, 200);
    history->max_in_flight = chance(history, 30) ? 8 : 10000;
    history->late_max = chance(history, 30) && history->reconcile ? 3000 * SECOND : chance(history, 50) ? history->overlap * SECOND / 2 : 0;
    history->page_size = 2 + (unsigned)below(history, 20);
    history->slow_sink = chance(history, 30);
    bool steps = history->source->style != IMD_PAGE_WINDOW && history->reconcile && chance(history, 25);
    history->clock_steps_left = steps ? 3 : 0;
    history->outages_left = chance(history, 25) ? 3 : 0;
    history->blocks_left = chance(history, 20) ? 1 : 0;
    history->bursts_left = history->source->style != IMD_PAGE_WINDOW && chance(history, 20) ? 2 : 0;
    history->partial_until = chance(history, 20) ? history->start : 0;
    choose_quirks(history);
}

static void play(struct history *history) {
    graph_data_init(&history->data, NULL, NULL);
    history->source = &imd_sources[rounds[history->seed % ROUNDS].id];
    history->graph = rounds[history->seed % ROUNDS].graph;
    history->feed = &graph_data_tenant(&history->data, TENANT)->feeds[history->graph];
    memory_store_init(&history->store);
    choose_plan(history);
    trace(history, "%s: bounds %d order %d link %d ties %d clamp %u refused %u page %u overlap %d late %d faults %u%%",
          history->source->name, (int)history->quirks.bounds, history->quirks.order,
          history->quirks.link, history->quirks.ties, history->quirks.top_clamp, history->quirks.top_refused,
          history->page_size, (int)history->overlap, (int)(history->late_max / SECOND), history->fault_percent);
    for (unsigned i = (unsigned)below(history, 20); i-- > 0 && history->objects_left;) create(history);
    start_engine(history);
    struct watch watch = {.succeeded = engine_feed(history)->checkpoint.succeeded};
    run_until(history, &watch, history->start + 3600 * SECOND);
    /* quiet: no more changes, no faults, long enough for the last sweep */
    history->objects_left = history->updates_left = history->kills_left = history->fault_percent = 0;
    history->clock_steps_left = history->outages_left = history->blocks_left = 0;
    history->outage_until = history->partial_until = history->blocked_until = 0;
    history->slow_sink = false;
    bool heals = chance(history, 50);
    if (heals) history->quirks.poison = NULL;
    run_until(history, &watch, history->now + 9000 * SECOND);
    if (!history->problem && !heals) check_placeholders(history);
    if (!history->problem) check_visible(history, history->now, engine_feed(history)->checkpoint.origin, true, "never delivered");
    if (!history->problem && history->complete_polls < 8) history->problem = "hardly any poll was complete";
    imd_engine_free(history->engine);
    graph_data_free(&history->data);
    memory_store_free(&history->store);
    for (size_t i = 0; i < history->output_count; i++) {
        history->twice += history->outputs[i].times > 1;
        free(history->outputs[i].id);
    }
    free(history->outputs);
}

static uint64_t number_from(const char *variable, uint64_t fallback) {
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static void every_version_visible_at_a_complete_poll_is_delivered_once(void **state) {
    (void)state;
    uint64_t only = number_from("IMD_MODEL_SEED", 0), histories = number_from("IMD_MODEL_HISTORIES", HISTORIES);
    uint64_t first = only ? only : number_from("IMD_MODEL_FIRST", 1);
    uint64_t polls = 0, requests = 0, kills = 0, placeholders = 0;
    struct figures figures = {.group = "model", .fault = "random histories with faults, kills and clock steps"};
    for (uint64_t seed = first; seed < first + (only ? 1 : histories); seed++) {
        struct history history = {.seed = seed, .random = {seed * UINT64_C(0x9E3779B97F4A7C15)}, .trace = only != 0};
        play(&history);
        if (history.problem)
            fail_msg("history %" PRIu64 ": %s\n  replay: IMD_MODEL_SEED=%" PRIu64 " %s", seed, history.problem, seed,
                     "tests/unit/test_paging_model");
        polls += history.complete_polls;
        requests += history.requests_made;
        kills += history.kills;
        placeholders += history.placeholders;
        figures.runs++;
        figures.visible += history.output_count;
        figures.delivered += history.output_count;
        figures.twice += history.twice;
        figures.unacknowledged += history.unacknowledged;
    }
    print_message("%" PRIu64 " histories: %" PRIu64 " complete polls, %" PRIu64 " requests, %" PRIu64 " versions, %" PRIu64
                  " kills, %" PRIu64 " placeholders; lost 0\n",
                  only ? 1 : histories, polls, requests, figures.visible, kills, placeholders);
    figures_write(&figures);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_visible_at_a_complete_poll_is_delivered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
