/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means: from status, headers and error body to a verdict with a sentence for the operator.
 *
 * Branches on status and the machine-readable code; texts only refine what is said (Microsoft changes them). */
#ifndef IMD_ANSWER_H
#define IMD_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/json.h"
#include "../config/settings.h"
#include "transport.h"

#define IMD_ERROR_BODY_MAX 16384 /* bytes of an error body that are read */
#define IMD_RETRY_AFTER_MAX 900  /* seconds: the most a server can put us off */

enum imd_verdict {
    IMD_VERDICT_OK,
    IMD_VERDICT_PARTIAL,       /* 206: data, but some provider did not answer */
    IMD_VERDICT_UNAUTHORIZED,  /* 401: the token is not accepted; get another one once */
    IMD_VERDICT_NO_CONSENT,    /* permission missing */
    IMD_VERDICT_UNLICENSED,    /* the tenant does not have the product */
    IMD_VERDICT_CREDENTIAL,    /* the credential is wrong, expired or disabled */
    IMD_VERDICT_NO_TENANT,     /* tenant unknown, or in another cloud */
    IMD_VERDICT_FORBIDDEN,     /* refused for another reason: conditional access, IP rules */
    IMD_VERDICT_THROTTLED,     /* wait */
    IMD_VERDICT_UNREACHABLE,   /* network, TLS, proxy */
    IMD_VERDICT_SERVER,        /* 5xx */
    IMD_VERDICT_BAD_ANSWER,    /* what came is not what the API is documented to send */
    IMD_VERDICT_TOO_LARGE,     /* the page is over maxResponseSize */
    IMD_VERDICT_TOP_REFUSED,   /* 400: the page size is over the API's limit; `limit` */
    IMD_VERDICT_QUERY_REFUSED, /* 400 for another reason */
    IMD_VERDICT_WRONG_TENANT   /* token or object of another tenant: nothing of it is passed on */
};

struct imd_judgement {
    enum imd_verdict verdict;
    unsigned limit;       /* page size the API named, 0: none */
    bool walk_is_over;    /* repeating the request cannot help */
    int64_t retry_after;  /* seconds the server asks for, capped; -1: it does not */
    char reason[400];     /* what happened, a clause, no secrets, no bodies */
    char action[300];     /* what the operator should do, "" if nothing */
};

/* Judges an answer of an API to a list request. `body` holds up to IMD_ERROR_BODY_MAX bytes (not for 2xx). `now` is
 * wall time, for a Retry-After that is a date and there is no Date header. */
void imd_answer_judge(const struct imd_response *response, const char *body, size_t length,
                      const struct imd_settings *settings, const struct imd_source *source, imd_time now,
                      struct imd_judgement *judgement);

/* The same for an answer of the token endpoint that is not a token (token_answer.c). */
void imd_answer_judge_token(const struct imd_response *response, const char *body, size_t length,
                            const struct imd_settings *settings, imd_time now, struct imd_judgement *judgement);

/* --- parts of it, for the other judges --- */

/* What a Retry-After asks for in seconds, capped at IMD_RETRY_AFTER_MAX; -1 if it asks for nothing. */
int64_t imd_answer_retry_after(const struct imd_response *response, imd_time now);

/* Judges a request that got no answer (response->failure). */
void imd_answer_judge_transport(const struct imd_response *response, struct imd_judgement *judgement);

/* Copies a code that came from outside: as much as fits, printable ASCII only. "" if `value` is no text. */
void imd_answer_copy_code(char *out, size_t size, struct imd_json_value value);

/* Sets verdict and texts by hand. */
void imd_judgement_set(struct imd_judgement *judgement, enum imd_verdict verdict, const char *action, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));

/* Whether waiting for an operator is likely: probed again slowly, and not at every poll. */
bool imd_verdict_is_lasting(enum imd_verdict verdict);

/* Name of the health state a verdict leads to, e.g. "no-consent". */
const char *imd_verdict_state(enum imd_verdict verdict);

#endif
