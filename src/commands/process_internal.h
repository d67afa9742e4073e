// SPDX-License-Identifier: Apache-2.0
// What the parts of a serving process share: process.c begins and ends it, process_platform.c opens
// the pieces of the platform, process_mount.c gives services their threads, routes and addresses,
// and process_checks.c asks the dependencies.
#pragma once

#include "commands/process.h"
#include "platform/bus/consumer.h"
#include "platform/bus/streams.h"
#include "platform/http/proxies.h"
#include "platform/http/router.h"
#include "platform/http/server.h"
#include "platform/ticker.h"
#include "services/health.h"
#include "services/risk_client.h"

#include <pthread.h>

#define CONSUMERS_MAX 16 /* the largest WORKER_THREADS */
#define LANES_MAX 16     /* the largest HTTP_LOOPS */

// An event loop with its thread.
struct lane {
    struct process *process;
    struct service_loop on;
    pthread_t thread;
    struct loop_timer *drain_timer;
};

// What a service has on one loop.
struct door {
    void *context;              /* NULL when the service needs none */
    struct router *router;      /* NULL when it does not listen by itself */
    struct http_server *server; /* likewise */
};

// A service that runs in this process.
struct mounted {
    const struct service *service;
    struct service_environment environment;
    void *state;
    struct workers *workers;
    struct workers *passwords;
    struct door doors[LANES_MAX]; /* one a lane */
    struct consumer *consumers[CONSUMERS_MAX];
    size_t consumer_count;
    struct turn *turn; /* of the consumers */
};

struct process {
    struct process_plan plan;
    unsigned needs; /* of all chosen services */

    struct config *config;
    struct log *log;
    struct metrics *metrics;
    struct lane lanes[LANES_MAX]; /* the metrics are on the first one */
    size_t lane_count;
    struct bus *bus;
    struct revocations *revocations;
    struct bus_listener *erased_people; /* NULL: no service here needs to hear of them */
    struct cache_health *cache_health;
    struct risk_model *model;
    struct risk_remote *risk_remote;
    struct risk_client risk;
    struct stream_settings streams;
    struct proxies *trusted;
    struct http_limits limits; /* of the gateway */

    struct ticker *memory; /* gives memory back now and then */
    struct health *health;
    struct process_checks *checks;
    struct router *metrics_router;
    struct http_server *metrics_server;

    struct mounted mounted[PROCESS_SERVICES_MAX];
    size_t mounted_count;

    int64_t drain_deadline_ms;
};

// True when the service runs in this process.
bool process_has(const struct process *process, const struct service *service);

// The setting that holds the broker's URL of this process: that of the user of its first service
// that needs the broker, or NATS_URL when that one is not set or all services run here.
enum setting process_broker_setting(const struct process *process);

// The URL of a service's own role, or DATABASE_URL.
const char *process_database_url(const struct process *process, const struct service *service);

// ---- process_platform.c: settings, log, bus, cache, model

// All but the model.
bool process_open_platform(struct process *process, char error[static PROCESS_ERROR_SIZE]);

// The model itself where the credit analysis service runs here, else the way to it over HTTP.
bool process_open_model(struct process *process, char error[static PROCESS_ERROR_SIZE]);

void process_close_platform(struct process *process);

// ---- process_checks.c: what /readyz knows

void process_add_checks(struct process *process);
void process_free_checks(struct process *process);

// Brings the schema up to date when the database answers and all services run here, and connects
// for the checks. False only when the schema cannot be brought up to date. May run beside
// process_open_model.
bool process_reach_database(struct process *process, char error[static PROCESS_ERROR_SIZE]);

// ---- process_mount.c: services on the platform

bool process_mount_services(struct process *process, char error[static PROCESS_ERROR_SIZE]);
bool process_listen(struct process *process, char error[static PROCESS_ERROR_SIZE]);
void process_start_consumers(struct process *process);

void process_stop_consumers(struct process *process);

// On the lane's thread, of the first lane before the others: stop accepting; whether a connection
// is left.
void process_drain(struct lane *lane);
bool process_is_drained(const struct lane *lane);

void process_unmount_services(struct process *process);
