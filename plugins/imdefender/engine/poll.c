/* SPDX-License-Identifier: Apache-2.0 */
/* A poll: one walk over a feed, request by request. Decides what an answer means for the walk; what it means for the
 * feed is feed.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../api/query.h"
#include "../base/fault.h"
#include "internal.h"

#define REMEDIES_MAX 20 /* in a row without a new object: more than any page size can be halved */

#define CLOCK_TOLERANCE (5 * IMD_TICKS_PER_SECOND) /* between the clock here and the API's */

static struct imd_engine *engine_of(const struct imd_poll *poll) {
    return poll->feed->tenant->input->engine;
}

struct imd_poll *imd_poll_new(struct imd_feed *feed, imd_time lower, bool sweep) {
    struct imd_poll *poll = calloc(1, sizeof *poll);
    if (!poll) return NULL;
    poll->feed = feed;
    poll->sweep = sweep;
    poll->started = IMD_TIME_NONE;
    poll->regular_lower = feed->checkpoint.watermark;
    imd_buffer_init(&poll->url, IMD_URL_MAX);
    imd_buffer_init(&poll->error_body, IMD_ERROR_BODY_MAX);
    if (imd_poison_begin_walk(poll, lower)) return poll;
    imd_walk_end(&poll->walk);
    free(poll);
    return NULL;
}

static void leave_paused(struct imd_poll *poll) {
    struct imd_poll **link = &poll->feed->tenant->input->paused;
    while (*link && *link != poll) link = &(*link)->next_paused;
    if (*link) *link = poll->next_paused;
}

static void leave_asking(struct imd_poll *poll) {
    engine_of(poll)->asking--;
    engine_of(poll)->troubled -= poll->troubled;
    poll->troubled = false;
}

void imd_poll_free(struct imd_poll *poll) {
    if (!poll) return;
    struct imd_engine *engine = engine_of(poll);
    if (poll->request.handle) {
        leave_paused(poll);
        engine->transport->operations->cancel(engine->transport, &poll->request);
        leave_asking(poll);
    }
    imd_poll_hand_over(poll);
    imd_page_reader_free(poll->reader);
    imd_poison_free(poll);
    imd_walk_end(&poll->walk);
    imd_buffer_free(&poll->url);
    imd_buffer_free(&poll->error_body);
    free(poll);
}

/* --- asking --- */

static bool make_url(struct imd_poll *poll) {
    const struct imd_settings *settings = poll->feed->tenant->settings;
    const struct imd_source *source = poll->feed->source;
    struct imd_walk_query ask = imd_walk_query(&poll->walk);
    imd_buffer_clear(&poll->url);
    if (ask.next_link && poll->asking == IMD_ASKING_PAGE) return imd_buffer_add_text(&poll->url, ask.next_link);
    struct imd_query query = {
        .from = ask.region.from,
        .to = ask.region.to,
        .created_from = ask.region.created_from,
        .created_to = ask.region.created_to,
        .filter = settings->filter,
        .ordered = ask.ordered,
        .expand = poll->feed->paging.expand,
        .top = ask.top,
    };
    for (int i = 0; i < IMD_WALK_PARTITIONS; i++)
        if (ask.region.value[i] >= 0) query.values[i] = source->partition_values[i][ask.region.value[i]];
    imd_poison_ask(poll, &query);
    return imd_query_url(&poll->url, imd_settings_api_url(settings, source), source, &query);
}

/* A fresh GUID (RFC 9562, version 4) for each request: Microsoft's support asks for it. */
static void make_request_id(struct imd_poll *poll) {
    uint64_t a = imd_engine_random(engine_of(poll)), b = imd_engine_random(engine_of(poll));
    snprintf(poll->request_id, sizeof poll->request_id, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
             (unsigned long long)(b & 0xffffffffffffULL));
    snprintf(poll->request_id_header, sizeof poll->request_id_header, "client-request-id: %s", poll->request_id);
}

static enum imd_flow on_data(struct imd_request *request, const char *bytes, size_t length);
static void on_done(struct imd_request *request);

static void fail(struct imd_poll *poll, enum imd_verdict verdict, const char *action, const char *reason) {
    struct imd_judgement judgement = {.retry_after = -1, .walk_is_over = true};
    imd_judgement_set(&judgement, verdict, action, "%s", reason);
    imd_feed_failed(poll->feed, &judgement);
}

void imd_poll_request(struct imd_poll *poll, const char *authorization) {
    const struct imd_settings *settings = poll->feed->tenant->settings;
    struct imd_engine *engine = engine_of(poll);
    struct imd_page_limits limits = {.bare_array = poll->feed->source->style == IMD_PAGE_WINDOW,
                                     .body = (uint64_t)settings->max_response_size,
                                     .object = (size_t)settings->max_response_size};
    imd_page_reader_free(poll->reader);
    poll->reader = imd_page_reader_new(&limits, poll->asking == IMD_ASKING_PAGE ? imd_poll_object : imd_poison_object, poll);
    imd_buffer_clear(&poll->error_body);
    if (!poll->reader || !make_url(poll)) {
        fail(poll, IMD_VERDICT_SERVER, "free memory; a filter may be too long", "no memory or room for a request");
        return;
    }
    poll->token = poll->feed->tenant->signins[poll->feed->source->api].issued;
    poll->wrong_tenant = poll->no_memory = false;
    make_request_id(poll);
    imd_walk_page_begin(&poll->walk);
    poll->request = (struct imd_request){
        .settings = settings,
        .url = poll->url.data,
        .headers = {authorization, "Accept: application/json", "Prefer: include-unknown-enum-members",
                    poll->request_id_header},
        .context = poll,
        .data = on_data,
        .done = on_done,
    };
    poll->feed->state = IMD_FEED_ASKING;
    poll->troubled = poll->feed->failures > 0;
    engine->asking++;
    engine->troubled += poll->troubled;
    imd_account_count(poll->feed->account, requests, 1);
    engine->transport->operations->start(engine->transport, &poll->request);
    IMD_FAULT_POINT("after-request-sent");
}

/* --- the body --- */

static bool is_page(const struct imd_response *response) {
    return response->status >= 200 && response->status < 300;
}

static enum imd_flow on_data(struct imd_request *request, const char *bytes, size_t length) {
    struct imd_poll *poll = request->context;
    struct imd_engine_input *input = poll->feed->tenant->input;
    if (!is_page(&request->response)) {
        size_t room = IMD_ERROR_BODY_MAX - poll->error_body.length;
        imd_buffer_add(&poll->error_body, bytes, length < room ? length : room);
        return room ? IMD_FLOW_CONTINUE : IMD_FLOW_STOP; /* enough to judge it; nobody needs the rest */
    }
    if (imd_count_read(input->load.queued_bytes) >= IMD_QUEUED_PAUSE) {
        poll->next_paused = input->paused;
        input->paused = poll;
        return IMD_FLOW_PAUSE;
    }
    IMD_FAULT_POINT("after-first-bytes");
    return imd_page_reader_feed(poll->reader, bytes, length) == IMD_PAGE_OK ? IMD_FLOW_CONTINUE : IMD_FLOW_STOP;
}

/* --- the end of an answer --- */

/* Server time is the API's, as far as it tells: a wrong clock here must not move a watermark. */
static imd_time note_date(struct imd_poll *poll) {
    struct imd_feed *feed = poll->feed;
    struct imd_engine *engine = engine_of(poll);
    if (poll->request.response.date != IMD_TIME_NONE) {
        feed->server_date = poll->request.response.date;
        feed->server_date_at = engine->now;
    }
    return imd_feed_server_now(feed);
}

/* After the first answer the API's clock is known. If it says that the walk should have begun earlier (the clock here or
 * there was wrong, or stepped back), the walk begins anew there: true. */
static bool begin_earlier(struct imd_poll *poll) {
    struct imd_feed *feed = poll->feed;
    const struct imd_settings *settings = feed->tenant->settings;
    struct imd_checkpoint *checkpoint = &feed->checkpoint;
    int64_t depth = poll->sweep ? settings->reconcile : settings->overlap;
    int64_t tolerance = poll->sweep ? CLOCK_TOLERANCE : 0; /* a watermark comes from the API's own clock, to the tick */
    if (checkpoint->watermark == checkpoint->origin && checkpoint->succeeded == IMD_TIME_NONE) {
        /* Never polled: the origin was reckoned by the clock here. */
        imd_time origin = imd_time_add(poll->started, -settings->backfill * IMD_TICKS_PER_SECOND);
        if (origin < imd_time_add(checkpoint->origin, -CLOCK_TOLERANCE)) checkpoint->origin = origin;
        depth = settings->backfill;
        tolerance = CLOCK_TOLERANCE;
    }
    imd_time lower = imd_time_add(poll->started, -depth * IMD_TICKS_PER_SECOND);
    if (lower < checkpoint->origin) lower = checkpoint->origin;
    if (lower >= imd_time_add(poll->walk.lower, -tolerance)) return false;
    /* Also if this walk is given up, the next one must not begin later. */
    if (!poll->sweep && lower < checkpoint->watermark) checkpoint->watermark = lower;
    imd_walk_end(&poll->walk);
    poll->no_memory = !imd_poison_begin_walk(poll, lower);
    return true;
}

/* The first answer of the poll that is one: true if the walk was begun anew. */
static bool note_start(struct imd_poll *poll) {
    bool first = poll->started == IMD_TIME_NONE;
    imd_time now = note_date(poll);
    if (first) poll->started = now;
    if (first || now < poll->earliest) poll->earliest = now;
    if (!first || !begin_earlier(poll)) return false;
    poll->asking = IMD_ASKING_PAGE;
    if (poll->no_memory)
        fail(poll, IMD_VERDICT_SERVER, "free memory", "no memory for a walk");
    else
        imd_feed_ask_next(poll->feed);
    return true;
}

/* Each is counted; the first of a feed is told aloud: a proxy that rewrites hosts, or somebody who wants tokens. */
static void note_foreign_link(struct imd_poll *poll) {
    char text[300];
    struct imd_feed *feed = poll->feed;
    imd_account_count(feed->account, requests_failed, 1);
    imd_log_print(&engine_of(poll)->log, feed->foreign_link_told ? IMD_LOG_DEBUG : IMD_LOG_WARNING,
                  "%s: the API gave a next link to another host; it is not followed, so that the token stays where it "
                  "belongs; check apiUrl and the proxy (client-request-id %s)",
                  imd_feed_text(feed, text, sizeof text), poll->request_id);
    feed->foreign_link_told = true;
}

static void page_done(struct imd_poll *poll) {
    const struct imd_settings *settings = poll->feed->tenant->settings;
    struct imd_error error = {0};
    poll->feed->failures = 0;
    poll->feed->throttled = false;
    poll->trouble = 0;
    if (poll->walk.page.count) poll->doubts = 0; /* an empty page is no evidence: some APIs put one before each list */
    IMD_FAULT_POINT("after-page");
    if (poll->walk.page.fresh) poll->remedies = 0;
    const char *link = imd_page_reader_next_link(poll->reader);
    bool foreign = link && !imd_url_same_origin(link, imd_settings_api_url(settings, poll->feed->source));
    if (foreign) note_foreign_link(poll);
    switch (imd_walk_page_end(&poll->walk, foreign ? NULL : link, foreign, imd_page_reader_count(poll->reader), &error)) {
        case IMD_WALK_MORE:
            imd_feed_ask_next(poll->feed);
            break;
        case IMD_WALK_DONE:
            imd_feed_polled(poll->feed);
            break;
        default:
            fail(poll, IMD_VERDICT_BAD_ANSWER, error.remedy, error.what);
    }
}

/* What the reader of the page found wrong with a 2xx. */
static void judge_page(struct imd_poll *poll, struct imd_judgement *judgement) {
    struct imd_error error = {0};
    const struct imd_response *response = &poll->request.response;
    enum imd_page_problem problem = imd_page_reader_finish(poll->reader, &error);
    if (poll->wrong_tenant) {
        imd_judgement_set(judgement, IMD_VERDICT_WRONG_TENANT, "check tenantId, apiUrl and the proxy",
                          "the API sent an object of another tenant; it was not passed on");
    } else if (poll->no_memory || problem == IMD_PAGE_NO_MEMORY) {
        imd_judgement_set(judgement, IMD_VERDICT_SERVER, "free memory", "no memory for an alert");
    } else if (problem == IMD_PAGE_TOO_LARGE) {
        imd_judgement_set(judgement, IMD_VERDICT_TOO_LARGE, "raise maxResponseSize", "%s", error.what);
    } else if (problem != IMD_PAGE_OK && (response->failure == IMD_FAILURE_NONE || response->failure == IMD_FAILURE_STOPPED)) {
        imd_judgement_set(judgement, IMD_VERDICT_BAD_ANSWER, "check apiUrl, proxy and network",
                          "HTTP %d with content type '%s' is not a page of alerts: %s", response->status,
                          response->content_type, error.what);
    }
}

static void judge(struct imd_poll *poll, struct imd_judgement *judgement) {
    const struct imd_response *response = &poll->request.response;
    struct imd_engine *engine = engine_of(poll);
    struct imd_response seen = *response;
    if (!is_page(response) && response->failure == IMD_FAILURE_STOPPED) seen.failure = IMD_FAILURE_NONE;
    imd_answer_judge(&seen, poll->error_body.data, poll->error_body.length, poll->feed->tenant->settings,
                     poll->feed->source, engine->transport->operations->wall(engine->transport), judgement);
    if (is_page(response)) judge_page(poll, judgement);
}

/* What a server says of a link that it does not know any more; 400 with an error object is
 * IMD_VERDICT_QUERY_REFUSED. */
static bool is_gone(int status) {
    return status == 400 || status == 404 || status == 410;
}

/* Some answers have a remedy within the poll; true if the walk goes on with it. */
static bool remedied(struct imd_poll *poll, const struct imd_judgement *judgement) {
    struct imd_paging *paging = &poll->feed->paging;
    bool ordered = imd_walk_query(&poll->walk).ordered;
    if (poll->asking != IMD_ASKING_PAGE && judgement->verdict != IMD_VERDICT_UNAUTHORIZED) return false;
    switch (judgement->verdict) {
        case IMD_VERDICT_UNAUTHORIZED:
            imd_tenant_token_refused(poll->feed->tenant, poll->feed->source, poll->token);
            if (poll->signed_in_again) return false;
            poll->signed_in_again = true;
            return true;
        case IMD_VERDICT_NO_CONSENT:
        case IMD_VERDICT_UNLICENSED:
        case IMD_VERDICT_FORBIDDEN:
            /* Roles are part of the token: what an administrator consents to meanwhile shows only in a new one. */
            imd_tenant_token_refused(poll->feed->tenant, poll->feed->source, poll->token);
            return false;
        case IMD_VERDICT_TOP_REFUSED:
            paging->ceiling = judgement->limit;
            return imd_walk_shrink(&poll->walk, judgement->limit);
        case IMD_VERDICT_TOO_LARGE:
            /* Two at least: a page of one that is full cannot be told from one that was cut off. */
            return (paging->top > 2 && imd_walk_shrink(&poll->walk, paging->top / 2 > 2 ? paging->top / 2 : 2)) ||
                   imd_feed_give_up_expand(poll->feed);
        case IMD_VERDICT_BAD_ANSWER:
            return is_gone(poll->request.response.status) && imd_walk_link_refused(&poll->walk);
        case IMD_VERDICT_QUERY_REFUSED:
            return imd_walk_link_refused(&poll->walk) || (ordered && imd_walk_order_refused(&poll->walk)) ||
                   imd_feed_give_up_expand(poll->feed);
        default:
            return false;
    }
}

/* 206: data, but some provider is missing, so the watermark stays where it is. */
static void note_partial(struct imd_poll *poll, const struct imd_judgement *judgement) {
    imd_account_count(poll->feed->account, requests_partial, 1);
    if (!poll->partial) {
        char feed[300];
        imd_log_print(&engine_of(poll)->log, IMD_LOG_DEBUG, "%s: %s", imd_feed_text(poll->feed, feed, sizeof feed),
                      judgement->reason);
    }
    poll->partial = true;
}

static void log_failure(struct imd_poll *poll, const struct imd_judgement *judgement) {
    char feed[300];
    imd_log_print(&engine_of(poll)->log, IMD_LOG_DEBUG, "%s: %s (client-request-id %s, request-id %s)",
                  imd_feed_text(poll->feed, feed, sizeof feed), judgement->reason, poll->request_id,
                  poll->request.response.request_id);
}

static void on_done(struct imd_request *request) {
    struct imd_poll *poll = request->context;
    struct imd_account *account = poll->feed->account;
    struct imd_judgement judgement;
    leave_asking(poll);
    if (request->paused) leave_paused(poll);
    imd_account_count(account, bytes_received, request->response.bytes);
    imd_poll_hand_over(poll);
    judge(poll, &judgement);
    if (judgement.verdict == IMD_VERDICT_OK || judgement.verdict == IMD_VERDICT_PARTIAL) {
        if (judgement.verdict == IMD_VERDICT_PARTIAL) note_partial(poll, &judgement);
        if (note_start(poll)) return;
        if (poll->asking == IMD_ASKING_PAGE)
            page_done(poll);
        else
            imd_poison_answered(poll);
        return;
    }
    imd_account_count(account, requests_failed, 1);
    if (judgement.verdict == IMD_VERDICT_THROTTLED) imd_account_count(account, requests_throttled, 1);
    log_failure(poll, &judgement);
    /* Remedies can undo each other: a page too large, in parts too small to tell ties apart. */
    if (remedied(poll, &judgement) && ++poll->remedies < REMEDIES_MAX) {
        imd_feed_ask_next(poll->feed);
        return;
    }
    /* Neither a light question nor the page itself is worth waiting for where something else can be asked at once. */
    bool more = poll->asking == IMD_ASKING_PAGE ? imd_poison_suspect(poll, &judgement) : imd_poison_unanswered(poll, &judgement);
    if (more) {
        imd_feed_ask_next(poll->feed);
        return;
    }
    size_t used = strlen(judgement.reason);
    snprintf(judgement.reason + used, sizeof judgement.reason - used, " (client-request-id %s)", poll->request_id);
    imd_feed_failed(poll->feed, &judgement);
}
