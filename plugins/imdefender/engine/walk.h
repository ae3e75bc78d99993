/* SPDX-License-Identifier: Apache-2.0 */
/* A walk: the pages of one poll of one feed, from its lower bound to the newest object, so that no object that is
 * visible all the time is missed, whatever the API leaves out. No I/O, no memory from the network, no clock.
 *
 * The ground it stands on (Microsoft documents none of it in one place): a page may be full without a next link; the page
 * ceiling may be lower than asked for; the order may be refused or silently not given; stamps tie; objects move to a
 * newer stamp while the walk is under way.
 *
 * - Ordered: `time ge CURSOR` in ascending order; the cursor moves to the last stamp of the page, never beyond it. Only
 *   once the order is trusted: pages in another order can ascend by chance, n objects in one of n! cases.
 * - Where the order is refused, is not what came, or cannot be judged, and for stamps shared by a whole page:
 *   regions. A region is a range of update times (and of creation times, and one value of each partition property); one
 *   that does not come back whole is split. Oldest first, so that what moves is met again later.
 * - A page is whole when it is empty, or smaller than a page that this feed has already answered, and has no next link:
 *   had it been cut off, it would be as large as that one. Nothing else proves it.
 * - Next links are followed only where a region cannot be split any more, and through empty pages. */
#ifndef IMD_WALK_H
#define IMD_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "../api/source.h"
#include "../base/error.h"
#include "../base/timestamp.h"

#define IMD_WALK_REGIONS_MAX 512   /* open regions; splitting adds at most two at a time */
#define IMD_WALK_LINKS_MAX 1000    /* next links followed in one chain */
#define IMD_WALK_CHAIN_ROUNDS 20   /* how often a chain is repeated while it still brings something new */
#define IMD_WALK_PARTITIONS 2

/* What a feed has learned about its API; lives as long as the feed. Zero it, then set `ceiling`. */
struct imd_paging {
    unsigned ceiling;       /* largest $top the API takes */
    unsigned top;           /* $top in use: the setting, or less after trouble */
    unsigned widest;        /* largest page answered so far: pages as large as this may have been cut off */
    unsigned clamp;         /* page size at which the API was seen to cut off, 0: never seen */
    bool expand;            /* with the source's navigation property */
    bool unlistable;        /* $select was refused */
    bool unordered;         /* $orderby was refused or not obeyed */
    unsigned trust;         /* bits of evidence that the order asked for is the order that comes */
    imd_time tie_stamp;     /* a tie that was found whole ... */
    unsigned tie_count;     /* ... with this many objects, so that it need not be proved at every poll */
};

/* Bounds are inclusive below, exclusive above; IMD_TIME_NONE: open. */
struct imd_region {
    imd_time from, to;                      /* last update */
    imd_time created_from, created_to;      /* creation */
    short value[IMD_WALK_PARTITIONS];       /* index into the partition's values, -1: not restricted */
};

/* The next request. */
struct imd_walk_query {
    struct imd_region region;
    bool ordered;             /* ask for ascending order */
    unsigned top;
    const char *next_link;    /* if not NULL: this URL and nothing else; owned by the walk */
};

struct imd_walk_page {  /* filled while the objects of a page pass by */
    unsigned count, fresh;
    bool descends;        /* two neighbours were in descending order */
    imd_time first, last; /* of the page's objects, IMD_TIME_NONE if empty */
    imd_time oldest, newest;
    imd_time created_oldest, created_newest; /* IMD_TIME_NONE if an object had none */
};

struct imd_walk {
    const struct imd_source *source;
    struct imd_paging *paging;
    imd_time lower;             /* where the walk began */
    bool ordered;
    imd_time cursor;            /* ordered: next lower bound */
    unsigned last_count;        /* ordered: size of the page before */
    struct imd_region *regions; /* stack, the oldest on top */
    unsigned region_count, region_room;
    char *next_link;
    unsigned links;
    uint64_t link_digests[2];   /* of links before, to meet a loop */
    bool chain;                 /* the links of a region that cannot be split are being followed */
    unsigned chain_fresh;       /* objects not seen before in the chain of links; while there are some, it is repeated */
    unsigned chain_rounds;
    bool links_refused;         /* in this region */
    imd_time tie;               /* regions were opened to resolve this stamp of an ordered walk, or IMD_TIME_NONE */
    unsigned tie_count;
    bool tie_held;              /* some of that stamp could not be reached */
    imd_time hold;              /* something at this stamp could not be reached: the watermark must not pass it */
    unsigned pages;
    struct imd_walk_page page;
};

enum imd_walk_step { IMD_WALK_MORE, IMD_WALK_DONE, IMD_WALK_FAILED };

/* Begins a walk at `lower`. `paging` is the feed's. A walk that was begun must be ended, also
 * if this returned false for want of memory. */
bool imd_walk_begin(struct imd_walk *walk, const struct imd_source *source, struct imd_paging *paging, imd_time lower);
void imd_walk_end(struct imd_walk *walk);

/* What to ask next. */
struct imd_walk_query imd_walk_query(const struct imd_walk *walk);

/* Before the first object of an answer, also when a request is repeated. */
void imd_walk_page_begin(struct imd_walk *walk);
/* Each object of the answer in its order; `created` may be IMD_TIME_NONE. An object without a readable stamp counts too:
 * pass IMD_TIME_NONE as `stamp`. `fresh`: not met before by this feed. */
void imd_walk_object(struct imd_walk *walk, imd_time stamp, imd_time created, bool fresh);
/* The answer was complete. `next_link` may be NULL; it must already have been found to be of the right origin, otherwise
 * pass `foreign_link`: then it says only that more follows. `count` is "@odata.count" or -1. On IMD_WALK_FAILED the
 * walk cannot be finished and `error` says why; begin again later. */
enum imd_walk_step imd_walk_page_end(struct imd_walk *walk, const char *next_link, bool foreign_link, int64_t count,
                                     struct imd_error *error);

/* Everything below this stamp that was visible has been met; holds also for a walk that is given up. */
imd_time imd_walk_reached(const struct imd_walk *walk);

/* The API refused the order (400): goes on without. False if that was not asked for. */
bool imd_walk_order_refused(struct imd_walk *walk);
/* The API refused the page size and named its limit, or the answer was too large: asks for less. False if it is 1. */
bool imd_walk_shrink(struct imd_walk *walk, unsigned top);
/* A next link was refused (400, 404, 410): goes on without links where that is possible. False if no link was followed. */
bool imd_walk_link_refused(struct imd_walk *walk);

/* Directly after begin(), the newest first: [from, to) is not walked. False if memory is short. */
bool imd_walk_leave_out(struct imd_walk *walk, imd_time from, imd_time to);
/* The page fails each time: goes on with a narrower part of it. `listed`: the objects since page_begin() are those of the
 * page. `now`: nothing is expected behind it. IMD_WALK_DONE: it is one moment, and one object if `listed`; then skip(). */
enum imd_walk_step imd_walk_narrow(struct imd_walk *walk, imd_time now, bool listed, struct imd_error *error);
/* Goes on behind the present part. */
enum imd_walk_step imd_walk_skip(struct imd_walk *walk);

#endif
