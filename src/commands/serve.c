// SPDX-License-Identifier: Apache-2.0
// `ecs serve`: which services run in this process, and how it begins and ends.
#include "commands/command.h"
#include "commands/process.h"
#include "commands/services.h"
#include "platform/config.h"
#include "services/api_gateway_ecs/service.h"
#include "services/credit_analysis_service/service.h"
#include "services/credit_application_worker/service.h"
#include "services/emotion_ingestion_service/service.h"
#include "services/emotion_processing_worker/service.h"
#include "services/transaction_processing_worker/service.h"
#include "services/transaction_service/service.h"
#include "services/user_and_credit_service/service.h"

#include <argp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct service *const all_services[] = {
    &api_gateway_ecs,
    &emotion_ingestion_service,
    &transaction_service,
    &user_and_credit_service,
    &credit_analysis_service,
    &emotion_processing_worker,
    &transaction_processing_worker,
    &credit_application_worker,
};

#define SERVICE_COUNT (sizeof all_services / sizeof all_services[0])

const struct service *const *services_all(size_t *ret_count)
{
    *ret_count = SERVICE_COUNT;
    return all_services;
}

static bool choose(struct process_plan *plan, const char *name)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(all_services[i]->name, name) == 0) {
            plan->chosen[i] = true;
            return true;
        }
    }
    return false;
}

static error_t take_argument(int key, char *argument, struct argp_state *state)
{
    struct process_plan *plan = state->input;
    if (key == ARGP_KEY_ARG) {
        if (strcmp(argument, "all") == 0) {
            plan->everything = true;
            memset(plan->chosen, true, sizeof plan->chosen);
        } else if (!choose(plan, argument)) {
            argp_error(state, "there is no service '%s'", argument);
        }
        return 0;
    }
    if (key == ARGP_KEY_NO_ARGS) {
        argp_error(state, "say `all`, or which services");
    }
    return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct argp parser = {
    .parser = take_argument,
    .args_doc = "all | SERVICE...",
    .doc = "Runs all services in one process, calling each other in memory, or just those named, "
           "which "
           "then call the others over HTTP.\v"
           "Services: api-gateway-ecs, emotion-ingestion-service, transaction-service, "
           "user-and-credit-service, credit-analysis-service, emotion-processing-worker, "
           "transaction-processing-worker, credit-application-worker.\n\n"
           "SIGTERM and SIGINT end it: what is in flight is finished first.",
};

// Blocks the signals that end the process, for every thread that is made later.
static sigset_t block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signals;
}

// ---- the end that is asked for

#define GRACE_SECONDS 1 /* beyond SHUTDOWN_SECONDS, for whoever was in the middle of something */

struct ending {
    sigset_t signals;
    unsigned patience_seconds; /* from the signal on */
    sem_t asked;
};

// A thread inside a library's call to a silent name server cannot be interrupted. When the others
// are done nothing is lost without it: what was acknowledged is safe at any moment.
static void *insist(void *arg)
{
    struct ending *ending = arg;
    int signal_number = 0;
    sigwait(&ending->signals, &signal_number);
    sem_post(&ending->asked);
    sleep(ending->patience_seconds);
    fputs("ecs: something does not answer, ending without it\n", stderr);
    _exit(EXIT_SUCCESS);
}

static unsigned patience(void)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    // Without settings nothing starts, and nothing has to be ended.
    const int64_t seconds = config != NULL ? config_number(config, SETTING_SHUTDOWN_SECONDS) : 0;
    config_free(&config);
    return (unsigned)seconds + GRACE_SECONDS;
}

// From here on until the process is gone: also while it starts, which may hang as well.
static void start_insisting(struct ending *ending)
{
    ending->signals = block_signals();
    ending->patience_seconds = patience();
    sem_init(&ending->asked, 0, 0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, insist, ending) != 0) {
        abort(); /* no thread at start: nothing would work */
    }
    pthread_setname_np(thread, "ending");
    pthread_detach(thread);
}

// A shell's usual 1,024 are fewer than MAX_CONNECTIONS; what the system allows is the hard limit.
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int command_serve(int argc, char **argv)
{
    struct process_plan plan = {.services = all_services, .count = SERVICE_COUNT};
    argp_parse(&parser, argc, argv, 0, NULL, &plan);

    allow_many_files();
    static struct ending ending; // the thread may outlive this function
    start_insisting(&ending);
    char error[PROCESS_ERROR_SIZE];
    struct process *process = process_start(&plan, error);
    if (process == NULL) {
        fprintf(stderr, "ecs: %s\n", error);
        return EXIT_FAILURE;
    }
    while (sem_wait(&ending.asked) != 0) {
    }
    process_stop(&process);
    return EXIT_SUCCESS;
}
