// SPDX-License-Identifier: Apache-2.0
// What a service is: a name, its routes and/or its consumer, and what it needs. `ecs serve` builds
// the needed pieces of the platform once and mounts the chosen services on them. To add a service:
// make a folder with one `const struct service`, and add it to the table in commands/serve.c.
#pragma once

#include "platform/auth/revocations.h"
#include "platform/bus/bus.h"
#include "platform/bus/consumer.h"
#include "platform/cache/cache.h"
#include "platform/config.h"
#include "platform/http/router.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "platform/metrics.h"
#include "platform/model/risk_model.h"

#include <stdbool.h>
#include <stddef.h>

#define SERVICE_ERROR_SIZE 512

enum service_needs {
    NEEDS_DATABASE = 1,
    NEEDS_BUS = 2,
    NEEDS_CACHE = 4,
    NEEDS_MODEL = 8,
    NEEDS_TOKEN_KEY = 16,
    NEEDS_INTERNAL_KEY = 32,
    NEEDS_RISK = 64,      /* calls the risk model, here or elsewhere */
    NEEDS_LOOP_BUS = 128, /* its loops publish: each over a connection of its own */
};

// Calls the risk model wherever it runs: in this process or over HTTP. Blocking; from any worker
// thread. The trace and the id of `asker`, the request that it is for, go along. False when there
// is no usable answer.
struct risk_client {
    bool (*predict)(void *arg, const struct http_exchange *asker, const struct features *features,
                    struct prediction *ret);
    void *arg;
};

// What a service may use; only what it needs is set. Lives longer than the service.
struct service_environment {
    const struct config *config;
    struct log *log;
    struct metrics *metrics;
    struct bus *bus;
    struct revocations *revocations;
    struct cache_health *cache_health;
    struct risk_model *model;
    struct risk_client risk;
    const char *database_url; /* with this service's own role */
};

// An event loop of the process, and the connection to the broker that it publishes over.
struct service_loop {
    struct loop *loop;
    struct bus *bus; /* with NEEDS_LOOP_BUS */
};

struct service {
    const char *name;      /* as operators know it */
    unsigned needs;        /* of enum service_needs */
    enum setting listen;   /* SETTING_COUNT when it has no HTTP */
    enum setting url;      /* where others find it */
    bool internal;         /* its routes are not reachable through the gateway */
    enum setting database; /* the setting of its own role's URL */
    enum setting broker;   /* with NEEDS_BUS: the setting of its own user's URL */
    const struct route *routes;
    size_t route_count;

    // Makes the service's state, and starts what runs beside its routes. NULL with one line in
    // `error`.
    void *(*start)(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE]);

    // Stops what start began and frees the state; in-flight requests are done by then.
    void (*stop)(void *state);

    // A loop's context for the routes that run on it, or see a request on it first; NULL when none
    // needs one. Before the loop runs, and after it ran.
    void *(*loop_open)(void *state, const struct service_loop *on);
    void (*loop_close)(void *context);

    // A worker thread's context for the routes that wait; NULL when no route does.
    void *(*worker_open)(void *state);
    void (*worker_close)(void *context);

    const struct consumer_spec *consumer; /* NULL: none; its open() gets the service's state */
    bool many_consumers;                  /* WORKER_THREADS of them, instead of one */
};
