/* SPDX-License-Identifier: Apache-2.0 */
/* Command line of defender-sim, from one table. */
#include "sim_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_source.h"

enum type { TEXT, NUMBER, REAL, SEED, FILES, SOURCES, SWITCH };

struct row {
    const char *name;
    enum type type;
    size_t offset;
    const char *argument, *help;
};

#define ROW(name, type, member, argument, help) \
    { name, type, offsetof(struct sim_options, member), argument, help }

static const struct row rows[] = {
    ROW("listen", TEXT, listen, "ADDR:PORT", "where to listen; port 0: any free one (127.0.0.1:0)"),
    ROW("port-file", TEXT, port_file, "FILE", "holds the port as soon as the server listens"),
    ROW("tls-cert", TEXT, tls_cert, "FILE", "certificate chain (PEM); without it plain http, on loopback only"),
    ROW("tls-key", TEXT, tls_key, "FILE", "private key of the certificate (PEM)"),
    ROW("tenants", NUMBER, tenants, "N", "tenants 00000000-0000-0000-0000-000000000001 to N (1)"),
    ROW("tenants-file", TEXT, tenants_file, "FILE",
        "tenants, one id a line, a domain may follow; or a YAML tenants file"),
    ROW("client-secret", TEXT, client_secret, "SECRET", "what every client id must show (sim-secret)"),
    ROW("alerts", FILES, alerts, "FILE",
        "objects to replay byte for byte: JSON object, array, answer or NDJSON; repeatable"),
    ROW("incidents", FILES, incidents, "FILE", "the same for incidents"),
    ROW("endpoint-alerts", FILES, endpoint_alerts, "FILE", "the same for endpoint alerts"),
    ROW("detections", FILES, detections, "FILE", "the same for SIEM detections"),
    ROW("replay-interval", REAL, replay_interval, "SECONDS",
        "replayed versions of one id follow after this time, not once the one before was served"),
    ROW("per-tenant", NUMBER, per_tenant, "N", "made-up objects for each tenant and source (0)"),
    ROW("sources", SOURCES, sources, "LIST",
        "what --per-tenant and --rate make: alerts,incidents,endpoint-alerts,siem-detections (alerts)"),
    ROW("spread", NUMBER, spread, "SECONDS", "they are as old as this at most (43200)"),
    ROW("alert-size", NUMBER, alert_size, "BYTES", "smallest size of a made-up alert (about 5 KB)"),
    ROW("large", NUMBER, large, "N", "further alerts of 33 KB for each tenant (0)"),
    ROW("huge", NUMBER, huge, "N", "further alerts of 1 MB for each tenant (0)"),
    ROW("rate", REAL, rate, "PER_SECOND", "new and updated alerts while it runs, over all tenants (0)"),
    ROW("update-share", NUMBER, update_share, "PERCENT", "of --rate that are updates (33)"),
    ROW("tie-share", NUMBER, tie_share, "PERCENT", "of the stamps that repeat the one before (25)"),
    ROW("quotas", NUMBER, quotas, "PERCENT", "of the documented quotas are allowed, what is over them gets a 429 (0: off)"),
    ROW("latency", NUMBER, latency, "MS", "before each answer (0)"),
    ROW("token-lifetime", NUMBER, token_lifetime, "SECONDS", "expires_in of tokens (3599)"),
    ROW("trust-tokens", SWITCH, trust_tokens, NULL,
        "accept tokens of any issuer: the signature is not looked at, nor aud and roles where they are absent"),
    ROW("scenario", TEXT, scenario, "FILE", "faults and quirks (tests/sim/README.md)"),
    ROW("request-log", TEXT, request_log, "FILE", "NDJSON, a line per request"),
    ROW("truth", TEXT, truth, "FILE", "NDJSON, a line per version when it becomes visible"),
    ROW("objects", TEXT, objects, "FILE", "each version's JSON without white space outside strings, a line each"),
    ROW("seed", SEED, seed, "N", "of everything random (1)"),
    ROW("no-gzip", SWITCH, no_gzip, NULL, "never compress"),
};

static void print_help(void) {
    printf("defender-sim: a test double of Entra's token endpoints and of Microsoft's alert APIs\n\nOptions:\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        printf("  --%-15s %-11s %s\n", rows[i].name, rows[i].argument != NULL ? rows[i].argument : "", rows[i].help);
    }
    printf("  --help\n");
}

static bool add_file(char *place, const char *value) {
    struct sim_files *files = (struct sim_files *)(void *)place;
    if (files->count == SIM_FILES_MAX) {
        return false;
    }
    files->paths[files->count++] = value;
    return true;
}

/* "alerts,incidents" as bits. */
static bool read_sources(char *place, const char *value) {
    unsigned sources = 0;
    while (*value != '\0') {
        char name[40];
        size_t length = strcspn(value, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, value);
        int source = graph_source_by_name(name);
        if (source < 0) {
            return false;
        }
        sources |= 1U << source;
        value += length + (value[length] == ',' ? 1 : 0);
    }
    memcpy(place, &sources, sizeof sources);
    return sources != 0;
}

static bool store(const struct row *row, const char *value, struct sim_options *options) {
    char *place = (char *)options + row->offset, *end;
    errno = 0;
    switch (row->type) {
        case TEXT:
            memcpy(place, &value, sizeof value);
            return true;
        case FILES:
            return add_file(place, value);
        case SOURCES:
            return read_sources(place, value);
        case NUMBER: {
            unsigned long number = strtoul(value, &end, 10);
            unsigned stored = (unsigned)number;
            memcpy(place, &stored, sizeof stored);
            return *value >= '0' && *value <= '9' && *end == '\0' && errno == 0 && number <= 1000000000;
        }
        case SEED: {
            uint64_t number = strtoull(value, &end, 0);
            memcpy(place, &number, sizeof number);
            return *value >= '0' && *value <= '9' && *end == '\0' && errno == 0;
        }
        case REAL: {
            double number = strtod(value, &end);
            memcpy(place, &number, sizeof number);
            return *value != '\0' && *end == '\0' && number >= 0 && number < 1e9;
        }
        default:
            *(bool *)place = true;
            return true;
    }
}

static const struct row *find_row(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Reads the option at argv[*at]. */
static bool read_option(struct sim_options *options, int argc, char **argv, int *at) {
    const char *option = argv[*at];
    size_t length = strncmp(option, "--", 2) == 0 ? strcspn(option + 2, "=") : 0;
    const struct row *row = length > 0 ? find_row(option + 2, length) : NULL;
    if (row == NULL) {
        fprintf(stderr, "defender-sim: unknown option %s (see --help)\n", option);
        return false;
    }
    const char *value = option[2 + length] == '=' ? option + 3 + length : NULL;
    if (row->type != SWITCH && value == NULL) {
        if (*at + 1 == argc) {
            fprintf(stderr, "defender-sim: %s needs a value\n", option);
            return false;
        }
        value = argv[++*at];
    }
    if (!store(row, value, options)) {
        fprintf(stderr, "defender-sim: bad value of --%s: %s\n", row->name, value);
        return false;
    }
    options->tenants_given |= row->offset == offsetof(struct sim_options, tenants);
    return true;
}

int sim_options_read(struct sim_options *options, int argc, char **argv) {
    *options = (struct sim_options){.listen = "127.0.0.1:0",
                                    .client_secret = "sim-secret",
                                    .tenants = 1,
                                    .sources = 1U << GRAPH_ALERTS,
                                    .token_lifetime = 3599,
                                    .update_share = 33,
                                    .tie_share = 25,
                                    .spread = 43200,
                                    .replay_interval = -1,
                                    .seed = 1};
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            print_help();
            return 1;
        }
        if (!read_option(options, argc, argv, &at)) {
            return 2;
        }
    }
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        fprintf(stderr, "defender-sim: --tls-cert and --tls-key go together\n");
        return 2;
    }
    return 0;
}
