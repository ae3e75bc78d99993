/* SPDX-License-Identifier: Apache-2.0 */
/* defender-sim: sets the stage from the command line, then lets time pass until SIGTERM or SIGINT. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "graph_file.h"
#include "graph_time.h"
#include "sim.h"

#define TICK (GRAPH_SECOND / 20)

static bool complain(const char *what, const char *path, const char *why) {
    fprintf(stderr, "defender-sim: %s %s: %s\n", what, path, why);
    return false;
}

static bool open_record(const char *path, FILE **file) {
    if (path == NULL) {
        return true;
    }
    *file = fopen(path, "we");
    return *file != NULL || complain("cannot write", path, strerror(errno));
}

static bool read_text(const char *path, char **text) {
    size_t length;
    if (path == NULL) {
        return true;
    }
    *text = graph_file_read(path, &length);
    return *text != NULL || complain("cannot read", path, strerror(errno));
}

/* --- tenants --- */

static bool is_guid(const char *text) {
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return strchr("0123456789abcdefABCDEF-", text[36]) == NULL || text[36] == '\0';
}

/* A line is "GUID [domain]", or has "tenantId: GUID" in it (the tenants file of imdefender). */
static void read_tenant_line(struct sim *sim, char *line) {
    char *key = strstr(line, "tenantId:");
    char *at = key != NULL ? key + strlen("tenantId:") : line;
    at += strspn(at, " \t\"'-");
    if (!is_guid(at)) {
        return;
    }
    char *rest = at + 36;
    char *domain = key == NULL ? rest + strspn(rest, " \t") : rest;
    char end = *rest;
    *rest = '\0';
    struct graph_tenant *tenant = graph_data_tenant(&sim->data, at);
    *rest = end;
    domain[strcspn(domain, " \t\r#")] = '\0';
    if (key == NULL && *domain != '\0') {
        graph_data_domain(&sim->data, tenant, domain);
    }
}

static bool add_tenants(struct sim *sim) {
    const struct sim_options *options = &sim->options;
    char *text = NULL, *rest;
    if (!read_text(options->tenants_file, &text)) {
        return false;
    }
    if (text == NULL || options->tenants_given) {
        for (unsigned i = 1; i <= options->tenants; i++) {
            char id[40];
            snprintf(id, sizeof id, "00000000-0000-0000-0000-%012u", i);
            graph_data_tenant(&sim->data, id);
        }
    }
    for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        read_tenant_line(sim, line);
    }
    free(text);
    if (sim->data.tenant_count == 0) {
        graph_data_tenant(&sim->data, "00000000-0000-0000-0000-000000000001");
    }
    return true;
}

/* --- objects --- */

static bool replay(struct sim *sim, const struct sim_files *files, int source) {
    const char *problem = NULL;
    bool done = true;
    struct graph_replay *collected = graph_replay_new();
    for (size_t i = 0; i < files->count && done; i++) {
        size_t length;
        char *text = graph_file_read(files->paths[i], &length);
        if (text == NULL) {
            done = complain("cannot read", files->paths[i], strerror(errno));
        } else if (graph_replay_add(collected, source, text, length, &problem) != 0) {
            done = complain("cannot replay", files->paths[i], problem);
        }
        free(text);
    }
    int64_t interval =
        sim->options.replay_interval < 0 ? -1 : (int64_t)(sim->options.replay_interval * (double)GRAPH_SECOND);
    if (done &&
        graph_replay_finish(collected, &sim->data, sim->data.tenants[0], interval, sim_now(sim), &problem) != 0) {
        done = complain("cannot replay", files->paths[0], problem);
    }
    graph_replay_free(collected);
    return done;
}

static void make_some(struct sim *sim, struct graph_tenant *tenant, int source, unsigned count, size_t size) {
    struct graph_feed *feed = &tenant->feeds[source];
    int64_t now = sim_now(sim), stamp = 0;
    struct graph_make how = sim->make;
    how.size = size;
    sim_scenario_late(sim->scenario, tenant, source, now, &how);
    for (unsigned i = 0; i < count; i++) {
        if (stamp == 0 || !graph_random_chance(&sim->random, how.tie_percent)) {
            uint64_t age = graph_random_below(&sim->random, (uint64_t)sim->options.spread * GRAPH_SECOND + 1);
            stamp = graph_time_grid(now - (int64_t)age);
        }
        struct graph_make this = how;
        if (this.late > 0) {
            this.late += now - stamp; /* late counts from the start, not from a stamp of hours ago */
        }
        graph_make_at(&sim->data, feed, &this, stamp, now, &sim->random);
    }
}

static void make_objects(struct sim *sim) {
    for (size_t i = 0; i < sim->data.tenant_count; i++) {
        for (int source = 0; source < GRAPH_SOURCES; source++) {
            if ((sim->options.sources & 1U << source) != 0) {
                make_some(sim, sim->data.tenants[i], source, sim->options.per_tenant, sim->options.alert_size);
            }
        }
        make_some(sim, sim->data.tenants[i], GRAPH_ALERTS, sim->options.large, 33 * 1024);
        make_some(sim, sim->data.tenants[i], GRAPH_ALERTS, sim->options.huge, 1024 * 1024);
    }
}

/* One of those that are made up; alerts alone take no random number. */
static int choose_source(struct sim *sim) {
    unsigned sources = sim->options.sources;
    int source;
    do {
        source = sources == 1U << GRAPH_ALERTS ? GRAPH_ALERTS : (int)graph_random_below(&sim->random, GRAPH_SOURCES);
    } while ((sources & 1U << source) == 0);
    return source;
}

/* An event of --rate: an update of an object that a client has seen, so that no version goes by unseen, or a new one. */
static void make_event(struct sim *sim, int64_t now) {
    struct graph_tenant *tenant = sim->data.tenants[graph_random_below(&sim->random, sim->data.tenant_count)];
    int source = choose_source(sim);
    struct graph_feed *feed = &tenant->feeds[source];
    struct graph_make how = sim->make;
    how.served_only = true;
    sim_scenario_late(sim->scenario, tenant, source, now, &how);
    if (!graph_random_chance(&sim->random, sim->options.update_share) ||
        !graph_make_update(&sim->data, feed, &how, now, &sim->random)) {
        graph_make_new(&sim->data, feed, &how, now, &sim->random);
    }
}

/* --- life --- */

static bool set_stage(struct sim *sim) {
    const struct sim_options *options = &sim->options;
    char *scenario = NULL, *problem = NULL;
    static const char no_rules[] = "{\"rules\":[]}";
    if (!open_record(options->truth, &sim->truth) || !open_record(options->objects, &sim->objects) ||
        !open_record(options->request_log, &sim->request_log) || !read_text(options->tls_cert, &sim->certificate) ||
        !read_text(options->tls_key, &sim->certificate_key) || !read_text(options->scenario, &scenario)) {
        return false;
    }
    const char *text = scenario != NULL ? scenario : no_rules;
    sim->scenario = sim_scenario_parse(text, strlen(text), sim_now(sim), &problem);
    free(scenario);
    if (sim->scenario == NULL) {
        complain("bad scenario", options->scenario, problem);
        free(problem);
        return false;
    }
    sim->make = (struct graph_make){.size = options->alert_size, .tie_percent = options->tie_share};
    if (!add_tenants(sim) || !replay(sim, &options->alerts, GRAPH_ALERTS) ||
        !replay(sim, &options->incidents, GRAPH_INCIDENTS) ||
        !replay(sim, &options->endpoint_alerts, GRAPH_ENDPOINT_ALERTS) ||
        !replay(sim, &options->detections, GRAPH_SIEM_DETECTIONS)) {
        return false;
    }
    make_objects(sim);
    return true;
}

static bool init(struct sim *sim) {
    pthread_condattr_t monotonic;
    struct rlimit files;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sim->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&sim->lock, NULL);
    graph_data_init(&sim->data, sim_record_version, sim);
    sim->random.state = sim->options.seed;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* a connection per tenant and more */
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return gnutls_rnd(GNUTLS_RND_KEY, sim->key, sizeof sim->key) == 0;
}

/* The file appears under its name with the port in it. */
static bool write_port(const char *path, uint16_t port) {
    struct graph_buffer draft = {0};
    if (path == NULL) {
        return true;
    }
    graph_buffer_print(&draft, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(draft.bytes, "we");
    bool done = file != NULL && fprintf(file, "%u\n", port) > 0;
    done = file != NULL && fclose(file) == 0 && done && rename(draft.bytes, path) == 0;
    graph_buffer_free(&draft);
    return done || complain("cannot write", path, strerror(errno));
}

static void run(struct sim *sim, const sigset_t *signals) {
    const struct timespec tick = {0, TICK * 100};
    int64_t last = sim_now(sim);
    while (sigtimedwait(signals, NULL, &tick) < 0) {
        pthread_mutex_lock(&sim->lock);
        int64_t now = sim_now(sim);
        graph_data_advance(&sim->data, now);
        sim->owed += now > last ? sim->options.rate * (double)(now - last) / (double)GRAPH_SECOND : 0;
        for (; sim->owed >= 1; sim->owed--) {
            make_event(sim, now);
        }
        last = now;
        pthread_mutex_unlock(&sim->lock);
    }
}

static void end(struct sim *sim, struct MHD_Daemon *daemon) {
    pthread_mutex_lock(&sim->lock);
    sim->stopping = true;
    pthread_cond_broadcast(&sim->stopped);
    pthread_mutex_unlock(&sim->lock);
    if (daemon != NULL) {
        MHD_stop_daemon(daemon);
    }
    FILE *records[] = {sim->truth, sim->objects, sim->request_log};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        if (records[i] != NULL) {
            fclose(records[i]);
        }
    }
    free(sim->quotas);
    sim_scenario_free(sim->scenario);
    graph_data_free(&sim->data);
    free(sim->certificate);
    free(sim->certificate_key);
    pthread_cond_destroy(&sim->stopped);
    pthread_mutex_destroy(&sim->lock);
}

int main(int argc, char **argv) {
    static struct sim sim;
    struct MHD_Daemon *daemon = NULL;
    uint16_t port = 0;
    sigset_t signals;
    int done = sim_options_read(&sim.options, argc, argv);
    if (done != 0) {
        return done == 1 ? 0 : 2;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    bool started = init(&sim) && set_stage(&sim) && sim_server_start(&sim, &daemon, &port) == 0 &&
                   write_port(sim.options.port_file, port);
    if (started) {
        printf("defender-sim: listening on port %u (%s), %zu tenants\n", port,
               sim.certificate != NULL ? "https" : "http", sim.data.tenant_count);
        fflush(stdout);
        run(&sim, &signals);
    }
    end(&sim, daemon);
    return started ? 0 : 1;
}
