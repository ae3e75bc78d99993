/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine share. A tenant has feeds, one for each source; the scheduler polls a feed; a poll fetches
 * pages. All of it belongs to the HTTP thread, except where a member says otherwise. */
#ifndef IMD_ENGINE_INTERNAL_H
#define IMD_ENGINE_INTERNAL_H

#include <pthread.h>
#include "../api/alert.h"
#include "../api/answer.h"
#include "../api/page_reader.h"
#include "../api/token.h"
#include "../api/transport.h"
#include "../base/heap.h"
#include "../api/query.h"
#include "budget.h"
#include "checkpoint.h"
#include "engine.h"
#include "seen.h"
#include "walk.h"

#define IMD_API_COUNT 3
#define IMD_QUEUED_PAUSE (1u << 20)      /* bytes handed to a sink and not submitted at which transfers are held up ... */
#define IMD_QUEUED_RESUME (1u << 19)     /* ... and go on */
#define IMD_IN_FLIGHT_BYTES (256u << 20) /* bytes of an input fetched and not committed at which polling stops */
#define IMD_RELOAD_CHECK_MS 2000         /* how often tenants files are looked at */
#define IMD_RENEW_BEFORE_S 300           /* a token with less left is renewed, or with a fifth of its life */
#define IMD_POISONS_MAX 64               /* moments of a feed that are left out; more are an outage */
#define IMD_LISTED_MAX 16                /* objects of a list that are kept, */
#define IMD_LISTED_BYTES 4096            /* and how long one of them may be */
#define IMD_MARK_EVERY_S 300             /* a feed's watermark is written at most so often */

/* A token of a tenant for one API, and how it is got: by one request at a time, whoever needs it (signin.c). */
struct imd_signin {
    struct imd_token token;
    unsigned issued;                 /* tokens so far: names the present one */
    int64_t renew_at, expires_at;    /* ms, monotonic */
    int64_t retry_at;                /* after a failure: not before */
    struct imd_judgement *failure;   /* the last failure, NULL after a success */
    unsigned failures;               /* in a row */
    struct imd_signin_request *request; /* NULL: none under way */
};

struct imd_tenant {
    struct imd_engine_input *input;
    struct imd_settings *settings;
    char directory[64];                       /* claim `tid` of its first token, "" before it */
    struct imd_signin signins[IMD_API_COUNT];
    struct imd_budget budgets[IMD_API_COUNT];
    struct imd_feed *feeds[IMD_SOURCE_COUNT]; /* NULL where the source is not polled */
    bool roles_told;                          /* that the app has more of them than it needs */
};

enum imd_feed_state {
    IMD_FEED_WAITING,    /* in the heap, for its next poll or the next request of its poll */
    IMD_FEED_SIGNING_IN, /* for the tenant's token */
    IMD_FEED_ASKING,     /* for an answer */
    IMD_FEED_PARKED      /* for room: too much is out and not acknowledged */
};

/* A moment with an object that the API cannot deliver; see poison.c. */
struct imd_poison {
    imd_time from, to;
    int64_t retry_at; /* ms, monotonic */
};

/* What a list says of such an object. */
struct imd_listed {
    char *json;
    size_t length;
    struct imd_digest id;
    imd_time stamp;
};

/* What a poll asks for at the moment. */
enum imd_asking {
    IMD_ASKING_PAGE,
    IMD_ASKING_LIST, /* what the page would hold, by id and times only */
    IMD_ASKING_PROBE /* anything at all */
};

struct imd_feed {
    struct imd_tenant *tenant;
    const struct imd_source *source;
    struct imd_account *account;
    struct imd_heap_node due;
    enum imd_feed_state state;
    struct imd_feed *next_parked;
    int64_t parked_at;               /* ms monotonic */
    const char *health_before;       /* the state "output-blocked" or "state-blocked" took the place of, NULL: not blocked */
    struct imd_poll *poll;           /* NULL between polls */
    struct imd_seen *seen;
    struct imd_paging paging;
    struct imd_checkpoint checkpoint; /* as it will be once everything out is acknowledged */
    imd_time marked;                 /* server time of the last watermark handed to the checkpointer */
    imd_time remembered_from;        /* versions older than this may have been forgotten */
    imd_time server_date;            /* last Date of the API ... */
    int64_t server_date_at;          /* ... and when, ms monotonic */
    int64_t succeeded_at;            /* ms monotonic; start of the feed before the first success */
    imd_time complete_until;
    bool foreign_link_told;          /* the log has been told of a next link to another host */
    unsigned failures;               /* polls in a row */
    unsigned expand_failures;        /* polls in a row that worked only without the navigation property */
    bool throttled;                  /* the last answer told us to wait */
    struct imd_poison *poisons;      /* ascending; NULL until there is one */
    unsigned poison_count;
    int64_t begun;                   /* ms monotonic: when the present poll was due */
    const char *health;              /* name of the state, static */
    imd_time health_since;
};

struct imd_poll {
    struct imd_feed *feed;
    struct imd_walk walk;
    bool sweep;                      /* over `reconcile` instead of `overlap` */
    bool partial;                    /* some page was a 206 */
    unsigned token;                  /* signin->issued of the token asked with */
    bool signed_in_again;            /* a 401 was answered with a new token once */
    bool failed;                     /* counted as failed */
    unsigned remedies;               /* since the last page with something new */
    bool troubled;                   /* the request under way counts as engine->troubled */
    bool wrong_tenant, no_memory;
    enum imd_asking asking;
    unsigned trouble;                /* failures of the present page in a row */
    unsigned doubts;                 /* whether it is an object that cannot be delivered */
    bool narrowing;                  /* a part of what it asks for has failed again and again */
    struct imd_judgement cause;      /* of that trouble */
    struct imd_listed *listed;       /* NULL until there is one */
    unsigned listed_count;
    imd_time started;                /* server time at which the walk began, IMD_TIME_NONE before the first answer */
    imd_time earliest;               /* server time of any answer: earlier if that clock was stepped back under way */
    imd_time regular_lower;          /* below it, what is new is late */
    struct imd_request request;
    struct imd_buffer url, error_body;
    char request_id[40];
    char request_id_header[64];
    struct imd_page_reader *reader;
    struct imd_delivery *open;       /* being filled */
    struct imd_poll *next_paused;
};

struct imd_engine_input {
    struct imd_engine *engine;
    struct imd_engine_input *next;
    char *name;
    char *tenants_file;              /* NULL: the tenant is given in the input */
    struct imd_settings *settings;
    struct imd_sink sink;
    struct imd_counters counters;    /* atomics */
    struct imd_load load;            /* atomics */
    struct imd_tenant **tenants;     /* under feeds_lock for writing, and for reading by other threads */
    size_t tenant_count;
    size_t feed_count;
    struct imd_feed **sorted;        /* between sort and unsort */
    bool closed;
    unsigned warned_sources;         /* bits: told to be deprecated */
    struct imd_feed *parked, **parked_end; /* who waits longest comes first */
    struct imd_poll *paused;
    int64_t file_checked_at;
    struct {
        int64_t size, seconds, nanoseconds;
        uint64_t inode;
    } file_seen;
};

struct imd_engine {
    struct imd_log log;
    struct imd_transport *transport;
    struct imd_checkpointer *checkpointer;
    struct imd_store *store;
    pthread_t checkpoint_thread;
    bool threaded, started;
    pthread_mutex_t feeds_lock;
    struct imd_engine_input *inputs;
    struct imd_account **accounts;   /* all there ever were: statistics point into them */
    size_t account_count, account_room;
    struct imd_heap due;
    unsigned asking, asking_max;     /* requests under way */
    unsigned troubled;               /* those of feeds whose last request failed: at most half of them */
    int64_t now;                     /* ms monotonic, read once per turn */
    int64_t gauges_at;
    uint64_t random;
    int stop, reload, room;          /* atomics, set by other threads */
    struct imd_alert_fields fields;  /* scratch */
    struct imd_identity *identities; /* managed identities of this machine, by resource */
    struct imd_expiry *expiries;     /* certificates in use, and how often their end was told */
};

/* engine.c: for tests, an engine with its own transport and no thread; call turn() and the checkpointer's yourself. */
struct imd_engine *imd_engine_new_with(const struct imd_engine_options *options, struct imd_transport *transport,
                                       bool threaded, uint64_t seed, struct imd_error *error);
void imd_engine_turn(struct imd_engine *engine, int wait_max_ms);
uint64_t imd_engine_random(struct imd_engine *engine);
/* A random number of ms in [0, limit]. */
int64_t imd_engine_jitter(struct imd_engine *engine, int64_t limit);

/* tenant.c */
struct imd_tenant *imd_tenant_new(struct imd_engine_input *input, struct imd_settings *settings);
void imd_tenant_free(struct imd_tenant *tenant); /* its feeds too */
enum imd_signin_answer { IMD_SIGNIN_READY, IMD_SIGNIN_WAIT, IMD_SIGNIN_FAILED };
/* READY: `authorization` is set. WAIT: imd_feed_signed_in() will be called. FAILED: see signin->failure, retry_at. */
enum imd_signin_answer imd_tenant_sign_in(struct imd_tenant *tenant, const struct imd_source *source,
                                          const char **authorization);
/* The API refused a request made with this token (signin->issued at that time). */
void imd_tenant_token_refused(struct imd_tenant *tenant, const struct imd_source *source, unsigned issued);
/* How long to wait before the next attempt to sign in, in ms: what the server asks for, else doubling; minutes where only
 * an operator helps. */
int64_t imd_signin_wait(struct imd_engine *engine, const struct imd_judgement *judgement, unsigned failures);
/* Takes tokens over from a tenant with the same credential. */
void imd_tenant_inherit(struct imd_tenant *tenant, struct imd_tenant *old);
/* A trouble that may be over: the next poll signs in at once, except where the server told us to wait. */
void imd_tenant_retry_now(struct imd_tenant *tenant);

/* signin.c */
void imd_signin_cancel(struct imd_tenant *tenant, struct imd_signin *signin);

/* identity.c: one token for each managed identity and resource, whatever the number of tenants that use it. */
struct imd_identity_waiter {
    struct imd_identity_waiter *next;
    void (*wake)(struct imd_identity_waiter *waiter); /* ask again */
};
/* READY: *token, valid until the next call. WAIT: waiter->wake() will be called once. FAILED: *judgement. */
enum imd_signin_answer imd_identity_ask(struct imd_engine *engine, struct imd_settings *settings, const char *resource,
                                        struct imd_identity_waiter *waiter, const struct imd_token **token,
                                        struct imd_judgement *judgement);
void imd_identity_leave(struct imd_engine *engine, struct imd_identity_waiter *waiter); /* no call any more */
void imd_identity_refused(struct imd_engine *engine, const struct imd_settings *settings, const char *resource);
void imd_identity_retry_now(struct imd_engine *engine);
void imd_identity_free_all(struct imd_engine *engine);

/* notices.c: what an operator should know in good time, each once. */
void imd_notice_expiry(struct imd_engine *engine, const char *file, int64_t expires, int64_t now); /* Unix seconds */
void imd_notice_roles(struct imd_tenant *tenant, enum imd_api api, const char *roles);
void imd_notice_free_all(struct imd_engine *engine);

/* inputs.c */
/* Makes the tenants of a file, keeping the feeds that stay. On error some feeds may be missing. */
int imd_input_make_tenants(struct imd_engine_input *input, struct imd_tenants *settings, struct imd_error *error);
void imd_input_note_file(struct imd_engine_input *input);       /* as it looks now it is read */
void imd_input_watch(struct imd_engine_input *input, bool now); /* reads it again if it changed; `now`: in any case */
int imd_input_sort(struct imd_engine_input *input);             /* before find_feed; then unsort */
struct imd_feed *imd_input_find_feed(struct imd_engine_input *input, const char *tenant_id, const char *source_name);
void imd_input_unsort(struct imd_engine_input *input);
void imd_input_close(struct imd_engine_input *input);           /* frees the tenants; nothing is handed over any more */
void imd_engine_input_free(struct imd_engine_input *input);            /* after close */

/* feed.c */
struct imd_feed *imd_feed_new(struct imd_tenant *tenant, const struct imd_source *source, struct imd_error *error);
void imd_feed_free(struct imd_feed *feed);
void imd_feed_schedule(struct imd_feed *feed, int64_t delay_ms);
void imd_feed_run(struct imd_feed *feed);          /* it is due */
void imd_feed_signed_in(struct imd_feed *feed);    /* token there or refused */
void imd_feed_ask_next(struct imd_feed *feed);     /* the poll has another request */
void imd_feed_polled(struct imd_feed *feed);       /* the poll is complete */
void imd_feed_failed(struct imd_feed *feed, const struct imd_judgement *judgement);
/* The API refuses the navigation property, or its answer is too large with it: goes on without. False if it is not used. */
bool imd_feed_give_up_expand(struct imd_feed *feed);
void imd_feed_move(struct imd_feed *feed, struct imd_tenant *tenant); /* to a tenant with newer settings */
bool imd_input_has_room(const struct imd_engine_input *input);
void imd_input_unpark(struct imd_engine_input *input);
void imd_input_tell_blocked(struct imd_engine_input *input); /* the state of feeds that have waited for room too long */
imd_time imd_feed_server_now(const struct imd_feed *feed);
const char *imd_feed_text(const struct imd_feed *feed, char *out, size_t size); /* "tenant Contoso (id), source alerts" */

/* poll.c */
struct imd_poll *imd_poll_new(struct imd_feed *feed, imd_time lower, bool sweep);
void imd_poll_request(struct imd_poll *poll, const char *authorization);
void imd_poll_free(struct imd_poll *poll);         /* cancels what is under way; hands over what is complete */

/* page.c */
bool imd_poll_object(void *poll, const char *json, size_t length, struct imd_json_value largest); /* an imd_page_receiver */
void imd_poll_hand_over(struct imd_poll *poll);
/* A delivery without messages that carries the feed's checkpoint. */
void imd_feed_mark(struct imd_feed *feed, imd_time forget_before);
/* Sends a health message; takes `json` over, also when it fails for want of memory. */
bool imd_feed_send_health(struct imd_feed *feed, char *json, imd_time stamp);

/* Passes a message on in place of an object that the API cannot deliver; `json` is what is known of it. */
bool imd_poll_send_placeholder(struct imd_poll *poll, const char *json, size_t length);
/* Whether an object belongs to another tenant than the one polled. */
bool imd_feed_is_foreign(const struct imd_feed *feed, const struct imd_alert_fields *fields);

/* poison.c */
bool imd_poison_begin_walk(struct imd_poll *poll, imd_time lower); /* imd_walk_begin() around the moments left out */
void imd_poison_ask(struct imd_poll *poll, struct imd_query *query); /* makes the query a light one, if that is wanted */
/* An imd_page_receiver, for light answers. */
bool imd_poison_object(void *poll, const char *json, size_t length, struct imd_json_value largest);
/* A page failed. True if something light is to be asked at once; otherwise it may be asked after the back-off. */
bool imd_poison_suspect(struct imd_poll *poll, const struct imd_judgement *judgement);
void imd_poison_answered(struct imd_poll *poll);                   /* a light answer is complete: goes on */
/* There was none. True if another one is to be asked at once; else the failure is the feed's. */
bool imd_poison_unanswered(struct imd_poll *poll, const struct imd_judgement *judgement);
void imd_poison_free(struct imd_poll *poll);                       /* what it holds of a poll */

/* health.c */
void imd_feed_set_health(struct imd_feed *feed, const char *state, const char *reason, const char *action);

#endif
