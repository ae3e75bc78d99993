/* SPDX-License-Identifier: Apache-2.0 */
/* imdefender: the rsyslog input module for alerts of Microsoft Defender XDR. This file is its life cycle; what the
 * hooks do is in the files beside it, and what happens between HTTP and a message is in the core below.
 *
 * Concurrency & Locking
 * - Main thread: every hook but runInput (loading, configuration, HUP, afterRun, freeCnf). struct modConfData_s and
 *   struct imd_input belong to it; the other threads only read what was complete before they started.
 * - in:imdefender: runInput. Runs the engine, that is HTTP, for all inputs. It never touches a queue of rsyslog.
 * - The engine's checkpoint thread asks for receipts (an atomic load each) and commits. The engine starts and joins it.
 * - imdefender:sub, one per input: makes messages and enqueues them; the only threads that may wait for a queue. Their
 *   list of batches is guarded by the submitter's mutex, which is held for list operations only.
 * - impstats' thread reads (and resets) counters through pointers, without a lock, as it does everywhere.
 * - "stopping" travels by rsyslog's own termination flag; there is no other state shared between threads here.
 *
 * Order of stopping: rsyslog sets its flag -> the engine returns from its loop, with everything committed that was
 * acknowledged -> no receipt counts any more (imd_receipts_end) -> submitters end -> runInput returns -> afterRun joins
 * what is left and closes the state -> rsyslog drains or destroys its queues -> freeCnf frees. Receipts count until
 * runInput is about to return, not only until the flag: before every input has ended rsyslog destroys nothing that it
 * would have kept otherwise, so a receipt that closes in between is as good as any, and spares duplicates. */
#include "interfaces.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cfsysline.h"
#include "module-template.h"

#include "base/fault.h"
#include "config/values.h"
#include "engine/engine.h"
#include "input.h"
#include "parameter_block.h"
#include "receipt.h"
#include "report.h"
#include "state/store.h"
#include "truncation.h"

MODULE_TYPE_INPUT;
MODULE_TYPE_KEEP; /* libraries below (TLS) may leave per-thread destructors behind: never unmapped */
MODULE_CNFNAME("imdefender")

DEF_IMOD_STATIC_DATA;

#define NO_RUN "the module does not run"

/* Of the 1000 ms that rsyslog grants an input by default, what submitters may use after the engine has returned. */
enum { SUBMITTERS_STOP = 200 /* milliseconds, all together */ };

/* The module's part of one configuration. */
struct modConfData_s {
    rsconf_t *pConf;          /* this name is expected by rsyslog's macros */
    char *state_file;         /* as given; NULL: default */
    char *state_path;         /* after checkCnf */
    unsigned max_connections; /* 0: the engine's default */
    bool per_feed_statistics;
    bool broken; /* a parameter of module() has an error, which was reported */
    struct imd_input *inputs;
    struct imd_store *store;
    struct imd_engine *engine;
};

static modConfData_t *load_configuration; /* while rsyslog reads its configuration */
static modConfData_t *run_configuration;  /* from activation on */

/* --- parameters of module() --- */

static int set_state_file(modConfData_t *configuration, const struct imd_parameter *parameter, const char *text,
                          struct imd_error *error) {
    (void)parameter;
    if (text[0] == '\0' || !imd_value_clean(text)) {
        return imd_error_set(error, "give the path of a file", "the value is empty or unreadable");
    }
    free(configuration->state_file);
    configuration->state_file = strdup(text);
    return configuration->state_file != NULL ? 0 : imd_error_set(error, NULL, "no memory");
}

static int set_max_connections(modConfData_t *configuration, const struct imd_parameter *parameter, const char *text,
                               struct imd_error *error) {
    int64_t number;
    if (!imd_value_integer(text, &number) || number < parameter->minimum || number > parameter->maximum) {
        return imd_error_set(error, NULL, "'%s' is no integer from %lld to %lld", text, (long long)parameter->minimum,
                             (long long)parameter->maximum);
    }
    configuration->max_connections = (unsigned)number;
    return 0;
}

static int set_stats_per_tenant(modConfData_t *configuration, const struct imd_parameter *parameter, const char *text,
                                struct imd_error *error) {
    const int choice = imd_value_choice(text, parameter->choices);
    if (choice < 0) {
        return imd_error_set(error, "write on or off", "'%s' is neither on nor off", text);
    }
    configuration->per_feed_statistics = strcmp(parameter->choices[choice], "on") == 0;
    return 0;
}

static const struct {
    const char *name;
    int (*set)(modConfData_t *configuration, const struct imd_parameter *parameter, const char *text,
               struct imd_error *error);
} module_parameters[] = {
    {"stateFile", set_state_file},
    {"maxConnections", set_max_connections},
    {"statsPerTenant", set_stats_per_tenant},
};

static void report_parameter(modConfData_t *configuration, struct imd_error *error) {
    const struct imd_config_place place = imd_config_place_now();
    imd_error_file(error, place.file, place.line);
    imd_report_error(NULL, error, NO_RUN);
    configuration->broken = true;
}

static void take_module_parameter(void *context, const struct imd_parameter *parameter, const char *const values[],
                                  size_t count) {
    modConfData_t *configuration = context;
    struct imd_error error;
    (void)count;
    for (size_t i = 0; i < sizeof(module_parameters) / sizeof(module_parameters[0]); i++) {
        if (strcmp(module_parameters[i].name, parameter->name) == 0 &&
            module_parameters[i].set(configuration, parameter, values[0], &error) != 0) {
            imd_error_parameter(&error, parameter->name);
            report_parameter(configuration, &error);
        }
    }
}

static void take_unknown_parameter(void *context, const char *name, const char *nearest) {
    struct imd_error error;
    imd_error_set(&error, NULL, "module() has no parameter '%s'%s%s%s", name, nearest != NULL ? ", did you mean '" : "",
                  nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    report_parameter(context, &error);
}

/* --- checking --- */

/* Where the state is kept. rsyslog's own fallback for a missing work directory, the current one, would be "/" or
 * wherever somebody happened to stand, and the next start would not find the watermarks. */
static int find_state(modConfData_t *configuration, struct imd_error *error) {
    const struct imd_parameter *parameter = imd_parameter_find("stateFile");
    const char *file = configuration->state_file != NULL ? configuration->state_file : parameter->fallback;
    const char *directory = (const char *)imd_glbl.GetWorkDir(configuration->pConf);
    struct stat status;
    if (file[0] == '/') {
        directory = "";
    } else if (directory == NULL || directory[0] == '\0') {
        return imd_error_set(error, "set global(workDirectory=\"...\"), or stateFile to an absolute path",
                             "rsyslog has no work directory to keep the state in");
    }
    if (asprintf(&configuration->state_path, "%s%s%s", directory, file[0] == '/' ? "" : "/", file) < 0) {
        configuration->state_path = NULL;
        return imd_error_set(error, NULL, "no memory");
    }
    char *slash = strrchr(configuration->state_path, '/');
    *slash = '\0';
    const bool missing = stat(slash == configuration->state_path ? "/" : configuration->state_path, &status) != 0;
    *slash = '/';
    return missing ? imd_error_set(error, "create it, or correct the path",
                                   "the directory of the state file %s is missing", configuration->state_path)
                   : 0;
}

static bool any_sound(const struct imd_input *inputs) {
    while (inputs != NULL && inputs->broken) {
        inputs = inputs->next;
    }
    return inputs != NULL;
}

/* Everything that can be wrong in a configuration is found here or before: rsyslogd -N1 comes this far. */
static rsRetVal check_configuration(modConfData_t *configuration) {
    struct imd_error error;
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        imd_input_check(input, configuration->pConf, configuration->inputs);
    }
    if (configuration->inputs == NULL) {
        LogMsg(0, NO_ERRCODE, LOG_WARNING, "imdefender: module loaded, but there is no input(type=\"imdefender\")");
        return RS_RET_NO_RUN;
    }
    if (find_state(configuration, &error) != 0) {
        imd_error_parameter(&error, "stateFile");
        imd_report_error(NULL, &error, NO_RUN);
        configuration->broken = true;
    }
    if (configuration->broken || !any_sound(configuration->inputs)) {
        return RS_RET_CONFIG_ERROR;
    }
    imd_truncation_warn(configuration->pConf);
    return RS_RET_OK;
}

/* --- activation --- */

/* Privileges have been dropped: what is opened here can be opened again later. */
static int build_engine(modConfData_t *configuration, struct imd_error *error) {
    configuration->store = imd_store_open_sqlite(configuration->state_path, true, error);
    if (configuration->store == NULL) {
        return -1;
    }
    const struct imd_engine_options options = {.log = imd_report_log(),
                                               .store = configuration->store,
                                               .max_connections = configuration->max_connections,
                                               .user_agent = "imdefender/" IMD_VERSION};
    configuration->engine = imd_engine_new(&options, error);
    if (configuration->engine == NULL) {
        return -1;
    }
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        if (!input->broken &&
            imd_input_build(input, configuration->engine, configuration->per_feed_statistics, error) != 0) {
            return -1;
        }
    }
    return 0;
}

static void close_store(modConfData_t *configuration) {
    if (configuration->store != NULL) {
        configuration->store->operations->close(configuration->store);
        configuration->store = NULL;
    }
}

/* Statistics point into the engine, and the engine calls the submitters' sinks when it frees batches. */
static void take_down(modConfData_t *configuration) {
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        imd_input_unbuild(input);
    }
    if (configuration->engine != NULL) {
        imd_engine_free(configuration->engine);
        configuration->engine = NULL;
    }
    close_store(configuration);
}

/* On failure nothing is left half open: rsyslogd goes on without the module. */
static rsRetVal activate_configuration(modConfData_t *configuration) {
    struct imd_error error;
    imd_receipts_begin();
    imd_receipts_test();
    if (build_engine(configuration, &error) != 0) {
        imd_report_error(NULL, &error, NO_RUN);
        take_down(configuration);
        return RS_RET_ERR;
    }
    run_configuration = configuration;
    return RS_RET_OK;
}

static void free_configuration(modConfData_t *configuration) {
    take_down(configuration);
    while (configuration->inputs != NULL) {
        struct imd_input *input = configuration->inputs;
        configuration->inputs = input->next;
        imd_input_free(input);
    }
    free(configuration->state_file);
    free(configuration->state_path);
    if (run_configuration == configuration) {
        run_configuration = NULL;
    }
}

/* --- running --- */

static bool termination_requested(void *context) {
    (void)context;
    return imd_glbl.GetGlobalInputTermState() != 0;
}

static rsRetVal start_submitters(modConfData_t *configuration) {
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        if (input->submitter != NULL && imd_submitter_start(input->submitter, configuration->pConf,
                                                            configuration->engine, input->statistics) != RS_RET_OK) {
            LogError(0, NO_ERRCODE, "imdefender: input '%s': its thread cannot be started; " NO_RUN,
                     imd_input_name(input));
            return RS_RET_ERR;
        }
    }
    return RS_RET_OK;
}

/* All stop at the same time, and are given up together. A submitter that is inside a direct queue's action outlives it,
 * and is left to afterRun. */
static void stop_submitters(modConfData_t *configuration) {
    unsigned budget = SUBMITTERS_STOP;
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        if (input->submitter != NULL) {
            imd_submitter_stop(input->submitter);
        }
    }
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        if (input->submitter != NULL && !imd_submitter_join(input->submitter, budget)) {
            budget = 0;
        }
    }
}

static rsRetVal run_engine(modConfData_t *configuration) {
    struct imd_error error;
    if (imd_engine_start(configuration->engine, &error) != 0) {
        imd_report_error(NULL, &error, NO_RUN);
        return RS_RET_ERR;
    }
    rsRetVal result = start_submitters(configuration);
    if (result != RS_RET_OK) {
        imd_engine_stop(configuration->engine);
    }
    imd_engine_run(configuration->engine, termination_requested, NULL);
    IMD_FAULT_POINT("at-stop");
    imd_receipts_end();
    stop_submitters(configuration);
    IMD_FAULT_POINT("after-stop");
    return result;
}

/* Waits as long as it takes; see the submitter. */
static void end_submitters(modConfData_t *configuration) {
    imd_receipts_end(); /* also when the engine has never run */
    for (struct imd_input *input = configuration->inputs; input != NULL; input = input->next) {
        if (input->submitter != NULL) {
            imd_submitter_join_forced(input->submitter);
        }
    }
}

/* Called for every HUP, also when the module does not run. */
static rsRetVal doHUP(void __attribute__((unused)) * unused) {
    if (run_configuration != NULL && run_configuration->engine != NULL) {
        imd_engine_reload(run_configuration->engine);
    }
    return RS_RET_OK;
}

/* --- rsyslog's hooks, in the order it calls them; the first, modInit, has to stand last --- */

/* Blocks made of macros, which clang-format would take for statements. */
/* clang-format off */

BEGINbeginCnfLoad
    CODESTARTbeginCnfLoad;
    pModConf->pConf = pConf;
    load_configuration = pModConf;
ENDbeginCnfLoad

BEGINsetModCnf
    const struct imd_parameter_reader reader = {load_configuration, take_module_parameter, take_unknown_parameter};
    CODESTARTsetModCnf;
    if (!imd_parameter_block_read(lst, IMD_SCOPE_MODULE, &reader)) {
        load_configuration->broken = true;
    }
    /* No error here, also if there is one: rsyslog would unload the module, and then call every parameter of every
     * input unknown. checkCnf refuses to run, after the inputs' own errors have been reported too. */
ENDsetModCnf

BEGINnewInpInst
    struct imd_input **end = &load_configuration->inputs;
    CODESTARTnewInpInst;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    CHKmalloc(*end = imd_input_new(lst));
    if ((*end)->broken) {
        iRet = RS_RET_CONFIG_ERROR;
    }
finalize_it:
    CODE_STD_FINALIZERnewInpInst
ENDnewInpInst

BEGINendCnfLoad
    CODESTARTendCnfLoad;
    load_configuration = NULL;
ENDendCnfLoad

BEGINcheckCnf
    CODESTARTcheckCnf;
    iRet = check_configuration(pModConf);
ENDcheckCnf

BEGINactivateCnf
    CODESTARTactivateCnf;
    iRet = activate_configuration(pModConf);
ENDactivateCnf

BEGINwillRun
    CODESTARTwillRun;
    iRet = run_configuration != NULL ? RS_RET_OK : RS_RET_NO_RUN;
ENDwillRun

BEGINrunInput
    CODESTARTrunInput;
    /* Should stopping take longer than rsyslog grants, it would cancel this thread wherever it is, and could leave a
     * commit half done. With cancelling off it waits for us instead. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    iRet = run_engine(run_configuration);
ENDrunInput

BEGINafterRun
    CODESTARTafterRun;
    end_submitters(run_configuration);
    close_store(run_configuration);
ENDafterRun

BEGINfreeCnf
    CODESTARTfreeCnf;
    free_configuration(pModConf); /* no input runs any more, impstats included, and the queues are gone */
ENDfreeCnf

BEGINmodExit
    CODESTARTmodExit;
    imd_interfaces_release(&obj);
ENDmodExit

BEGINisCompatibleWithFeature
    CODESTARTisCompatibleWithFeature;
    if (eFeat == sFEATURENonCancelInputTermination) {
        iRet = RS_RET_OK;
    }
ENDisCompatibleWithFeature

/* No semicolons after these macros: up to 8.2506 they form one chain of else-ifs. */
BEGINqueryEtryPt
    CODESTARTqueryEtryPt;
    CODEqueryEtryPt_STD_IMOD_QUERIES
    CODEqueryEtryPt_STD_CONF2_QUERIES
    CODEqueryEtryPt_STD_CONF2_setModCnf_QUERIES
    CODEqueryEtryPt_STD_CONF2_IMOD_QUERIES
    CODEqueryEtryPt_IsCompatibleWithFeature_IF_OMOD_QUERIES
    CODEqueryEtryPt_doHUP
ENDqueryEtryPt

BEGINmodInit()
    /* Before CODESTARTmodInit, which already lets the daemon write into a struct of ours. */
    CHKiRet(imd_interfaces_check_daemon());
    CODESTARTmodInit;
    *ipIFVersProvided = CURR_MOD_IF_VERSION;
    CODEmodInit_QueryRegCFSLineHdlr
    CHKiRet(imd_interfaces_use(&obj));
ENDmodInit
