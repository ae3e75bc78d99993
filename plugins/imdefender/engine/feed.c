/* SPDX-License-Identifier: Apache-2.0 */
/* A feed: one source of one tenant. When it is polled, from where, and what the outcome means for the next time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define HOUR (INT64_C(3600) * IMD_TICKS_PER_SECOND)
#define LASTING_MS INT64_C(900000)  /* wait while only an operator can help */
#define BACKOFF_MS INT64_C(1000)    /* first wait after a passing fault; doubles ... */
#define BACKOFF_MAX_MS INT64_C(300000)
#define EXPAND_FAILURES_MAX 2u      /* polls that needed to leave the navigation property out, before it stays out */
#define BLOCKED_MS INT64_C(60000)   /* without room for so long: the outputs stand still */
#define BEAT_MS 250                 /* polls begin at multiples of this: most of what a single one costs is waking up */
#define RETRIES_MAX 8u              /* passing faults in a row after which a walk is given up and begun anew */

static struct imd_engine *engine_of(const struct imd_feed *feed) {
    return feed->tenant->input->engine;
}

static const struct imd_settings *settings_of(const struct imd_feed *feed) {
    return feed->tenant->settings;
}

static imd_time ticks(int64_t seconds) {
    return seconds * IMD_TICKS_PER_SECOND;
}

const char *imd_feed_text(const struct imd_feed *feed, char *out, size_t size) {
    const struct imd_settings *settings = settings_of(feed);
    if (settings->tenant_name)
        snprintf(out, size, "tenant %s (%s), source %s", settings->tenant_name, settings->tenant_id, feed->source->name);
    else
        snprintf(out, size, "tenant %s, source %s", settings->tenant_id, feed->source->name);
    return out;
}

/* The API's clock as we know it, carried on by a clock that nobody sets; before its first answer the clock here. */
imd_time imd_feed_server_now(const struct imd_feed *feed) {
    struct imd_engine *engine = engine_of(feed);
    if (feed->server_date == IMD_TIME_NONE) return engine->transport->operations->wall(engine->transport);
    return imd_time_add(feed->server_date, (engine->now - feed->server_date_at) * (IMD_TICKS_PER_SECOND / 1000));
}

/* --- life --- */

static bool add_version(void *context, const struct imd_version *version) {
    return imd_seen_add(context, version);
}

/* How far back versions are certain to be remembered, after what the store may have dropped. */
static imd_time horizon(const struct imd_feed *feed, imd_time server_now) {
    int64_t depth = settings_of(feed)->reconcile > settings_of(feed)->overlap ? settings_of(feed)->reconcile
                                                                               : settings_of(feed)->overlap;
    imd_time time = imd_time_add(server_now, -ticks(depth));
    if (feed->checkpoint.watermark != IMD_TIME_NONE && feed->checkpoint.watermark < time) time = feed->checkpoint.watermark;
    return imd_time_add(time, -HOUR);
}

static int load_state(struct imd_feed *feed, struct imd_error *error) {
    const struct imd_feed_name name = {feed->account->input, feed->account->tenant, feed->account->source};
    int result = imd_checkpointer_load(engine_of(feed)->checkpointer, &name, &feed->checkpoint, add_version,
                                       &feed->seen, error);
    if (result < 0) return -1;
    feed->remembered_from = feed->checkpoint.succeeded == IMD_TIME_NONE ? IMD_TIME_NONE
                                                                        : horizon(feed, feed->checkpoint.succeeded);
    return 0;
}

static bool keep_account(struct imd_engine *engine, struct imd_account *account) {
    if (engine->account_count == engine->account_room) {
        size_t room = engine->account_room ? engine->account_room * 2 : 64;
        struct imd_account **accounts = realloc(engine->accounts, room * sizeof *accounts);
        if (!accounts) return false;
        engine->accounts = accounts;
        engine->account_room = room;
    }
    engine->accounts[engine->account_count++] = imd_account_share(account);
    return true;
}

static void set_paging(struct imd_feed *feed) {
    int64_t top = settings_of(feed)->page_size;
    if (!feed->paging.ceiling || feed->paging.ceiling > feed->source->page_ceiling)
        feed->paging.ceiling = feed->source->page_ceiling;
    feed->expand_failures = 0;
    feed->paging.top = top < 1 || top > feed->paging.ceiling ? feed->paging.ceiling : (unsigned)top;
}

struct imd_feed *imd_feed_new(struct imd_tenant *tenant, const struct imd_source *source, struct imd_error *error) {
    struct imd_engine_input *input = tenant->input;
    struct imd_feed *feed = calloc(1, sizeof *feed);
    if (feed) {
        feed->account = imd_account_new(input->name, tenant->settings->tenant_id, source->name, &input->counters,
                                        &input->load);
    }
    if (!feed || !feed->account || !keep_account(input->engine, feed->account)) {
        if (feed) imd_account_release(feed->account);
        free(feed);
        imd_error_set(error, "free memory", "no memory for a feed");
        return NULL;
    }
    feed->tenant = tenant;
    feed->source = source;
    feed->server_date = feed->marked = feed->remembered_from = feed->complete_until = IMD_TIME_NONE;
    feed->succeeded_at = input->engine->now;
    feed->health = "starting";
    feed->health_since = imd_feed_server_now(feed);
    set_paging(feed);
    if (load_state(feed, error) < 0) {
        imd_feed_free(feed);
        return NULL;
    }
    return feed;
}

static void leave_parked(struct imd_feed *feed) {
    struct imd_engine_input *input = feed->tenant->input;
    struct imd_feed **link = &input->parked;
    while (*link && *link != feed) link = &(*link)->next_parked;
    if (!*link) return;
    *link = feed->next_parked;
    if (!*link) input->parked_end = link;
}

void imd_feed_free(struct imd_feed *feed) {
    if (!feed) return;
    imd_heap_remove(&engine_of(feed)->due, &feed->due);
    if (feed->state == IMD_FEED_PARKED) leave_parked(feed);
    imd_poll_free(feed->poll);
    free(feed->poisons);
    imd_seen_free(feed->seen);
    imd_account_release(feed->account);
    free(feed);
}

void imd_feed_move(struct imd_feed *feed, struct imd_tenant *tenant) {
    bool resting = imd_heap_holds(&feed->due) && (feed->throttled || (!feed->poll && !feed->failures));
    int64_t longest = engine_of(feed)->now + tenant->settings->poll_interval * 1000;
    if (feed->state == IMD_FEED_PARKED) leave_parked(feed);
    imd_poll_free(feed->poll);
    feed->poll = NULL;
    feed->tenant = tenant;
    set_paging(feed);
    /* Who rests goes on resting, so that a reload is no burst of requests and cuts no wait short that the server asked
     * for. */
    if (!resting)
        imd_feed_schedule(feed, 0);
    else if (!feed->throttled && feed->due.key > longest)
        imd_feed_schedule(feed, longest - engine_of(feed)->now);
}

/* --- schedule --- */

void imd_feed_schedule(struct imd_feed *feed, int64_t delay_ms) {
    feed->state = IMD_FEED_WAITING;
    /* Room was reserved when the feed was made, so this cannot fail. */
    imd_heap_arm(&engine_of(feed)->due, &feed->due, engine_of(feed)->now + (delay_ms > 0 ? delay_ms : 0));
}

bool imd_input_has_room(const struct imd_engine_input *input) {
    return imd_count_read(input->load.alerts) < (uint64_t)input->settings->max_in_flight &&
           imd_count_read(input->load.bytes) < IMD_IN_FLIGHT_BYTES;
}

/* One feed alone may take half of what the input may have out, so that others always find room. */
static bool has_room(const struct imd_feed *feed) {
    const struct imd_engine_input *input = feed->tenant->input;
    uint64_t own = (uint64_t)settings_of(feed)->max_in_flight;
    if (input->feed_count > 1 && own > (uint64_t)(input->settings->max_in_flight + 1) / 2)
        own = (uint64_t)(input->settings->max_in_flight + 1) / 2;
    return imd_input_has_room(input) && imd_count_read(feed->account->alerts) < own;
}

static void park(struct imd_feed *feed) {
    struct imd_engine_input *input = feed->tenant->input;
    if (feed->state != IMD_FEED_PARKED) feed->parked_at = input->engine->now;
    feed->state = IMD_FEED_PARKED;
    feed->next_parked = NULL;
    *input->parked_end = feed;
    input->parked_end = &feed->next_parked;
}

void imd_input_unpark(struct imd_engine_input *input) {
    struct imd_feed *feed = input->parked, *next;
    input->parked = NULL;
    input->parked_end = &input->parked;
    for (; feed; feed = next) {
        next = feed->next_parked;
        if (has_room(feed))
            imd_feed_schedule(feed, 0);
        else
            park(feed);
    }
}

void imd_input_tell_blocked(struct imd_engine_input *input) {
    bool by_state = imd_checkpointer_failing(input->engine->checkpointer);
    char reason[200];
    for (struct imd_feed *feed = input->parked; feed; feed = feed->next_parked) {
        if (feed->health_before || input->engine->now - feed->parked_at < BLOCKED_MS) continue;
        snprintf(reason, sizeof reason, "%llu alerts of the input are out, and %s for %d s",
                 (unsigned long long)imd_count_read(input->load.alerts),
                 by_state ? "the state of enough of them could not be written" : "no output has acknowledged enough of them",
                 (int)(BLOCKED_MS / 1000));
        const char *before = feed->health;
        if (by_state)
            imd_feed_set_health(feed, "state-blocked", reason,
                                "make the state file writable, or room on its disk; nothing is lost meanwhile");
        else
            imd_feed_set_health(feed, "output-blocked", reason,
                                "look at what the actions of the ruleset wait for; nothing is lost meanwhile");
        feed->health_before = before;
    }
}

static void tell_unblocked(struct imd_feed *feed) {
    const char *before = feed->health_before;
    feed->health_before = NULL;
    if (before) imd_feed_set_health(feed, before, "as before everything stood still", "");
}

/* --- polling --- */

/* For the poll that begins. A sweep tries again what was given up. */
static void choose_expand(struct imd_feed *feed, bool sweep) {
    if (sweep && feed->expand_failures) feed->expand_failures = EXPAND_FAILURES_MAX - 1;
    feed->paging.expand =
        feed->expand_failures < EXPAND_FAILURES_MAX && imd_settings_expands(settings_of(feed), feed->source);
}

static bool begin(struct imd_feed *feed) {
    struct imd_checkpoint *checkpoint = &feed->checkpoint;
    const struct imd_settings *settings = settings_of(feed);
    imd_time now = imd_feed_server_now(feed);
    if (checkpoint->origin == IMD_TIME_NONE) {
        checkpoint->origin = imd_time_add(now, -ticks(settings->backfill));
        checkpoint->watermark = checkpoint->origin;
    }
    /* A sweep in the future was dated by a clock that has been set since. */
    bool due = now >= imd_time_add(checkpoint->swept, ticks(settings->reconcile_interval)) ||
               checkpoint->swept > imd_time_add(now, ticks(60));
    bool sweep = checkpoint->swept != IMD_TIME_NONE && settings->reconcile > settings->overlap && due;
    imd_time lower = checkpoint->watermark;
    if (sweep && imd_time_add(now, -ticks(settings->reconcile)) < lower)
        lower = imd_time_add(now, -ticks(settings->reconcile));
    if (lower < checkpoint->origin) lower = checkpoint->origin;
    choose_expand(feed, sweep);
    feed->poll = imd_poll_new(feed, lower, sweep);
    feed->begun = feed->due.key;
    if (feed->poll) imd_account_count(feed->account, polls, 1);
    return feed->poll != NULL;
}

static void fail_sign_in(struct imd_feed *feed) {
    const struct imd_signin *signin = &feed->tenant->signins[feed->source->api];
    struct imd_judgement judgement = {.verdict = IMD_VERDICT_SERVER, .retry_after = -1, .reason = "no memory"};
    if (signin->failure) judgement = *signin->failure;
    int64_t wait = signin->retry_at - engine_of(feed)->now;
    judgement.retry_after = wait > 0 ? (wait + 999) / 1000 : 0;
    imd_feed_failed(feed, &judgement);
}

static void ask(struct imd_feed *feed) {
    const char *authorization = NULL;
    struct imd_budget *budget = &feed->tenant->budgets[feed->source->api];
    int64_t wait = imd_budget_wait(budget, feed->source->per_minute, feed->source->per_hour,
                                   (unsigned)settings_of(feed)->request_budget, engine_of(feed)->now);
    if (wait > 0) { /* rather late than over the quota, whose refusals count against it as well */
        imd_feed_schedule(feed, wait);
        return;
    }
    switch (imd_tenant_sign_in(feed->tenant, feed->source, &authorization)) {
        case IMD_SIGNIN_READY:
            imd_budget_spend(budget, engine_of(feed)->now);
            imd_poll_request(feed->poll, authorization);
            break;
        case IMD_SIGNIN_WAIT:
            feed->state = IMD_FEED_SIGNING_IN;
            break;
        default:
            fail_sign_in(feed);
    }
}

void imd_feed_run(struct imd_feed *feed) {
    if (!has_room(feed)) {
        park(feed); /* also in the middle of a walk: what it has reached is kept */
        return;
    }
    tell_unblocked(feed);
    if (feed->poll || begin(feed))
        ask(feed);
    else
        imd_feed_schedule(feed, BACKOFF_MS);
}

void imd_feed_signed_in(struct imd_feed *feed) {
    imd_feed_schedule(feed, 0);
}

void imd_feed_ask_next(struct imd_feed *feed) {
    imd_feed_schedule(feed, 0); /* through the heap: whoever waits longer comes first */
}

/* --- outcome --- */

static void end_poll(struct imd_feed *feed) {
    imd_poll_free(feed->poll);
    feed->poll = NULL;
}

/* Forgets versions that no walk can meet again; about once an hour, and after each sweep. */
static imd_time forget(struct imd_feed *feed, imd_time server_now, bool sweep) {
    imd_time before = horizon(feed, server_now);
    if (!sweep && feed->remembered_from != IMD_TIME_NONE && before < imd_time_add(feed->remembered_from, HOUR))
        return IMD_TIME_NONE;
    imd_seen_forget(&feed->seen, before);
    feed->remembered_from = before;
    return before;
}

/* The watermark after a complete walk: behind its beginning by the overlap, so that what became visible late is met; and
 * behind wherever the API's clock was meanwhile, since it stamps the objects. */
static void move_watermark(struct imd_feed *feed, const struct imd_poll *poll) {
    struct imd_checkpoint *checkpoint = &feed->checkpoint;
    imd_time watermark = imd_time_add(poll->earliest, -ticks(settings_of(feed)->overlap));
    if (poll->walk.hold != IMD_TIME_NONE && poll->walk.hold < watermark) watermark = poll->walk.hold;
    if (poll->partial && checkpoint->watermark < watermark) watermark = checkpoint->watermark;
    if (watermark < checkpoint->origin) watermark = checkpoint->origin;
    checkpoint->watermark = watermark;
}

/* A page size that was lowered after trouble grows back. */
static void restore_top(struct imd_feed *feed) {
    struct imd_paging *paging = &feed->paging;
    unsigned ceiling = paging->ceiling;
    if (settings_of(feed)->page_size > 0 && (uint64_t)settings_of(feed)->page_size < ceiling)
        ceiling = (unsigned)settings_of(feed)->page_size;
    if (paging->top < ceiling) paging->top = paging->top * 2 < ceiling ? paging->top * 2 : ceiling;
}

static void set_health_after(struct imd_feed *feed, const struct imd_poll *poll) {
    if (poll->walk.hold != IMD_TIME_NONE)
        imd_feed_set_health(feed, "incomplete", "more objects share one time stamp than the API shows in one page",
                            "report it; a filter by severity or serviceSource makes the pages smaller");
    else if (feed->poison_count)
        imd_feed_set_health(feed, "incomplete", "the API cannot deliver some objects; placeholders with their ids were passed on",
                            "look the ids up in the portal; report them to Microsoft");
    else if (poll->partial)
        imd_feed_set_health(feed, "partial", "HTTP 206: not every provider behind the API answered",
                            "nothing; if it lasts, look at the service health of the tenant");
    else
        imd_feed_set_health(feed, "ok", "", "");
}

void imd_feed_polled(struct imd_feed *feed) {
    struct imd_poll *poll = feed->poll;
    struct imd_checkpoint *checkpoint = &feed->checkpoint;
    imd_time started = poll->started, before = IMD_TIME_NONE;
    bool complete = poll->walk.hold == IMD_TIME_NONE && !poll->partial;
    bool sweep = poll->sweep || checkpoint->swept == IMD_TIME_NONE;
    bool first = checkpoint->succeeded == IMD_TIME_NONE;
    move_watermark(feed, poll);
    if (complete) {
        checkpoint->succeeded = feed->complete_until = started;
        if (sweep) checkpoint->swept = started;
        before = forget(feed, started, poll->sweep);
        feed->succeeded_at = engine_of(feed)->now;
    }
    set_health_after(feed, poll);
    end_poll(feed);
    feed->failures = 0;
    restore_top(feed);
    if (feed->paging.expand) feed->expand_failures = 0;
    if (first || sweep || before != IMD_TIME_NONE || feed->marked == IMD_TIME_NONE ||
        started >= imd_time_add(feed->marked, ticks(IMD_MARK_EVERY_S)))
        imd_feed_mark(feed, before);
    /* From the beginning of this poll, so that the rhythm does not depend on how long answers take; rounded down, so that it
     * does not get slower either. */
    int64_t due = (feed->begun + settings_of(feed)->poll_interval * 1000) / BEAT_MS * BEAT_MS;
    int64_t now = engine_of(feed)->now;
    imd_feed_schedule(feed, due > now ? due - now : 0);
}

/* What an ordered or region-wise walk has finished stays finished: a deep backfill does not begin anew after each fault. */
static void keep_progress(struct imd_feed *feed, const struct imd_poll *poll) {
    imd_time reached = imd_walk_reached(&poll->walk);
    imd_time limit = poll->started == IMD_TIME_NONE
                         ? IMD_TIME_NONE
                         : imd_time_add(poll->earliest, -ticks(settings_of(feed)->overlap));
    if (poll->partial || limit == IMD_TIME_NONE) return;
    if (reached > limit) reached = limit;
    if (reached <= feed->checkpoint.watermark) return;
    feed->checkpoint.watermark = feed->complete_until = reached;
    imd_feed_mark(feed, IMD_TIME_NONE);
}

static int64_t wait_after(struct imd_feed *feed, const struct imd_judgement *judgement) {
    struct imd_engine *engine = engine_of(feed);
    int64_t asked = judgement->retry_after > 0 ? judgement->retry_after * 1000 : 0;
    if (imd_verdict_is_lasting(judgement->verdict))
        return (asked > LASTING_MS ? asked : LASTING_MS) + imd_engine_jitter(engine, LASTING_MS / 4);
    unsigned doublings = feed->failures < 20 ? feed->failures + 1 : 20;
    int64_t limit = BACKOFF_MS << doublings < BACKOFF_MAX_MS ? BACKOFF_MS << doublings : BACKOFF_MAX_MS;
    return asked + imd_engine_jitter(engine, limit);
}

/* Asks without the navigation property until the next poll; for long once that has proved right. */
static void leave_expand_out(struct imd_feed *feed) {
    char text[300];
    feed->paging.expand = false;
    if (++feed->expand_failures == EXPAND_FAILURES_MAX)
        imd_log_print(&engine_of(feed)->log, IMD_LOG_WARNING,
                      "%s: the API fails over $expand=%s; the objects come without it until the next sweep tries again",
                      imd_feed_text(feed, text, sizeof text), feed->source->expand);
}

bool imd_feed_give_up_expand(struct imd_feed *feed) {
    if (!feed->paging.expand) return false;
    leave_expand_out(feed);
    return true;
}

/* What the API fails over may be too much for it, or a navigation property it cannot manage (Graph's incidents with their
 * alerts in large tenants). That is only known once the same works without, so the two are tried in turn. */
static void ask_for_less(struct imd_feed *feed) {
    bool suspect = feed->expand_failures > 0 || feed->failures > 2;
    if (feed->paging.top >= 4) feed->paging.top /= 2;
    if (feed->paging.expand && suspect) {
        leave_expand_out(feed);
    } else if (!feed->paging.expand && feed->expand_failures && feed->expand_failures < EXPAND_FAILURES_MAX) {
        feed->paging.expand = true; /* it fails without, too */
        feed->expand_failures--;
    }
}

/* The API may answer the same request when it is repeated. */
static bool is_passing(enum imd_verdict verdict) {
    return verdict == IMD_VERDICT_THROTTLED || verdict == IMD_VERDICT_UNREACHABLE || verdict == IMD_VERDICT_SERVER ||
           verdict == IMD_VERDICT_BAD_ANSWER;
}

void imd_feed_failed(struct imd_feed *feed, const struct imd_judgement *judgement) {
    bool over = judgement->walk_is_over || !is_passing(judgement->verdict); /* repeating the request cannot help */
    bool answered = feed->state == IMD_FEED_ASKING;                         /* by the API, not by the sign-in service */
    int64_t wait = wait_after(feed, judgement), interval = settings_of(feed)->poll_interval * 1000;
    feed->failures++;
    feed->throttled = judgement->verdict == IMD_VERDICT_THROTTLED;
    /* After a passing fault the walk goes on with the same request: however long it is, it comes to its end. */
    if (feed->poll && !feed->poll->failed) {
        feed->poll->failed = true;
        imd_account_count(feed->account, polls_failed, 1);
    }
    if (feed->poll && (over || feed->failures % RETRIES_MAX == 0)) {
        keep_progress(feed, feed->poll);
        end_poll(feed);
    }
    /* One passing fault is no news; a second in a row is, and whatever keeps a new feed from starting. */
    if (over || feed->failures > 1 || strcmp(feed->health, "starting") == 0)
        imd_feed_set_health(feed, imd_verdict_state(judgement->verdict), judgement->reason, judgement->action);
    if (judgement->verdict == IMD_VERDICT_SERVER && answered && feed->failures > 1) ask_for_less(feed);
    if (judgement->verdict == IMD_VERDICT_QUERY_REFUSED) { /* neither order nor navigation property was the reason */
        feed->paging.unordered = false;
        feed->expand_failures = 0;
    }
    imd_feed_schedule(feed, over && wait < interval ? interval : wait);
}
