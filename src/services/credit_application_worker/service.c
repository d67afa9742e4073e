// SPDX-License-Identifier: Apache-2.0
// The worker's consumer and its outbox of notifications, from start to stop.
#include "services/credit_application_worker/service.h"

#include "platform/bus/streams.h"
#include "platform/memory.h"
#include "services/credit_application_worker/activation.h"
#include "services/credit_application_worker/notifications.h"

#include <stdio.h>
#include <stdlib.h>

struct credit_worker {
    const struct service_environment *environment;
    struct outbox *notifications;
};

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    struct outbox_options options = {
        .database_url = environment->database_url,
        .bus = environment->bus,
        .publish_timeout_ms = config_number(environment->config, SETTING_PUBLISH_TIMEOUT_MS),
        .log = environment->log,
    };
    char why[DB_ERROR_SIZE];
    struct outbox *notifications = outbox_start(&notifications_outbox, &options, why);
    if (notifications == NULL) {
        snprintf(error, SERVICE_ERROR_SIZE, "CREDIT_WORKER_DATABASE_URL: %s", why);
        return NULL;
    }
    struct credit_worker *worker = memory_zeroed(1, sizeof *worker);
    worker->environment = environment;
    worker->notifications = notifications;
    return worker;
}

static void stop(void *state)
{
    struct credit_worker *worker = state;
    outbox_stop(&worker->notifications);
    free(worker);
}

static void *open_activation(void *state)
{
    struct credit_worker *worker = state;
    const struct service_environment *environment = worker->environment;
    struct activator *activator = memory_zeroed(1, sizeof *activator);
    char error[DB_ERROR_SIZE];
    activator->log = environment->log;
    activator->notifications = worker->notifications;
    activator->db =
        db_open(environment->database_url, credit_application_worker.name, environment->log, error);
    if (activator->db == NULL) {
        log_error(environment->log, "the database URL cannot be used", LOG_TEXT("why", error));
        abort(); /* the outbox read the same URL at start */
    }
    return activator;
}

static void close_activation(void *context)
{
    struct activator *activator = context;
    db_close(&activator->db);
    free(activator);
}

static const struct consumer_spec consumer = {
    .stream = STREAM_CREDITS,
    .durable = "credit-application-worker",
    .subject = SUBJECT_CREDITS,
    .handle = activate_offers,
    .open = open_activation,
    .close = close_activation,
};

const struct service credit_application_worker = {
    .name = "credit-application-worker",
    .needs = NEEDS_DATABASE | NEEDS_BUS,
    .listen = SETTING_COUNT,
    .url = SETTING_COUNT,
    .database = SETTING_CREDIT_WORKER_DATABASE_URL,
    .broker = SETTING_CREDIT_WORKER_NATS_URL,
    .start = start,
    .stop = stop,
    .consumer = &consumer,
};
