/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of one tenant: the input's parameters, overridden by the tenants file's defaults, overridden by the
 * tenant's own keys. Immutable once checked, shared by reference count between the threads that use it. */
#ifndef IMD_SETTINGS_H
#define IMD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../api/cloud.h"
#include "../api/source.h"
#include "../base/error.h"
#include "../base/log.h"

enum imd_parse_json { IMD_PARSE_JSON_ON, IMD_PARSE_JSON_SUMMARY, IMD_PARSE_JSON_OFF };

enum imd_credential {
    IMD_CREDENTIAL_NONE,
    IMD_CREDENTIAL_SECRET,      /* clientSecretFile or clientSecret */
    IMD_CREDENTIAL_CERTIFICATE, /* certificateFile, keyFile, keyPassphraseFile */
    IMD_CREDENTIAL_FEDERATED,   /* federatedTokenFile */
    IMD_CREDENTIAL_MANAGED,     /* managedIdentity, alone or as federated credential of clientId */
    IMD_CREDENTIAL_REFRESH,     /* refreshTokenFile; a confidential app proves itself by one of the first three beside it */
    IMD_CREDENTIAL_COUNT
};

struct imd_label {
    char *name, *value;
};

#define IMD_LABELS_MAX 64 /* labels of one tenant */

/* Text members are NULL when not given. They are texts of text.h, shared between the tenants that have them in common:
 * set them through imd_settings_set() and imd_settings_label() only, never free one. */
struct imd_settings {
    /* who */
    char *tenant_id;   /* lower case GUID, or a verified domain as given */
    char *tenant_name; /* NULL: use tenant_id */
    struct imd_label *labels;
    size_t label_count;
    /* credential */
    char *client_id;
    char *client_secret_file, *client_secret;
    char *certificate_file, *key_file, *key_passphrase_file;
    char *federated_token_file;
    char *managed_identity; /* "system" or a client id */
    char *refresh_token_file;
    int certificate_algorithm;  /* enum imd_algorithm */
    int allow_readable_secrets; /* 0 or 1 */
    enum imd_credential credential; /* set by imd_settings_check() */
    /* where */
    const struct imd_cloud *cloud;
    char *login_url, *api_url; /* without a slash at the end */
    char *proxy, *proxy_credentials_file, *tls_cacert, *tls_mycert, *tls_myprivkey;
    /* what and when; durations in seconds */
    unsigned sources; /* bits (1u << enum imd_source_id) */
    int64_t poll_interval, overlap, reconcile, reconcile_interval, backfill;
    int64_t page_size;     /* objects; a source's lower ceiling goes before it */
    int64_t max_in_flight; /* unacknowledged alerts */
    int64_t max_response_size; /* bytes */
    int64_t request_timeout, connect_timeout;
    int64_t request_budget;    /* percent of the documented quota */
    char *filter;
    int region;            /* index of the choices of parameter region */
    int expand_alerts, expand_evidence; /* 0 off, 1 on */
    /* message */
    int parse_json;   /* enum imd_parse_json */
    unsigned render;  /* bits: 1 cef, 2 leef, 4 ecs, 8 ocsf */
    int facility;     /* 0 to 23 */
    /* where it was written, for messages */
    char *file; /* tenants file, or NULL for a tenant given in input() */
    unsigned line;
    bool given[64]; /* by index of the parameter table: set explicitly somewhere */
    uint64_t own;   /* the same as bits: set since imd_settings_new() or imd_settings_copy(), on this level */
    unsigned references;
};

/* A new set with every default of the parameter table; NULL when memory is short. One reference. */
struct imd_settings *imd_settings_new(void);

/* A copy that can be changed on its own, with one reference: the next level of overriding, where a credential replaces
 * the inherited one. NULL when memory is short. */
struct imd_settings *imd_settings_copy(const struct imd_settings *settings);

/* Reference counting is atomic. Releasing the last one wipes secrets and frees. NULL is allowed. */
struct imd_settings *imd_settings_share(struct imd_settings *settings);
void imd_settings_release(struct imd_settings *settings);

/* Sets one parameter from its text(s); a parameter of type list takes several, all others exactly one. On failure
 * `error` names the parameter and what would be accepted (with type, unit and range), and settings are unchanged.
 * Values of secret parameters never appear in `error`. A credential replaces one of another kind that was inherited
 * through imd_settings_copy(); beside one of the same level it stays, for imd_settings_one_credential() to refuse. */
int imd_settings_set(struct imd_settings *settings, const char *name, const char *const values[], size_t count,
                     struct imd_error *error);

/* Sets a label, or replaces the one of that name. */
int imd_settings_label(struct imd_settings *settings, const char *name, const char *value, struct imd_error *error);

/* Judges a complete tenant: tenantId there and a GUID or domain; exactly one credential, complete, its files readable
 * and not empty; cloud has the sources; sources available in this version; https unless loopback; secrets that nobody else can read;
 * certificate and key belonging together; and so on. Warnings go to `log` (may be NULL). `error` names tenant, parameter, file and line. */
int imd_settings_check(struct imd_settings *settings, const struct imd_log *log, struct imd_error *error);

/* The parts of imd_settings_check(): whether no two credentials were given on one level; the judgement; that of the
 * certificate and its key, which tenants mostly share and which takes longer; the warnings. */
int imd_settings_one_credential(const struct imd_settings *settings, struct imd_error *error);
int imd_settings_judge(struct imd_settings *settings, struct imd_error *error);
int imd_settings_judge_certificate(const struct imd_settings *settings, struct imd_error *error);
void imd_settings_warn(const struct imd_settings *settings, const struct imd_log *log);

/* "client secret", "certificate", ... for people. */
const char *imd_credential_name(enum imd_credential credential);

/* Display name: tenant_name, else tenant_id. */
const char *imd_settings_name(const struct imd_settings *settings);

/* Base URLs without a slash at the end, overrides respected; NULL where the cloud has no host for the source's API. */
/* Whether objects of `source` are asked for with its navigation property. */
bool imd_settings_expands(const struct imd_settings *settings, const struct imd_source *source);
const char *imd_settings_login_url(const struct imd_settings *settings);
const char *imd_settings_api_url(const struct imd_settings *settings, const struct imd_source *source);

#endif
