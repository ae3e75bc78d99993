/* SPDX-License-Identifier: Apache-2.0 */
/* The table of parameters. */
#include "parameters.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "settings.h"
#include "values.h"

#define DAY INT64_C(86400)
#define KIB INT64_C(1024)
#define EVERYWHERE (IMD_SCOPE_INPUT | IMD_SCOPE_TENANT)
#define MEMBER(name) offsetof(struct imd_settings, name)
#define ELSEWHERE (-1)

static const char *const on_off[] = {"off", "on", NULL};
static const char *const clouds[] = {"global", "gcc", "gcchigh", "dod", "china", NULL}; /* rows of imd_clouds */
static const char *const sources[] = {"alerts", "incidents", "endpoint-alerts", "siem-detections", NULL};
static const char *const parse_modes[] = {"on", "summary", "off", NULL}; /* enum imd_parse_json */
static const char *const algorithms[] = {"PS256", "RS256", NULL}; /* enum imd_algorithm */
static const char *const regions[] = {"eu", "us", "uk", NULL}; /* as imd_siem_hosts */
static const char *const renderings[] = {"cef", "leef", "ecs", "ocsf", NULL};

const struct imd_parameter imd_parameters[] = {
    /* --- module --- */
    {"stateFile", IMD_TYPE_TEXT, IMD_SCOPE_MODULE, "imdefender.db", NULL, 0, 0, NULL, ELSEWHERE,
     "The SQLite database of watermarks and delivered versions; a relative path starts in rsyslog's work directory.",
     "/var/spool/rsyslog/imdefender.db", true},
    {"maxConnections", IMD_TYPE_INTEGER, IMD_SCOPE_MODULE, "256", "connections", 1, 4096, NULL, ELSEWHERE,
     "The largest number of connections to all hosts together.", "64", true},
    {"statsPerTenant", IMD_TYPE_CHOICE, IMD_SCOPE_MODULE, "off", NULL, 0, 0, on_off, ELSEWHERE,
     "Whether impstats shows counters for each tenant and source, beside those of each input.", "on", true},
    /* --- input --- */
    {"name", IMD_TYPE_TEXT, IMD_SCOPE_INPUT, "imdefender", NULL, 0, 0, NULL, ELSEWHERE,
     "Name of the input in logs, statistics and the state; it must be unique and should never change.", "defender",
     true},
    {"ruleset", IMD_TYPE_TEXT, IMD_SCOPE_INPUT, NULL, NULL, 0, 0, NULL, ELSEWHERE,
     "Ruleset the messages are given to; without it the default ruleset.", "alerts", true},
    {"tenantsFile", IMD_TYPE_FILE, IMD_SCOPE_INPUT, NULL, NULL, 0, 0, NULL, ELSEWHERE,
     "YAML file of the tenants, whose keys are the parameters of this table.", "/etc/imdefender/tenants.yaml", true},
    /* --- who --- */
    {"tenantId", IMD_TYPE_TENANT, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(tenant_id), "The customer's tenant.",
     "aaaaaaaa-0000-0000-0000-000000000001", true},
    {"tenantName", IMD_TYPE_TEXT, EVERYWHERE, NULL, NULL, 0, 255, NULL, MEMBER(tenant_name),
     "Display name of the tenant in messages and logs; without it the tenantId.", "Contoso", true},
    /* --- credential --- */
    {"clientId", IMD_TYPE_GUID, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(client_id),
     "Application (client) id of the multi-tenant app.", "11111111-2222-3333-4444-555555555555", true},
    {"clientSecretFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(client_secret_file),
     "File that holds the app's client secret; it is read again for each new token.", "/etc/imdefender/secret", true},
    {"clientSecret", IMD_TYPE_SECRET, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(client_secret),
     "The client secret itself; prefer clientSecretFile, which keeps it out of the configuration.", "...", true},
    {"certificateFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(certificate_file),
     "PEM file of the app's certificate, with or without its private key.", "/etc/imdefender/app.crt", true},
    {"keyFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(key_file),
     "PEM file of the certificate's private key, where certificateFile does not hold it.", "/etc/imdefender/app.key",
     true},
    {"keyPassphraseFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(key_passphrase_file),
     "File that holds the passphrase of an encrypted private key.", "/etc/imdefender/passphrase", true},
    {"certificateAlgorithm", IMD_TYPE_CHOICE, EVERYWHERE, "PS256", NULL, 0, 0, algorithms, MEMBER(certificate_algorithm),
     "Signature and thumbprint of the certificate's assertion: PS256 with x5t#S256, or RS256 with x5t for servers that do "
     "not know the former.",
     "RS256", true},
    {"federatedTokenFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(federated_token_file),
     "File with the token of workload identity federation; it is read again for each new token.",
     "/var/run/secrets/azure/tokens/azure-identity-token", true},
    {"managedIdentity", IMD_TYPE_IDENTITY, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(managed_identity),
     "Managed identity of this machine to sign in with, system or its client id; beside clientId a user-assigned one serves "
     "as that app's federated credential.", "system",
     true},
    {"refreshTokenFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(refresh_token_file),
     "File with the first refresh token of delegated access; rotated ones are kept in the state.",
     "/etc/imdefender/refresh-token", true},
    {"allowReadableSecrets", IMD_TYPE_CHOICE, EVERYWHERE, "off", NULL, 0, 0, on_off, MEMBER(allow_readable_secrets),
     "Whether files of secrets and keys that every user can read are accepted.", "on", true},
    /* --- where --- */
    {"cloud", IMD_TYPE_CHOICE, EVERYWHERE, "global", NULL, 0, 0, clouds, MEMBER(cloud),
     "The Microsoft cloud the tenant lives in.", "gcchigh", true},
    {"loginUrl", IMD_TYPE_URL, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(login_url),
     "Sign-in host in place of the cloud's, for gateways and tests.", "https://login.example.net", true},
    {"apiUrl", IMD_TYPE_URL, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(api_url),
     "API host in place of the cloud's, for gateways and tests; tokens are sent there.", "https://graph.example.net",
     true},
    {"region", IMD_TYPE_CHOICE, EVERYWHERE, NULL, NULL, 0, 0, regions, MEMBER(region),
     "Where the tenant's Defender for Endpoint data lies; decides the host of source siem-detections in the global cloud.",
     "us", true},
    {"proxy", IMD_TYPE_PROXY, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(proxy), "Proxy for all requests but those to a managed identity's endpoint.",
     "http://proxy.example.net:3128", true},
    {"proxyCredentialsFile", IMD_TYPE_SECRET_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(proxy_credentials_file),
     "File with the user and password for the proxy, as user:password.", "/etc/imdefender/proxy", true},
    {"tls.cacert", IMD_TYPE_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(tls_cacert),
     "PEM file of the certification authorities to trust, in place of the system's.", "/etc/imdefender/ca.pem", true},
    {"tls.mycert", IMD_TYPE_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(tls_mycert),
     "PEM file of a TLS client certificate, for gateways that ask for one.", "/etc/imdefender/tls.crt", true},
    {"tls.myprivkey", IMD_TYPE_FILE, EVERYWHERE, NULL, NULL, 0, 0, NULL, MEMBER(tls_myprivkey),
     "PEM file of the private key of tls.mycert.", "/etc/imdefender/tls.key", true},
    /* --- what and when --- */
    {"sources", IMD_TYPE_CHOICES, EVERYWHERE, "alerts", NULL, 0, 0, sources, MEMBER(sources),
     "What to fetch of each tenant.", "[\"alerts\"]", true},
    {"pollInterval", IMD_TYPE_DURATION, EVERYWHERE, "60", "seconds", 1, DAY, NULL, MEMBER(poll_interval),
     "Time from the begin of one poll to the next.", "30", true},
    {"overlap", IMD_TYPE_DURATION, EVERYWHERE, "30m", "seconds", 0, 7 * DAY, NULL, MEMBER(overlap),
     "How far each poll looks back behind the last one, for what the API showed late.", "1h", true},
    {"reconcile", IMD_TYPE_DURATION, EVERYWHERE, "24h", "seconds", 0, 30 * DAY, NULL, MEMBER(reconcile),
     "How far the slower sweep looks back, for what the API showed later still; 0 turns it off.", "48h", true},
    {"reconcileInterval", IMD_TYPE_DURATION, EVERYWHERE, "6h", "seconds", 60, 7 * DAY, NULL, MEMBER(reconcile_interval),
     "Time between two such sweeps.", "12h", true},
    {"backfill", IMD_TYPE_DURATION, EVERYWHERE, "24h", "seconds", 0, 180 * DAY, NULL, MEMBER(backfill),
     "How far the first poll of a tenant looks back; 0 fetches only what is new from then on.", "7d", true},
    {"pageSize", IMD_TYPE_INTEGER, EVERYWHERE, "1000", "objects", 1, 10000, NULL, MEMBER(page_size),
     "Objects to ask for in one request; never more than the source's own ceiling (alerts: 1000).", "200", true},
    {"maxInFlight", IMD_TYPE_INTEGER, EVERYWHERE, "10000", "alerts", 1, 10000000, NULL, MEMBER(max_in_flight),
     "Alerts that may be submitted and not yet acknowledged; keep it below the size of the ruleset's queue.", "5000",
     true},
    {"maxResponseSize", IMD_TYPE_SIZE, EVERYWHERE, "64m", "bytes", 64 * KIB, 2 * KIB *KIB *KIB, NULL,
     MEMBER(max_response_size), "The largest answer that is accepted, after decompression.", "128m", true},
    {"requestTimeout", IMD_TYPE_DURATION, EVERYWHERE, "60", "seconds", 1, 3600, NULL, MEMBER(request_timeout),
     "Time a whole request may take.", "120", true},
    {"connectTimeout", IMD_TYPE_DURATION, EVERYWHERE, "10", "seconds", 1, 600, NULL, MEMBER(connect_timeout),
     "Time a connection may take to be made, TLS included.", "5", true},
    {"requestBudget", IMD_TYPE_INTEGER, EVERYWHERE, "80", "percent", 1, 100000, NULL, MEMBER(request_budget),
     "Share of the documented quota of requests per tenant that is used; a feed waits rather than exceed it.", "50", true},
    {"filter", IMD_TYPE_TEXT, EVERYWHERE, NULL, NULL, 0, 2048, NULL, MEMBER(filter),
     "Further OData filter, and-ed with the module's own.", "severity eq 'high'", true},
    {"expandAlerts", IMD_TYPE_CHOICE, EVERYWHERE, "off", NULL, 0, 0, on_off, MEMBER(expand_alerts),
     "Whether incidents carry their alerts; given up by itself where the API fails over it.", "on", true},
    {"expandEvidence", IMD_TYPE_CHOICE, EVERYWHERE, "on", NULL, 0, 0, on_off, MEMBER(expand_evidence),
     "Whether endpoint-alerts carry their evidence.", "off", true},
    /* --- message --- */
    {"parseJson", IMD_TYPE_CHOICE, EVERYWHERE, "on", NULL, 0, 0, parse_modes, MEMBER(parse_json),
     "What of the object becomes $!: all of it, its top-level scalars and text arrays, or nothing.", "summary", true},
    {"render", IMD_TYPE_CHOICES, EVERYWHERE, NULL, NULL, 0, 0, renderings, MEMBER(render),
     "Further forms of the object to put into the metadata.", "[\"cef\"]", false},
    {"facility", IMD_TYPE_FACILITY, EVERYWHERE, "local0", NULL, 0, 0, NULL, MEMBER(facility),
     "Syslog facility of the messages.", "local3", true},
    {.name = NULL},
};

_Static_assert(sizeof imd_parameters / sizeof imd_parameters[0] - 1 <= 64, "struct imd_settings has 64 bits for them");

const struct imd_parameter *imd_parameter_find(const char *name) {
    if (name == NULL) return NULL;
    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if (strcasecmp(row->name, name) == 0) return row;
    }
    return NULL;
}

const char *imd_parameter_nearest(const char *name, unsigned scope) {
    const char *nearest = NULL;
    unsigned limit = strlen(name) < 6 ? 2 : 3; /* edits that still look like the same word */

    for (const struct imd_parameter *row = imd_parameters; row->name != NULL; row++) {
        if ((row->scope & scope) == 0) continue;
        unsigned distance = imd_value_distance(name, row->name);
        if (distance < limit) {
            nearest = row->name;
            limit = distance;
        }
    }
    return nearest;
}

const char *imd_parameter_type_name(enum imd_parameter_type type) {
    switch (type) {
        case IMD_TYPE_TEXT:
            return "text";
        case IMD_TYPE_TENANT:
            return "GUID or domain";
        case IMD_TYPE_GUID:
            return "GUID";
        case IMD_TYPE_IDENTITY:
            return "\"system\" or GUID";
        case IMD_TYPE_FILE:
            return "path";
        case IMD_TYPE_SECRET_FILE:
            return "path or credential";
        case IMD_TYPE_SECRET:
            return "secret";
        case IMD_TYPE_URL:
            return "URL";
        case IMD_TYPE_PROXY:
            return "proxy URL";
        case IMD_TYPE_CHOICE:
            return "choice";
        case IMD_TYPE_CHOICES:
            return "array of choices";
        case IMD_TYPE_DURATION:
            return "duration";
        case IMD_TYPE_INTEGER:
            return "integer";
        case IMD_TYPE_SIZE:
            return "size";
        case IMD_TYPE_FACILITY:
            return "facility";
    }
    return "unknown";
}

static char *accepts_choices(const struct imd_parameter *parameter, char *out, size_t size) {
    bool several = parameter->type == IMD_TYPE_CHOICES;
    size_t at = (size_t)snprintf(out, size, "%s", several ? "one or more of " : "one of ");

    for (int i = 0; parameter->choices[i] != NULL && at < size; i++) {
        at += (size_t)snprintf(out + at, size - at, "%s%s", i == 0 ? "" : ", ", parameter->choices[i]);
    }
    return out;
}

char *imd_parameter_accepts(const struct imd_parameter *parameter, char *out, size_t size) {
    const char *text = NULL;

    switch (parameter->type) {
        case IMD_TYPE_CHOICE:
        case IMD_TYPE_CHOICES:
            return accepts_choices(parameter, out, size);
        case IMD_TYPE_DURATION:
            text = "seconds, or a number with s, m, h or d";
            break;
        case IMD_TYPE_SIZE:
            text = "bytes, or a number with k, m or g";
            break;
        case IMD_TYPE_INTEGER:
            text = "a whole number";
            break;
        case IMD_TYPE_TEXT:
            text = "UTF-8 text without control characters";
            break;
        case IMD_TYPE_TENANT:
            text = "a GUID (8-4-4-4-12 hexadecimal digits) or a verified domain such as contoso.com";
            break;
        case IMD_TYPE_GUID:
            text = "a GUID (8-4-4-4-12 hexadecimal digits)";
            break;
        case IMD_TYPE_IDENTITY:
            text = "\"system\", or the client id (a GUID) of a user-assigned identity";
            break;
        case IMD_TYPE_FILE:
            text = "the absolute path of a file";
            break;
        case IMD_TYPE_SECRET_FILE:
            text = "the absolute path of a file, credential:NAME (of systemd's) or env:NAME (a variable)";
            break;
        case IMD_TYPE_SECRET:
            text = "text without control characters";
            break;
        case IMD_TYPE_URL:
            text = "an https URL (http for loopback addresses) without user name, query and fragment";
            break;
        case IMD_TYPE_PROXY:
            text = "[http|https|socks4|socks4a|socks5|socks5h]://host:port without a user name";
            break;
        case IMD_TYPE_FACILITY:
            text = "a syslog facility by name, such as local0 or daemon, or by number (0 to 23)";
            break;
    }
    if (parameter->unit == NULL) {
        snprintf(out, size, "%s", text == NULL ? "" : text);
    } else {
        snprintf(out, size, "%s (%lld to %lld %s)", text == NULL ? "" : text, (long long)parameter->minimum,
                 (long long)parameter->maximum, parameter->unit);
    }
    return out;
}
