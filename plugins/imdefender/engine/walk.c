/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TRUST_BITS 30 /* once in 10^9 pages, disorder passes for order */

static imd_time floor_to(imd_time time, int64_t grain) {
    imd_time rest = time % grain;
    return time - (rest < 0 ? rest + grain : rest);
}

static struct imd_region everything_from(imd_time lower) {
    return (struct imd_region){lower, IMD_TIME_NONE, IMD_TIME_NONE, IMD_TIME_NONE, {-1, -1}};
}

static bool push(struct imd_walk *walk, struct imd_region region) {
    if (walk->region_count == walk->region_room) {
        if (walk->region_room >= IMD_WALK_REGIONS_MAX) return false;
        unsigned room = walk->region_room ? walk->region_room * 2 : 8;
        struct imd_region *regions = realloc(walk->regions, room * sizeof *regions);
        if (!regions) return false;
        walk->regions = regions;
        walk->region_room = room;
    }
    assert(walk->regions != NULL);
    walk->regions[walk->region_count++] = region;
    return true;
}

static struct imd_region *current(struct imd_walk *walk) {
    return walk->region_count ? &walk->regions[walk->region_count - 1] : NULL;
}

static void drop_link(struct imd_walk *walk) {
    free(walk->next_link);
    walk->next_link = NULL;
    walk->links = 0;
    walk->link_digests[0] = walk->link_digests[1] = 0;
}

static void pop(struct imd_walk *walk) {
    walk->region_count--;
    drop_link(walk);
    walk->chain = walk->links_refused = false;
    walk->chain_rounds = 0;
}

bool imd_walk_begin(struct imd_walk *walk, const struct imd_source *source, struct imd_paging *paging, imd_time lower) {
    memset(walk, 0, sizeof *walk);
    walk->source = source;
    walk->paging = paging;
    walk->lower = walk->cursor = floor_to(lower, source->grain);
    walk->tie = walk->hold = IMD_TIME_NONE;
    walk->ordered = !paging->unordered && source->style == IMD_PAGE_ODATA;
    return walk->ordered || push(walk, everything_from(walk->lower));
}

void imd_walk_end(struct imd_walk *walk) {
    drop_link(walk);
    free(walk->regions);
    walk->regions = NULL;
    walk->region_count = walk->region_room = 0;
}

struct imd_walk_query imd_walk_query(const struct imd_walk *walk) {
    bool by_region = walk->region_count > 0;
    return (struct imd_walk_query){
        .region = by_region ? walk->regions[walk->region_count - 1] : everything_from(walk->cursor),
        .ordered = !by_region,
        .top = walk->paging->top,
        .next_link = walk->next_link,
    };
}

void imd_walk_page_begin(struct imd_walk *walk) {
    memset(&walk->page, 0, sizeof walk->page);
    walk->page.first = walk->page.last = walk->page.oldest = walk->page.newest = IMD_TIME_NONE;
    walk->page.created_oldest = walk->page.created_newest = IMD_TIME_NONE;
}

void imd_walk_object(struct imd_walk *walk, imd_time stamp, imd_time created, bool fresh) {
    struct imd_walk_page *page = &walk->page;
    page->count++;
    if (fresh) page->fresh++;
    if (stamp == IMD_TIME_NONE) return;
    if (page->last != IMD_TIME_NONE && stamp < page->last) page->descends = true;
    if (page->first == IMD_TIME_NONE) page->first = stamp;
    page->last = stamp;
    if (page->oldest == IMD_TIME_NONE || stamp < page->oldest) page->oldest = stamp;
    if (page->newest == IMD_TIME_NONE || stamp > page->newest) page->newest = stamp;
    if (created == IMD_TIME_NONE) return;
    if (page->created_oldest == IMD_TIME_NONE || created < page->created_oldest) page->created_oldest = created;
    if (page->created_newest == IMD_TIME_NONE || created > page->created_newest) page->created_newest = created;
}

/* See the header: the only proof that nothing was cut off. */
static bool is_whole(const struct imd_walk *walk, bool has_link, int64_t total) {
    const struct imd_paging *paging = walk->paging;
    unsigned count = walk->page.count;
    if (has_link || total > (int64_t)count) return false;
    if (count == 0 || (count == 1 && paging->top > 1)) return true; /* no API has a ceiling of one object */
    unsigned widest = paging->widest < paging->top ? paging->widest : paging->top;
    return count < widest;
}

static uint64_t link_digest(const char *link) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *link; link++) hash = (hash ^ (unsigned char)*link) * UINT64_C(1099511628211);
    return hash | 1;
}

/* Brent's way to meet a loop with two memories: one link is kept and replaced at powers of two. */
static bool goes_round(const struct imd_walk *walk, const char *next_link) {
    uint64_t digest = link_digest(next_link);
    return digest == walk->link_digests[0] || digest == walk->link_digests[1] || walk->links >= IMD_WALK_LINKS_MAX;
}

static enum imd_walk_step follow(struct imd_walk *walk, const char *next_link, struct imd_error *error) {
    uint64_t digest = link_digest(next_link);
    char *copy = strdup(next_link);
    if (!copy) {
        imd_error_set(error, "free memory", "no memory for a next link");
        return IMD_WALK_FAILED;
    }
    unsigned links = walk->links + 1;
    uint64_t kept = walk->link_digests[0];
    drop_link(walk);
    walk->next_link = copy;
    walk->links = links;
    walk->link_digests[0] = (links & (links - 1)) == 0 ? digest : kept;
    walk->link_digests[1] = digest;
    return IMD_WALK_MORE;
}

/* Goes on below the walk as a whole once the last region is done. */
static enum imd_walk_step region_done(struct imd_walk *walk) {
    pop(walk);
    if (walk->region_count) return IMD_WALK_MORE;
    if (!walk->ordered || walk->tie == IMD_TIME_NONE) return IMD_WALK_DONE;
    /* A tie of an ordered walk is resolved: on behind it. */
    if (!walk->tie_held) {
        walk->paging->tie_stamp = walk->tie;
        walk->paging->tie_count = walk->tie_count;
    }
    walk->cursor = walk->tie + 1;
    walk->tie = IMD_TIME_NONE;
    walk->last_count = 0;
    return IMD_WALK_MORE;
}

static enum imd_walk_step out_of_room(struct imd_error *error) {
    imd_error_set(error, "free memory; if it stays, lower backfill or overlap", "the walk fell into too many parts");
    return IMD_WALK_FAILED;
}

/* Cuts [from, to) on the source's grain into halves; a page of one value gets a part of its own. Half of the window and not
 * of the page: a page of the newest shows nothing of how much lies below it, and page by page the parts would pile up.
 * Returns how many parts, the oldest first; 0 if there is nothing to cut. */
static unsigned cut(imd_time from, imd_time to, imd_time oldest, imd_time newest, int64_t grain, imd_time edges[4]) {
    unsigned parts = 0;
    oldest = floor_to(oldest, grain);
    newest = floor_to(newest, grain);
    /* Bounds that are widened for the query (api/query.c) bring objects of the neighbours along. */
    if (to != IMD_TIME_NONE && newest >= to) newest = to - grain;
    if (oldest > newest) oldest = newest;
    if (from != IMD_TIME_NONE && oldest < from) oldest = from;
    edges[0] = from;
    if (oldest < newest) {
        imd_time low = from != IMD_TIME_NONE ? from : oldest, high = to != IMD_TIME_NONE ? to - grain : newest;
        edges[++parts] = floor_to(low + (high - low) / 2, grain) + grain;
    } else {
        if (from == IMD_TIME_NONE || from < oldest) edges[++parts] = oldest;
        if (to == IMD_TIME_NONE || to > oldest + grain) edges[++parts] = oldest + grain;
    }
    edges[parts + 1] = to;
    return parts ? parts + 1 : 0;
}

static enum imd_walk_step push_parts(struct imd_walk *walk, struct imd_region region, unsigned parts,
                                     const imd_time *edges, bool created, struct imd_error *error) {
    for (unsigned i = parts; i-- > 0;) {
        struct imd_region part = region;
        if (created) {
            part.created_from = edges[i];
            part.created_to = edges[i + 1];
        } else {
            part.from = edges[i];
            part.to = edges[i + 1];
        }
        if (!push(walk, part)) return out_of_room(error);
    }
    return IMD_WALK_MORE;
}

static bool is_within(imd_time value, imd_time from, imd_time to) {
    return value != IMD_TIME_NONE && (from == IMD_TIME_NONE || value >= from) && (to == IMD_TIME_NONE || value < to);
}

/* Splits the current region along the first dimension that still can be. IMD_WALK_DONE: there is none. */
static enum imd_walk_step split(struct imd_walk *walk, struct imd_error *error) {
    const struct imd_walk_page *page = &walk->page;
    struct imd_region region = *current(walk);
    imd_time edges[4];
    bool created = false;
    unsigned parts = cut(region.from, region.to, page->oldest, page->newest, walk->source->grain, edges);
    if (!parts && walk->source->style == IMD_PAGE_ODATA &&
        is_within(page->created_oldest, region.created_from, region.created_to) &&
        is_within(page->created_newest, region.created_from, region.created_to)) {
        parts = cut(region.created_from, region.created_to, page->created_oldest, page->created_newest, 1, edges);
        created = true;
    }
    if (parts) {
        pop(walk);
        return push_parts(walk, region, parts, edges, created, error);
    }
    for (unsigned i = 0; i < IMD_WALK_PARTITIONS; i++) {
        const char *const *values = walk->source->partition_values[i];
        if (!walk->source->partitions[i] || region.value[i] >= 0) continue;
        pop(walk);
        for (short value = 0; values[value]; value++) {
            region.value[i] = value;
            if (!push(walk, region)) return out_of_room(error);
        }
        return IMD_WALK_MORE;
    }
    return IMD_WALK_DONE;
}

/* Something of the current region cannot be reached. Where the filter is not obeyed it may be older than anything that
 * was seen. */
static void hold_region(struct imd_walk *walk) {
    imd_time stamp = current(walk)->from;
    walk->tie_held = true;
    if (stamp == IMD_TIME_NONE || stamp < walk->lower) stamp = walk->lower;
    if (walk->hold == IMD_TIME_NONE || stamp < walk->hold) walk->hold = stamp;
}

/* The smallest region is still as large as a page. */
static enum imd_walk_step region_stuck(struct imd_walk *walk, const char *next_link, bool has_link, int64_t total,
                                       struct imd_error *error) {
    struct imd_paging *paging = walk->paging;
    unsigned count = walk->page.count;
    if (next_link && !walk->links_refused && !goes_round(walk, next_link)) {
        walk->chain = count > 0; /* empty pages are only passed by; what comes behind them can be split again */
        walk->chain_fresh = walk->page.fresh;
        return follow(walk, next_link, error);
    }
    if (!has_link && count >= paging->top && paging->top < paging->ceiling) {
        paging->top = paging->top * 2 < paging->ceiling ? paging->top * 2 : paging->ceiling;
        return IMD_WALK_MORE;
    }
    bool cut_off = has_link || total > (int64_t)count || count >= paging->top || (paging->clamp && count >= paging->clamp);
    if (cut_off) hold_region(walk);
    return region_done(walk);
}

/* Links are offsets into a list that may have changed meanwhile: what moved up was missed. A whole round without
 * anything new is the proof that nothing did. */
static enum imd_walk_step chain_done(struct imd_walk *walk) {
    if (walk->chain_fresh == 0) return region_done(walk);
    if (++walk->chain_rounds >= IMD_WALK_CHAIN_ROUNDS) {
        hold_region(walk);
        return region_done(walk);
    }
    walk->chain = false;
    drop_link(walk);
    return IMD_WALK_MORE;
}

static enum imd_walk_step region_page_end(struct imd_walk *walk, const char *next_link, bool has_link, int64_t total,
                                          struct imd_error *error) {
    if (walk->chain) { /* one that was begun is followed to its end */
        walk->chain_fresh += walk->page.fresh;
        if (next_link && !goes_round(walk, next_link)) return follow(walk, next_link, error);
        if (!has_link) return chain_done(walk);
        hold_region(walk); /* the links lead round, or elsewhere */
        return region_done(walk);
    }
    if (is_whole(walk, has_link, total)) return region_done(walk);
    if (walk->page.count == 0) return region_stuck(walk, next_link, has_link, total, error);
    /* Objects outside the region: the filter is not obeyed, so splitting would go on for ever. */
    const struct imd_region *region = current(walk);
    int64_t wider = walk->source->style == IMD_PAGE_WINDOW ? walk->source->grain : 0; /* see api/query.c */
    imd_time from = region->from == IMD_TIME_NONE ? IMD_TIME_NONE : imd_time_add(region->from, -wider);
    imd_time to = region->to == IMD_TIME_NONE ? IMD_TIME_NONE : imd_time_add(region->to, 2 * wider);
    bool obeyed = is_within(walk->page.oldest, from, to) && is_within(walk->page.newest, from, to);
    enum imd_walk_step step = obeyed ? split(walk, error) : IMD_WALK_DONE;
    return step == IMD_WALK_DONE ? region_stuck(walk, next_link, has_link, total, error) : step;
}

/* From here on without an order, at the cursor. */
static enum imd_walk_step leave_order(struct imd_walk *walk, struct imd_error *error) {
    walk->ordered = false;
    walk->tie = IMD_TIME_NONE;
    drop_link(walk);
    return push(walk, everything_from(walk->cursor)) ? IMD_WALK_MORE : out_of_room(error);
}

/* A page that ascends is evidence in the measure of how unlikely that is by chance: log2(n!) bits. Objects that were met
 * before say nothing new: the same chance would show them in the same order again. */
static void note_order(struct imd_walk *walk) {
    static const unsigned char bits[] = {0, 0, 1, 2, 4, 6, 9, 12, 15, 18, 21, 25, 28, 32};
    const unsigned most = sizeof bits / sizeof *bits - 1;
    struct imd_paging *paging = walk->paging;
    if (walk->page.oldest == walk->page.newest || paging->trust >= TRUST_BITS) return;
    paging->trust += bits[walk->page.fresh < most ? walk->page.fresh : most];
}

/* An ordered page that holds one stamp only, and that is the cursor: is that stamp whole? */
static enum imd_walk_step tie_page_end(struct imd_walk *walk, bool has_link, struct imd_error *error) {
    struct imd_paging *paging = walk->paging;
    unsigned count = walk->page.count;
    imd_time stamp = walk->page.newest;
    if (!has_link && count < paging->top && paging->tie_stamp == stamp && paging->tie_count == count) {
        walk->cursor = stamp + 1; /* known to be whole; what came since may have been cut off behind it */
        walk->last_count = 0;
        return IMD_WALK_MORE;
    }
    walk->tie = stamp;
    walk->tie_held = false;
    walk->tie_count = count;
    struct imd_region region = everything_from(stamp);
    region.to = stamp + 1;
    drop_link(walk);
    return push(walk, region) ? IMD_WALK_MORE : out_of_room(error);
}

static enum imd_walk_step ordered_page_end(struct imd_walk *walk, const char *next_link, bool has_link, int64_t total,
                                           struct imd_error *error) {
    struct imd_walk_page *page = &walk->page;
    struct imd_paging *paging = walk->paging;
    if (page->descends || (page->oldest != IMD_TIME_NONE && page->oldest < walk->cursor && page->count > 1)) {
        paging->unordered = true;
        paging->trust = 0;
        return leave_order(walk, error);
    }
    note_order(walk);
    if (is_whole(walk, has_link, total)) return IMD_WALK_DONE;
    if (page->newest == IMD_TIME_NONE) {
        if (next_link && !walk->links_refused && !goes_round(walk, next_link)) return follow(walk, next_link, error);
        imd_error_set(error, "nothing; the poll is repeated", "the API says that more follows but gives no usable link");
        return IMD_WALK_FAILED;
    }
    if (page->newest > walk->cursor) {
        if (paging->trust < TRUST_BITS) {
            enum imd_walk_step step = leave_order(walk, error);
            return step == IMD_WALK_MORE ? region_page_end(walk, NULL, has_link, total, error) : step;
        }
        if (walk->last_count == page->count && page->count > 1 && !has_link) paging->clamp = page->count;
        walk->last_count = page->count;
        walk->cursor = page->newest;
        drop_link(walk);
        return IMD_WALK_MORE;
    }
    return tie_page_end(walk, has_link, error);
}

enum imd_walk_step imd_walk_page_end(struct imd_walk *walk, const char *next_link, bool foreign_link, int64_t count,
                                     struct imd_error *error) {
    bool has_link = next_link != NULL || foreign_link;
    bool by_region = walk->region_count > 0;
    walk->pages++;
    enum imd_walk_step step = by_region ? region_page_end(walk, next_link, has_link, count, error)
                                        : ordered_page_end(walk, next_link, has_link, count, error);
    if (walk->page.count > walk->paging->widest) walk->paging->widest = walk->page.count;
    return step;
}

imd_time imd_walk_reached(const struct imd_walk *walk) {
    imd_time reached = walk->cursor;
    if (walk->region_count) {
        /* Parts of one region share its bounds until they are all done; what lies below its beginning is done. */
        const struct imd_region *region = &walk->regions[walk->region_count - 1];
        reached = region->from == IMD_TIME_NONE ? walk->lower : region->from;
    }
    return walk->hold != IMD_TIME_NONE && walk->hold < reached ? walk->hold : reached;
}

bool imd_walk_order_refused(struct imd_walk *walk) {
    struct imd_error ignored;
    if (walk->region_count) return false;
    walk->paging->unordered = true;
    return leave_order(walk, &ignored) == IMD_WALK_MORE;
}

bool imd_walk_shrink(struct imd_walk *walk, unsigned top) {
    if (top < 1) top = 1;
    if (top >= walk->paging->top) return false;
    walk->paging->top = top;
    drop_link(walk);
    return true;
}

bool imd_walk_link_refused(struct imd_walk *walk) {
    if (!walk->next_link) return false;
    drop_link(walk);
    walk->links_refused = true;
    walk->chain = false;
    return true;
}

bool imd_walk_leave_out(struct imd_walk *walk, imd_time from, imd_time to) {
    struct imd_region *region = current(walk);
    if (to <= walk->lower) return true;
    if (!region) {
        walk->ordered = false;
        if (!push(walk, everything_from(walk->lower))) return false;
        region = current(walk);
    }
    struct imd_region before = *region;
    before.to = from;
    region->from = to;
    return from <= walk->lower || push(walk, before);
}

/* As if the page had shown objects at both ends of what it was asked for. */
static bool guess_page(struct imd_walk *walk, imd_time now) {
    const struct imd_region *region = current(walk);
    struct imd_walk_page *page = &walk->page;
    const int64_t created_before = INT64_C(200) * 86400 * IMD_TICKS_PER_SECOND; /* longer than anything is kept */
    imd_walk_page_begin(walk);
    page->oldest = region->from == IMD_TIME_NONE ? walk->lower : region->from;
    page->newest = region->to == IMD_TIME_NONE ? now : region->to - walk->source->grain;
    if (page->newest < page->oldest) return false;
    page->created_oldest = region->created_from == IMD_TIME_NONE ? imd_time_add(page->oldest, -created_before)
                                                                 : region->created_from;
    page->created_newest = region->created_to == IMD_TIME_NONE ? page->newest : region->created_to - 1;
    if (page->created_newest < page->created_oldest) page->created_newest = page->created_oldest;
    return true;
}

enum imd_walk_step imd_walk_narrow(struct imd_walk *walk, imd_time now, bool listed, struct imd_error *error) {
    drop_link(walk); /* what a link stood for is asked for by its region */
    walk->chain = false;
    if (!walk->region_count && leave_order(walk, error) != IMD_WALK_MORE) return IMD_WALK_FAILED;
    const struct imd_region *region = current(walk);
    bool moment = region->to != IMD_TIME_NONE && region->to - region->from <= walk->source->grain;
    if (listed && walk->page.count == 1 && moment) return IMD_WALK_DONE;
    bool known = listed && is_within(walk->page.oldest, region->from, region->to) &&
                 is_within(walk->page.newest, region->from, region->to);
    if (!known && !guess_page(walk, now)) {
        imd_error_set(error, "nothing; the walk begins again", "the API fails over a time that is still to come");
        return IMD_WALK_FAILED;
    }
    return split(walk, error);
}

enum imd_walk_step imd_walk_skip(struct imd_walk *walk) {
    return region_done(walk);
}
