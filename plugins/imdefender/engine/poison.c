/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that the API cannot deliver: each page with one of them fails, by a 5xx, by a broken body, or by its size. The feed
 * must neither stand still over it nor pass it by in silence.
 *
 * A page that fails again and again is suspected. Then the API is asked something light: the same page, but only ids and
 * times ($select); where that is refused, a tiny window just below. If that fails as well, the API is out of order and the
 * page is simply repeated. If it works, the page is made smaller, then its window narrower (the navigation property is
 * feed.c's to leave out). What is left over, one moment of time and one object in it, is reduced to a placeholder: a message that carries
 * its id. The walk goes on behind it. That moment is left out of the walks of the next hour, and then tried again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/buffer.h"
#include "internal.h"

#define SUSPECT_AFTER 3           /* failures of one page in a row */
#define SUSPECT_AGAIN_AFTER 2     /* of a part of a page that was suspected */
#define CONVINCED_AFTER 4         /* suspicions of what cannot be narrowed any more, each with a light answer in between */
#define SMALL_PAGE 10u            /* pages are not made smaller: narrower windows find the object faster */
#define RETRY_MS INT64_C(3600000) /* a moment is left out for so long */

static struct imd_engine *engine_of(const struct imd_poll *poll) {
    return poll->feed->tenant->input->engine;
}

/* --- moments that are left out --- */

/* Forgets those that are to be tried again. */
static void drop_due(struct imd_feed *feed) {
    int64_t now = feed->tenant->input->engine->now;
    unsigned kept = 0;
    for (unsigned i = 0; i < feed->poison_count; i++)
        if (feed->poisons[i].retry_at > now) feed->poisons[kept++] = feed->poisons[i];
    feed->poison_count = kept;
}

bool imd_poison_begin_walk(struct imd_poll *poll, imd_time lower) {
    struct imd_feed *feed = poll->feed;
    if (!imd_walk_begin(&poll->walk, feed->source, &feed->paging, lower)) return false;
    drop_due(feed);
    for (unsigned i = feed->poison_count; i-- > 0;) /* the newest first: the oldest part comes to lie on top */
        if (!imd_walk_leave_out(&poll->walk, feed->poisons[i].from, feed->poisons[i].to)) return false;
    return true;
}

static bool remember(struct imd_feed *feed, imd_time from, imd_time to) {
    if (feed->poison_count == IMD_POISONS_MAX) return false;
    if (!feed->poisons) feed->poisons = calloc(IMD_POISONS_MAX, sizeof *feed->poisons);
    if (!feed->poisons) return false;
    unsigned place = feed->poison_count;
    while (place > 0 && feed->poisons[place - 1].from > from) place--;
    if (place > 0 && feed->poisons[place - 1].from == from) return true;
    memmove(feed->poisons + place + 1, feed->poisons + place, (feed->poison_count - place) * sizeof *feed->poisons);
    feed->poisons[place] = (struct imd_poison){from, to, feed->tenant->input->engine->now + RETRY_MS};
    feed->poison_count++;
    return true;
}

/* --- asking something light --- */

static void forget_listed(struct imd_poll *poll) {
    for (unsigned i = 0; i < poll->listed_count; i++) free(poll->listed[i].json);
    poll->listed_count = 0;
}

void imd_poison_free(struct imd_poll *poll) {
    forget_listed(poll);
    free(poll->listed);
    poll->listed = NULL;
}

bool imd_poison_object(void *context, const char *json, size_t length, struct imd_json_value largest) {
    struct imd_poll *poll = context;
    struct imd_alert_fields *fields = &engine_of(poll)->fields;
    enum imd_alert_problem problem = imd_alert_read(poll->feed->source, json, length, largest, fields);
    if (problem == IMD_ALERT_BAD_TENANT || imd_feed_is_foreign(poll->feed, fields)) {
        poll->wrong_tenant = true;
        return false;
    }
    imd_walk_object(&poll->walk, fields->stamp, fields->created, true);
    if (poll->asking != IMD_ASKING_LIST || poll->listed_count == IMD_LISTED_MAX || length > IMD_LISTED_BYTES) return true;
    if (!poll->listed) poll->listed = malloc(IMD_LISTED_MAX * sizeof *poll->listed);
    struct imd_listed *listed = poll->listed ? &poll->listed[poll->listed_count] : NULL;
    if (!listed || !(listed->json = strndup(json, length))) {
        poll->no_memory = true;
        return false;
    }
    const char *id = fields->id;
    listed->length = length;
    listed->id = imd_digest_of(&id, &fields->id_length, 1);
    listed->stamp = fields->stamp;
    poll->listed_count++;
    return true;
}

static bool is_suspicious(enum imd_verdict verdict) {
    return verdict == IMD_VERDICT_SERVER || verdict == IMD_VERDICT_BAD_ANSWER || verdict == IMD_VERDICT_UNREACHABLE ||
           verdict == IMD_VERDICT_TOO_LARGE;
}

static unsigned patience(const struct imd_poll *poll) {
    struct imd_region region = imd_walk_query(&poll->walk).region;
    bool moment = region.to != IMD_TIME_NONE && region.to - region.from <= poll->feed->source->grain;
    return poll->narrowing && !moment ? SUSPECT_AGAIN_AFTER : SUSPECT_AFTER;
}

bool imd_poison_suspect(struct imd_poll *poll, const struct imd_judgement *judgement) {
    bool listable = !poll->feed->paging.unlistable && poll->feed->source->style == IMD_PAGE_ODATA;
    if (!is_suspicious(judgement->verdict)) return false;
    poll->trouble++;
    bool certain = judgement->verdict == IMD_VERDICT_TOO_LARGE; /* the API did answer */
    if (!certain && poll->trouble < patience(poll)) return false;
    poll->cause = *judgement;
    poll->asking = listable ? IMD_ASKING_LIST : IMD_ASKING_PROBE;
    return certain;
}

bool imd_poison_unanswered(struct imd_poll *poll, const struct imd_judgement *judgement) {
    struct imd_paging *paging = &poll->feed->paging;
    bool by_list = poll->asking == IMD_ASKING_LIST;
    poll->asking = IMD_ASKING_PAGE;
    poll->trouble = 0;
    switch (judgement->verdict) {
        case IMD_VERDICT_TOP_REFUSED:
            if (by_list && judgement->limit < paging->ceiling) {
                paging->ceiling = judgement->limit;
                poll->asking = IMD_ASKING_LIST;
                return true;
            } /* fall through */
        case IMD_VERDICT_QUERY_REFUSED:
            if (by_list) paging->unlistable = true;
            break;
        case IMD_VERDICT_SERVER:
        case IMD_VERDICT_BAD_ANSWER:
        case IMD_VERDICT_TOO_LARGE:
            break;
        default:
            return false; /* says nothing about the page; it is asked again */
    }
    if (!by_list) return false;
    poll->asking = IMD_ASKING_PROBE;
    return true;
}

/* --- what is left over --- */

/* Whether the list names everything that the page would hold. */
static bool is_complete(const struct imd_poll *poll) {
    unsigned count = poll->walk.page.count;
    bool linked = imd_page_reader_next_link(poll->reader) != NULL;
    return !linked && count <= IMD_LISTED_MAX && (count <= 1 || count < poll->feed->paging.widest);
}

/* The part of the list that has not been delivered becomes placeholders; without a list, the window does. */
static bool send_placeholders(struct imd_poll *poll, const struct imd_region *region) {
    struct imd_feed *feed = poll->feed;
    imd_time now = imd_feed_server_now(feed);
    char from[IMD_TIME_TEXT_MAX], to[IMD_TIME_TEXT_MAX], window[160];
    for (unsigned i = 0; i < poll->listed_count; i++) {
        const struct imd_listed *listed = &poll->listed[i];
        if (imd_seen_find(feed->seen, &listed->id, listed->stamp, now) == IMD_SEEN_DUPLICATE) continue;
        if (!imd_poll_send_placeholder(poll, listed->json, listed->length)) return false;
    }
    if (poll->listed_count) return true;
    snprintf(window, sizeof window, "{\"%s\":\"%s\",\"before\":\"%s\"}", feed->source->time_field,
             imd_time_print(region->from, from), imd_time_print(region->to, to));
    return imd_poll_send_placeholder(poll, window, strlen(window));
}

static void give_up(struct imd_poll *poll) {
    struct imd_judgement cause = poll->cause;
    imd_feed_failed(poll->feed, &cause);
}

static void reduce(struct imd_poll *poll) {
    struct imd_feed *feed = poll->feed;
    struct imd_walk_query ask = imd_walk_query(&poll->walk);
    if ((poll->listed_count && !is_complete(poll)) || feed->poison_count == IMD_POISONS_MAX || !send_placeholders(poll, &ask.region) ||
        !remember(feed, ask.region.from, ask.region.to)) {
        give_up(poll); /* so many are an outage, or hide others; the state says so, and the walk is begun anew later */
        return;
    }
    poll->doubts = 0;
    if (imd_walk_skip(&poll->walk) == IMD_WALK_DONE)
        imd_feed_polled(feed);
    else
        imd_feed_ask_next(feed);
}

static void narrow(struct imd_poll *poll, bool listed) {
    struct imd_error error = {0};
    poll->narrowing = true;
    switch (imd_walk_narrow(&poll->walk, imd_feed_server_now(poll->feed), listed, &error)) {
        case IMD_WALK_MORE:
            poll->doubts = 0;
            imd_feed_ask_next(poll->feed);
            break;
        case IMD_WALK_DONE:
            if (poll->cause.verdict == IMD_VERDICT_TOO_LARGE || ++poll->doubts >= CONVINCED_AFTER)
                reduce(poll);
            else
                imd_feed_ask_next(poll->feed);
            break;
        default:
            give_up(poll);
    }
}

void imd_poison_answered(struct imd_poll *poll) {
    struct imd_paging *paging = &poll->feed->paging;
    bool listed = poll->asking == IMD_ASKING_LIST;
    bool by_size = poll->cause.verdict == IMD_VERDICT_TOO_LARGE; /* then the page is as small as it gets */
    poll->asking = IMD_ASKING_PAGE;
    poll->trouble = 0;
    if (!by_size) poll->feed->failures = 0;
    bool linked = imd_page_reader_next_link(poll->reader) != NULL;
    if (listed && poll->walk.page.count == 0 && !linked)
        give_up(poll); /* nothing is there that could be the cause */
    else if (!by_size && paging->top > SMALL_PAGE &&
             imd_walk_shrink(&poll->walk, paging->top / 4 > SMALL_PAGE ? paging->top / 4 : SMALL_PAGE))
        imd_feed_ask_next(poll->feed);
    else
        narrow(poll, listed && poll->walk.page.count > 0);
}

void imd_poison_ask(struct imd_poll *poll, struct imd_query *query) {
    forget_listed(poll);
    if (poll->asking != IMD_ASKING_PAGE) query->ordered = false; /* may be refused as well */
    if (poll->asking == IMD_ASKING_LIST) {
        query->select = true;
        query->top = poll->feed->paging.ceiling;
    }
    if (poll->asking != IMD_ASKING_PROBE || query->from == IMD_TIME_NONE) return;
    /* A window of the same kind as those that fail, in which most probably nothing is. */
    query->to = imd_time_add(query->from, -poll->feed->source->grain);
    query->from = imd_time_add(query->to, -poll->feed->source->grain);
    query->expand = false;
}
