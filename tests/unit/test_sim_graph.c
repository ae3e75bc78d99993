/* SPDX-License-Identifier: Apache-2.0 */
/* What the test double's query library does with OData queries, and how its data changes while a client pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/graph.h"
#include "../sim/graph_file.h"
#include "../sim/graph_make.h"
#include "../sim/graph_slice.h"
#include "../sim/graph_time.h"

#define TENANT "00000000-0000-0000-0000-000000000001"

struct world {
    struct graph_data data;
    struct graph_tenant *tenant;
    struct graph_random random;
    struct graph_quirks quirks;
    struct graph_answer answer;
    int64_t now;
    unsigned shown; /* versions that became visible */
};

static void count_version(void *context, const struct graph_version *version) {
    struct world *world = context;
    assert_non_null(version->bytes);
    world->shown++;
}

static int set_up(void **state) {
    struct world *world = calloc(1, sizeof *world);
    const char now[] = "2026-03-01T12:00:00Z";
    graph_data_init(&world->data, count_version, world);
    world->tenant = graph_data_tenant(&world->data, TENANT);
    world->random.state = 7;
    *state = world;
    return graph_time_parse(now, strlen(now), &world->now) ? 0 : -1;
}

static int tear_down(void **state) {
    struct world *world = *state;
    graph_answer_free(&world->answer);
    graph_data_free(&world->data);
    free(world);
    return 0;
}

static struct graph_feed *feed_of(struct world *world) {
    return &world->tenant->feeds[GRAPH_ALERTS];
}

/* Adds alert `id` with these members beside id, tenant and creation (which is 10 s before the update). */
static void add_at(struct world *world, const char *id, const char *changed, const char *members, int64_t visible_at) {
    struct graph_buffer bytes = {0};
    const char *problem = NULL;
    graph_buffer_print(&bytes, "{\"id\":\"%s\",\"createdDateTime\":\"2026-02-28T00:00:00Z\",", id);
    graph_buffer_print(&bytes, "\"lastUpdateDateTime\":\"%s\"%s%s}", changed, *members != '\0' ? "," : "", members);
    assert_true(
        graph_data_add(&world->data, feed_of(world), bytes.bytes, bytes.length, visible_at, world->now, 0, &problem));
    graph_buffer_free(&bytes);
}

static void add(struct world *world, const char *id, const char *changed, const char *members) {
    add_at(world, id, changed, members, world->now);
}

static int query_source(struct world *world, int source, const char *query) {
    struct graph_request request = {.source = source,
                                    .tenant = world->tenant,
                                    .query = query,
                                    .base_url = "https://sim.example:8443",
                                    .now = world->now,
                                    .random = &world->random};
    graph_answer_free(&world->answer);
    graph_query(&world->data, &world->quirks, &request, &world->answer);
    return world->answer.status;
}

static int query(struct world *world, const char *text) {
    return query_source(world, GRAPH_ALERTS, text);
}

/* The ids of the page in their order, separated by spaces. */
static void expect_ids(struct world *world, const char *expected) {
    struct graph_buffer ids = {0};
    struct graph_slice element;
    struct graph_slice page = graph_slice_value(world->answer.body.bytes, world->answer.body.length);
    graph_buffer_text(&ids, "");
    for (size_t position = 0; graph_slice_next(graph_slice_member(page, "value"), &position, &element);) {
        char *id = graph_slice_text(graph_slice_member(element, "id"));
        graph_buffer_print(&ids, "%s%s", ids.length > 0 ? " " : "", id != NULL ? id : "-");
        free(id);
    }
    assert_string_equal(ids.bytes, expected);
    graph_buffer_free(&ids);
}

static void expect_page(struct world *world, const char *text, const char *ids) {
    assert_int_equal(query(world, text), 200);
    expect_ids(world, ids);
}

/* Follows nextLink: its query. To be freed; NULL if there is none. */
static char *next_query(struct world *world) {
    struct graph_slice page = graph_slice_value(world->answer.body.bytes, world->answer.body.length);
    char *link = graph_slice_text(graph_slice_member(page, "@odata.nextLink"));
    char *rest = link != NULL ? strchr(link, '?') : NULL;
    char *copy = rest != NULL ? strdup(rest + 1) : NULL;
    free(link);
    return copy;
}

static void expect_refusal(struct world *world, const char *text, const char *message) {
    assert_int_equal(query(world, text), 400);
    if (strstr(world->answer.body.bytes, message) == NULL) {
        fail_msg("expected \"%s\" in %s", message, world->answer.body.bytes);
    }
}

static void add_five(struct world *world) {
    add(world, "a", "2026-03-01T10:00:00Z", "\"severity\":\"high\",\"status\":\"new\",\"assignedTo\":null");
    add(world, "b", "2026-03-01T10:00:00.5Z", "\"severity\":\"low\",\"status\":\"resolved\",\"assignedTo\":\"O'Neil\"");
    add(world, "c", "2026-03-01T10:00:00.50Z", "\"severity\":\"high\",\"status\":\"new\"");
    add(world, "d", "2026-03-01T10:00:00.5033333Z", "\"severity\":\"medium\",\"status\":\"new\"");
    add(world, "e", "2026-03-01T12:00:01+02:00", "\"severity\":\"high\",\"status\":\"inProgress\"");
}

#define ASCENDING "$orderby=lastUpdateDateTime%20asc&"

static void a_time_filter_compares_instants_not_text(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_page(world, ASCENDING "$filter=lastUpdateDateTime+ge+2026-03-01T10:00:00.5Z", "b c d e");
    expect_page(world, ASCENDING "$filter=lastUpdateDateTime%20gt%202026-03-01T10:00:00.5000000Z", "d e");
    expect_page(world, ASCENDING "$filter=lastUpdateDateTime lt 2026-03-01T10:00:00.5Z", "a");
    expect_page(world, ASCENDING "$filter=lastUpdateDateTime le 2026-03-01T10:00:00.5Z", "a b c");
    expect_page(world, ASCENDING "$filter=lastUpdateDateTime eq 2026-03-01T10:00:01Z", "e");
}

static void and_binds_closer_than_or_and_parentheses_closest(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_page(world, ASCENDING "$filter=severity eq 'low' or severity eq 'high' and status eq 'new'", "a b c");
    expect_page(world, ASCENDING "$filter=(severity eq 'low' or severity eq 'high') and status ne 'new'", "b e");
    expect_page(world, ASCENDING "$filter=status eq 'resolved' and severity eq 'high' or status eq 'inProgress'", "e");
    expect_page(world, ASCENDING "$filter=((status eq 'resolved'))", "b");
}

static void text_and_null_are_compared(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_page(world, ASCENDING "$filter=assignedTo eq 'O''Neil'", "b");
    expect_page(world, ASCENDING "$filter=assignedTo eq null", "a c d e");
    expect_page(world, ASCENDING "$filter=assignedTo ne null", "b");
}

static void what_is_not_documented_is_refused(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_refusal(world, "$filter=id eq 'a'", "filtering is not supported on 'id'");
    expect_refusal(world, "$filter=investigationState eq 'queued'", "not supported on 'investigationState'");
    expect_refusal(world, "$filter=severity eq 'enormous'", "not a valid enumeration");
    expect_refusal(world, "$filter=severity gt 'low'", "unsupported operator");
    expect_refusal(world, "$filter=lastUpdateDateTime ge '2026-03-01T10:00:00Z'", "incompatible types");
    expect_refusal(world, "$filter=lastUpdateDateTime ge 2026-02-30T10:00:00Z", "unrecognized literal");
    expect_refusal(world, "$filter=(status eq 'new'", "')' expected");
    expect_refusal(world, "$filter=status eq 'new", "unterminated");
    expect_refusal(world, "$filter=status eq 'new' xor status eq 'new'", "syntax error");
    expect_refusal(world, "$filter=", "Invalid filter clause");
    expect_refusal(world, "$orderby=title", "Ordering by 'title' is not supported");
    expect_refusal(world, "$search=id", "'$search' is not supported");
    expect_refusal(world, "$top=-1", "'$top' is invalid");
}

static void without_orderby_the_newest_come_first(void **state) {
    struct world *world = *state;
    add_five(world);
    world->quirks.default_by_change = true;
    expect_page(world, "", "e d c b a");
    expect_page(world, "$orderby=lastUpdateDateTime desc", "e d c b a");
    expect_page(world, "$orderby=lastUpdateDateTime", "a b c d e");
}

static void count_is_of_all_pages(void **state) {
    struct world *world = *state;
    add_five(world);
    assert_int_equal(query(world, "$top=2&$count=true&$filter=severity eq 'high'"), 200);
    assert_non_null(strstr(world->answer.body.bytes, "\"@odata.count\":3"));
    assert_true(world->answer.linked);
    assert_int_equal(world->answer.shown_count, 2);
}

static void add_many(struct world *world, unsigned count) {
    struct graph_make how = {.size = 1};
    for (unsigned i = 0; i < count; i++) {
        graph_make_at(&world->data, feed_of(world), &how, graph_time_grid(world->now - i * GRAPH_SECOND), world->now,
                      &world->random);
    }
}

static void top_is_clamped_for_alerts_and_refused_for_incidents(void **state) {
    struct world *world = *state;
    add_many(world, 1010);
    assert_int_equal(query(world, "$top=5000"), 200);
    assert_int_equal(world->answer.shown_count, 1000);
    assert_int_equal(query(world, ""), 200);
    assert_int_equal(world->answer.shown_count, 100);
    world->quirks.top_clamp = 7;
    assert_int_equal(query(world, "$top=5000"), 200);
    assert_int_equal(world->answer.shown_count, 7);
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, "$top=50"), 200);
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, "$top=100"), 400);
    assert_non_null(strstr(world->answer.body.bytes,
                           "{\"error\":{\"code\":\"\",\"message\":\"The query specified in the URI is not valid. "
                           "The limit of "
                           "'50' for Top query has been exceeded. The value from the incoming request is '100'.\""));
}

static void skip_ends_at_500(void **state) {
    struct world *world = *state;
    add_many(world, 510);
    assert_int_equal(query(world, "$top=100&$skip=500"), 200);
    assert_int_equal(world->answer.shown_count, 10);
    expect_refusal(world, "$top=100&$skip=501", "The limit of '500' for Skip query has been exceeded");
}

static void links_lead_through_all_pages_and_end(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_page(world, ASCENDING "$top=2&$filter=status ne 'unknown'", "a b");
    char *next = next_query(world);
    assert_non_null(next);
    expect_page(world, next, "c d");
    free(next);
    next = next_query(world);
    expect_page(world, next, "e");
    assert_false(world->answer.linked);
    free(next);
}

static void a_link_is_an_offset_so_an_update_between_pages_hides_an_alert(void **state) {
    struct world *world = *state;
    add_five(world);
    expect_page(world, ASCENDING "$top=2", "a b");
    char *next = next_query(world);
    add(world, "a", "2026-03-01T11:00:00Z", ""); /* moves to the end: c slides onto the first page */
    expect_page(world, next, "d e");
    free(next);
    next = next_query(world);
    expect_page(world, next, "a");
    free(next);
}

static void links_can_misbehave(void **state) {
    struct world *world = *state;
    add_five(world);
    world->quirks.link = GRAPH_LINK_MISSING;
    expect_page(world, ASCENDING "$top=2", "a b");
    assert_false(world->answer.linked);

    world->quirks.link = GRAPH_LINK_EXPIRED;
    expect_page(world, ASCENDING "$top=2", "a b");
    char *next = next_query(world);
    expect_refusal(world, next, "'SkipToken' is not allowed");
    free(next);

    world->quirks.link = GRAPH_LINK_LOOPING;
    expect_page(world, ASCENDING "$top=4", "a b c d");
    next = next_query(world);
    expect_page(world, next, "e");
    char *again = next_query(world);
    assert_string_equal(again, next);
    free(next);
    free(again);

    world->quirks.link = GRAPH_LINK_ELSEWHERE;
    expect_page(world, ASCENDING "$top=2", "a b");
    assert_non_null(strstr(world->answer.body.bytes, "\"https://graph.elsewhere.invalid/v1.0/security/alerts_v2?"));
}

static void order_can_be_refused_or_ignored(void **state) {
    struct world *world = *state;
    add_five(world);
    world->quirks.order = GRAPH_ORDER_REFUSED;
    expect_refusal(world, ASCENDING, "'OrderBy' is not allowed");
    world->quirks.order = GRAPH_ORDER_IGNORED;
    world->quirks.default_by_change = true;
    expect_page(world, ASCENDING, "e d c b a");
}

static void other_quirks(void **state) {
    struct world *world = *state;
    add_five(world);
    world->quirks = (struct graph_quirks){.filter_ignored = true};
    expect_page(world, ASCENDING "$filter=severity eq 'low'", "a b c d e");
    world->quirks = (struct graph_quirks){.short_pages = 1};
    expect_page(world, ASCENDING "$top=3", "a");
    assert_true(world->answer.linked);
    world->quirks = (struct graph_quirks){.empty_first = true};
    expect_page(world, ASCENDING "$top=3", "");
    char *next = next_query(world);
    expect_page(world, next, "a b c");
    free(next);
    world->quirks = (struct graph_quirks){.partial = true};
    assert_int_equal(query(world, ""), 206);
    assert_non_null(world->answer.warning);
    world->quirks = (struct graph_quirks){.inject = GRAPH_INJECT_NO_ID};
    expect_page(world, ASCENDING "$top=1", "- a");
}

static void an_alert_may_become_visible_later_than_its_stamp(void **state) {
    struct world *world = *state;
    add(world, "a", "2026-03-01T10:00:00Z", "");
    add_at(world, "late", "2026-03-01T09:00:00Z", "", world->now + GRAPH_SECOND);
    expect_page(world, ASCENDING, "a");
    world->now += GRAPH_SECOND;
    expect_page(world, ASCENDING, "late a");
    assert_int_equal(world->shown, 2);
}

static void only_the_newest_version_is_served_and_an_overtaken_one_never_shows(void **state) {
    struct world *world = *state;
    add(world, "a", "2026-03-01T10:00:00Z", "\"title\":\"one\"");
    add_at(world, "a", "2026-03-01T10:00:01Z", "\"title\":\"two\"", world->now + 2 * GRAPH_SECOND);
    add_at(world, "a", "2026-03-01T10:00:02Z", "\"title\":\"three\"", world->now + GRAPH_SECOND);
    world->now += 3 * GRAPH_SECOND;
    expect_page(world, "", "a");
    assert_non_null(strstr(world->answer.body.bytes, "\"three\""));
    assert_int_equal(world->shown, 2);
}

static void replayed_versions_follow_once_the_one_before_was_served(void **state) {
    struct world *world = *state;
    const char text[] = "[{\"id\":\"r\" ,\"tenantId\":\"" TENANT
                        "\",\"lastUpdateDateTime\":\"2026-03-01T10:00:02Z\"},\n"
                        " {\"id\":\"r\",\"tenantId\":\"" TENANT "\",\"lastUpdateDateTime\":\"2026-03-01T10:00:01Z\"}]";
    const char *problem = NULL;
    struct graph_replay *replay = graph_replay_new();
    assert_int_equal(graph_replay_add(replay, GRAPH_ALERTS, text, strlen(text), &problem), 0);
    assert_int_equal(graph_replay_finish(replay, &world->data, world->tenant, -1, world->now, &problem), 0);
    graph_replay_free(replay);
    assert_int_equal(query(world, ""), 200);
    assert_non_null(strstr(world->answer.body.bytes, "{\"id\":\"r\",\"tenantId\"")); /* the older, unchanged */
    assert_int_equal(query(world, ""), 200);
    assert_int_equal(world->shown, 1);
    graph_data_served(&world->data, world->answer.shown, world->answer.shown_count, world->now);
    assert_int_equal(query(world, ""), 200);
    assert_non_null(strstr(world->answer.body.bytes, "{\"id\":\"r\" ,\"tenantId\""));
    assert_int_equal(world->shown, 2);
}

static void made_up_alerts_can_be_read_and_updated(void **state) {
    struct world *world = *state;
    add_many(world, 30);
    struct graph_make how = {.tie_percent = 100};
    for (int i = 0; i < 20; i++) {
        world->now += GRAPH_SECOND / 100;
        assert_true(graph_make_update(&world->data, feed_of(world), &how, world->now, &world->random));
    }
    assert_int_equal(world->shown, 50);
    assert_int_equal(query(world, "$filter=status ne 'new' and assignedTo ne null"), 200);
    assert_true(world->answer.matching > 1);
    assert_int_equal(query(world, ""), 200);
    assert_int_equal(world->answer.matching, 30);
}

/* --- the other sources --- */

static void add_to(struct world *world, int source, const char *text) {
    const char *problem = NULL;
    assert_true(graph_data_add(&world->data, &world->tenant->feeds[source], text, strlen(text), world->now, world->now, 0,
                               &problem));
}

static void add_endpoint_alert(struct world *world, const char *id, const char *changed, const char *severity) {
    struct graph_buffer text = {0};
    graph_buffer_print(&text,
                       "{\"id\":\"%s\",\"incidentId\":12,\"investigationId\":34,\"severity\":\"%s\",\"status\":\"New\","
                       "\"alertCreationTime\":\"2026-02-28T00:00:00Z\",\"lastUpdateTime\":\"%s\","
                       "\"evidence\":[{\"entityType\":\"User\"}]}",
                       id, severity, changed);
    add_to(world, GRAPH_ENDPOINT_ALERTS, text.bytes);
    graph_buffer_free(&text);
}

static void expect_body(struct world *world, const char *part) {
    if (strstr(world->answer.body.bytes, part) == NULL) {
        fail_msg("expected %s in %s", part, world->answer.body.bytes);
    }
}

static void endpoint_alerts_have_names_and_filters_of_their_own(void **state) {
    struct world *world = *state;
    add_endpoint_alert(world, "a", "2026-03-01T10:00:00.12345Z", "High");
    add_endpoint_alert(world, "b", "2026-03-01T10:00:01Z", "Low");
    const char *const queries[][2] = {
        {"$filter=lastUpdateTime ge 2026-03-01T10:00:01Z", "b"},
        {"$filter=severity eq 'High' and status eq 'New'", "a"},
        {"$filter=incidentId eq 12 and InvestigationId eq 34&$orderby=lastUpdateTime", "a b"},
        {"$filter=id eq 'b'", "b"},
        {"$top=1&$skip=1&$orderby=lastUpdateTime", "b"},
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, queries[i][0]), 200);
        expect_ids(world, queries[i][1]);
    }
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$filter=lastUpdateDateTime ge 2026-03-01T10:00:01Z"), 400);
    expect_body(world, "\"code\":\"BadRequest\"");
    expect_body(world, "\"target\":");
    assert_null(strstr(world->answer.body.bytes, "innerError"));
}

static void endpoint_alerts_have_no_links_and_their_own_ceiling(void **state) {
    struct world *world = *state;
    add_endpoint_alert(world, "a", "2026-03-01T10:00:00Z", "High");
    add_endpoint_alert(world, "b", "2026-03-01T10:00:01Z", "Low");
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$top=1"), 200);
    assert_false(world->answer.linked);
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$top=10000"), 200);
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$top=10001"), 400);
    expect_body(world, "The limit of '10000' for Top query has been exceeded");
}

static void evidence_of_endpoint_alerts_comes_only_where_it_is_asked_for(void **state) {
    struct world *world = *state;
    add_endpoint_alert(world, "a", "2026-03-01T10:00:00Z", "High");
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, ""), 200);
    expect_body(world, "\"evidence\":[]}");
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$expand=evidence"), 200);
    expect_body(world, "\"evidence\":[{\"entityType\":\"User\"}]}");
    assert_int_equal(query_source(world, GRAPH_ENDPOINT_ALERTS, "$expand=alerts"), 400);
    assert_int_equal(query_source(world, GRAPH_ALERTS, "$expand=evidence"), 400);
}

static void incidents_carry_their_alerts_where_asked_for_or_fail_over_it(void **state) {
    struct world *world = *state;
    add(world, "a", "2026-03-01T10:00:00Z", "\"incidentId\":\"7\"");
    add(world, "b", "2026-03-01T10:00:00Z", "\"incidentId\":\"8\"");
    add(world, "c", "2026-03-01T10:00:00Z", "\"incidentId\":\"7\"");
    add_to(world, GRAPH_INCIDENTS, "{\"id\":\"7\",\"lastUpdateDateTime\":\"2026-03-01T10:00:00Z\"}");
    add_to(world, GRAPH_INCIDENTS, "{\"id\":\"9\",\"lastUpdateDateTime\":\"2026-03-01T10:00:00Z\"}");
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, ASCENDING "$top=1&$expand=alerts"), 200);
    expect_body(world, "\"lastUpdateDateTime\":\"2026-03-01T10:00:00Z\",\"alerts\":[{\"id\":\"a\"");
    expect_body(world, "},{\"id\":\"c\"");
    assert_null(strstr(world->answer.body.bytes, "{\"id\":\"b\""));
    char *next = next_query(world);
    assert_non_null(next);
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, next), 200);
    expect_body(world, "\"alerts\":[]}]}");
    free(next);

    world->quirks.expand_fails = true;
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, "$expand=alerts"), 500);
    assert_int_equal(query_source(world, GRAPH_INCIDENTS, ""), 200);
    assert_null(strstr(world->answer.body.bytes, "\"alerts\""));
}

static void add_detection(struct world *world, const char *id, const char *processed) {
    struct graph_buffer text = {0};
    graph_buffer_print(&text,
                       "{\"id\":\"%s\",\"FullId\":\"%s\",\"AlertTime\":\"2026-02-28T00:00:00Z\","
                       "\"LastProcessedTimeUtc\":\"%s\"}",
                       id, id, processed);
    add_to(world, GRAPH_SIEM_DETECTIONS, text.bytes);
    graph_buffer_free(&text);
}

static void expect_detections(struct world *world, const char *text, const char *ids) {
    struct graph_buffer list = {0};
    assert_int_equal(query_source(world, GRAPH_SIEM_DETECTIONS, text), 200);
    assert_int_equal(world->answer.body.bytes[0], '[');
    graph_buffer_print(&list, "{\"value\":%s}", world->answer.body.bytes);
    graph_buffer_free(&world->answer.body);
    world->answer.body = list;
    expect_ids(world, ids);
}

static void detections_are_a_bare_array_of_a_window_newest_first(void **state) {
    struct world *world = *state;
    add_detection(world, "a", "2026-03-01T10:30:00.0000000Z");
    add_detection(world, "b", "2026-03-01T10:30:00.0009999Z");
    add_detection(world, "c", "2026-03-01T10:30:00.0010000Z");
    add_detection(world, "d", "2026-03-01T09:59:59.9999999Z");
    expect_detections(world, "", "c b a"); /* two hours */
    expect_detections(world, "ago=PT2H1M", "c b a d");
    expect_detections(world, "ago=P1D&limit=2", "c b");
    expect_detections(world, "sinceTimeUtc=2026-03-01T10:30:00.001", "c");
    expect_detections(world, "sinceTimeUtc=2026-03-01T00%3A00%3A00.000&untilTimeUtc=2026-03-01T10:30:00.000", "a d");
    world->quirks.order = GRAPH_ORDER_IGNORED;
    expect_detections(world, "limit=2", "b c");
}

static void the_bounds_of_a_window_may_be_meant_otherwise(void **state) {
    struct world *world = *state;
    const char window[] = "sinceTimeUtc=2026-03-01T10:30:00.000&untilTimeUtc=2026-03-01T10:30:00.001";
    add_detection(world, "a", "2026-03-01T10:30:00.0000000Z");
    add_detection(world, "b", "2026-03-01T10:30:00.0009999Z");
    add_detection(world, "c", "2026-03-01T10:30:00.0010000Z");
    add_detection(world, "d", "2026-03-01T10:30:00.0010001Z");
    expect_detections(world, window, "c b a");
    world->quirks.bounds = GRAPH_BOUNDS_EXCLUSIVE;
    expect_detections(world, window, "b");
    world->quirks.bounds = GRAPH_BOUNDS_MILLISECONDS;
    expect_detections(world, window, "d c b a");
}

static void bad_windows_are_refused_in_the_siem_apis_shape(void **state) {
    struct world *world = *state;
    static const char *const bad[] = {"sinceTimeUtc=yesterday", "ago=10", "ago=P", "limit=-1", "limit=x", "$top=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(query_source(world, GRAPH_SIEM_DETECTIONS, bad[i]), 400);
        assert_memory_equal(world->answer.body.bytes, "{\"Message\":", 11);
    }
}

static void objects_of_every_source_can_be_made_up(void **state) {
    struct world *world = *state;
    struct graph_make how = {.tie_percent = 0};
    for (int source = 0; source < GRAPH_SOURCES; source++) {
        struct graph_feed *feed = &world->tenant->feeds[source];
        graph_make_at(&world->data, feed, &how, graph_time_grid(world->now - GRAPH_SECOND), world->now, &world->random);
        graph_make_at(&world->data, feed, &how, graph_time_grid(world->now), world->now, &world->random);
        bool updated = graph_make_update(&world->data, feed, &how, world->now + GRAPH_SECOND, &world->random);
        assert_int_equal(updated, source != GRAPH_SIEM_DETECTIONS); /* those are immutable */
        assert_int_equal(query_source(world, source, ""), 200);
        assert_int_equal(world->answer.shown_count, 2);
    }
    assert_int_not_equal(world->tenant->feeds[GRAPH_SIEM_DETECTIONS].objects[1]->current->changed % 10000, 0);
}

static void the_first_incidents_are_those_the_alerts_name(void **state) {
    struct world *world = *state;
    struct graph_make how = {.tie_percent = 0};
    add(world, "a", "2026-03-01T10:00:00Z", "\"incidentId\":\"4711\"");
    struct graph_feed *incidents = &world->tenant->feeds[GRAPH_INCIDENTS];
    graph_make_new(&world->data, incidents, &how, world->now, &world->random);
    graph_make_new(&world->data, incidents, &how, world->now, &world->random);
    assert_string_equal(incidents->objects[0]->id, "4711");
    assert_string_equal(incidents->objects[1]->id, "10002");
}

static void stamps_lie_on_the_grid_of_300_a_second(void **state) {
    (void)state;
    char text[GRAPH_TIME_TEXT];
    int64_t second = INT64_C(1000) * GRAPH_SECOND, at = second;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(graph_time_grid(at), at);
        at = graph_time_grid_next(at);
    }
    assert_int_equal(at, second + GRAPH_SECOND);
    assert_string_equal(graph_time_print(graph_time_grid_next(0), 7, text), "1970-01-01T00:00:00.0033333Z");
    assert_string_equal(graph_time_print(graph_time_grid(GRAPH_SECOND / 10 + 5), 7, text), "1970-01-01T00:00:00.1Z");
}

int main(void) {
#define SPEC(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SPEC(a_time_filter_compares_instants_not_text),
        SPEC(and_binds_closer_than_or_and_parentheses_closest),
        SPEC(text_and_null_are_compared),
        SPEC(what_is_not_documented_is_refused),
        SPEC(without_orderby_the_newest_come_first),
        SPEC(count_is_of_all_pages),
        SPEC(top_is_clamped_for_alerts_and_refused_for_incidents),
        SPEC(skip_ends_at_500),
        SPEC(links_lead_through_all_pages_and_end),
        SPEC(a_link_is_an_offset_so_an_update_between_pages_hides_an_alert),
        SPEC(links_can_misbehave),
        SPEC(order_can_be_refused_or_ignored),
        SPEC(other_quirks),
        SPEC(an_alert_may_become_visible_later_than_its_stamp),
        SPEC(only_the_newest_version_is_served_and_an_overtaken_one_never_shows),
        SPEC(replayed_versions_follow_once_the_one_before_was_served),
        SPEC(made_up_alerts_can_be_read_and_updated),
        SPEC(endpoint_alerts_have_names_and_filters_of_their_own),
        SPEC(endpoint_alerts_have_no_links_and_their_own_ceiling),
        SPEC(evidence_of_endpoint_alerts_comes_only_where_it_is_asked_for),
        SPEC(incidents_carry_their_alerts_where_asked_for_or_fail_over_it),
        SPEC(detections_are_a_bare_array_of_a_window_newest_first),
        SPEC(the_bounds_of_a_window_may_be_meant_otherwise),
        SPEC(bad_windows_are_refused_in_the_siem_apis_shape),
        SPEC(objects_of_every_source_can_be_made_up),
        SPEC(the_first_incidents_are_those_the_alerts_name),
        SPEC(stamps_lie_on_the_grid_of_300_a_second),
    };
    return cmocka_run_group_tests_name("sim_graph", tests, NULL, NULL);
}
