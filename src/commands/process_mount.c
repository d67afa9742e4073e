// SPDX-License-Identifier: Apache-2.0
// Services on the platform: their state, their worker threads, their routes and the address they
// listen on.
#include "commands/process_internal.h"

#include "services/api_gateway_ecs/service.h"
#include "services/user_and_credit_service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- state and threads

static void fill_environment(struct process *process, struct mounted *mounted)
{
    mounted->environment = (struct service_environment){
        .config = process->config,
        .log = process->log,
        .metrics = process->metrics,
        .bus = process->bus,
        .revocations = process->revocations,
        .cache_health = process->cache_health,
        .model = process->model,
        .risk = process->risk,
        .database_url = process_database_url(process, mounted->service),
    };
}

static struct workers *start_pool(const struct process *process, const struct mounted *mounted,
                                  const char *name, enum setting threads)
{
    return workers_start(&(struct workers_options){
        .name = name,
        .threads = (size_t)config_number(process->config, threads),
        .queue_maximum = (size_t)config_number(process->config, SETTING_HTTP_QUEUE),
        .open = mounted->service->worker_open,
        .close = mounted->service->worker_close,
        .arg = mounted->state,
    });
}

static void open_contexts(struct process *process, struct mounted *mounted)
{
    for (size_t i = 0; i < process->lane_count && mounted->service->loop_open != NULL; i++) {
        mounted->doors[i].context =
            mounted->service->loop_open(mounted->state, &process->lanes[i].on);
    }
}

static bool mount(struct process *process, const struct service *service,
                  char error[static PROCESS_ERROR_SIZE])
{
    struct mounted *mounted = &process->mounted[process->mounted_count];
    mounted->service = service;
    fill_environment(process, mounted);
    mounted->state = service->start(&mounted->environment, error);
    if (mounted->state == NULL) {
        return false;
    }
    process->mounted_count++;
    open_contexts(process, mounted);
    if (service->worker_open != NULL) {
        mounted->workers = start_pool(process, mounted, "worker", SETTING_HTTP_WORKERS);
        mounted->passwords = start_pool(process, mounted, "password", SETTING_PASSWORD_WORKERS);
    }
    return true;
}

bool process_mount_services(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    for (size_t i = 0; i < process->plan.count; i++) {
        if (process->plan.chosen[i] && !mount(process, process->plan.services[i], error)) {
            return false;
        }
    }
    return true;
}

// ---- routes and addresses

static struct token_key token_key_of(const struct process *process, enum setting setting)
{
    const char *secret = config_text(process->config, setting);
    return (struct token_key){.secret = secret, .length = strlen(secret)};
}

// Requests are counted where they enter the system, and only there.
static struct router *make_router(const struct process *process, bool entrance)
{
    const struct config *config = process->config;
    return router_new(&(struct router_options){
        .token_key = token_key_of(process, SETTING_SECRET_KEY),
        .previous_token_key = token_key_of(process, SETTING_SECRET_KEY_PREVIOUS),
        .revocations = process->revocations,
        .internal_key = config_text(config, SETTING_INTERNAL_SERVICE_API_KEY),
        .previous_internal_key = config_text(config, SETTING_INTERNAL_SERVICE_API_KEY_PREVIOUS),
        .limits = entrance ? process->limits : (struct http_limits){0},
        .patience_ms = config_number(config, SETTING_REQUEST_TIMEOUT_MS),
        .log = process->log,
        .metrics = process->metrics,
    });
}

static struct http_server *listen_on(const struct process *process, enum setting address,
                                     struct router *router, char error[static PROCESS_ERROR_SIZE])
{
    const struct config *config = process->config;
    char why[HTTP_ERROR_SIZE];
    struct http_server *server = http_server_start(
        process->lanes[0].on.loop,
        &(struct http_server_options){
            .address = config_text(config, address),
            .handle = router_handle,
            .arg = router,
            .maximum_connections = (size_t)config_number(config, SETTING_MAX_CONNECTIONS),
            .maximum_body = (size_t)config_number(config, SETTING_MAX_BODY_BYTES),
            .maximum_batch = (size_t)config_number(config, SETTING_MAX_BATCH_BYTES),
            .request_timeout_ms = config_number(config, SETTING_REQUEST_TIMEOUT_MS),
            .idle_timeout_ms = config_number(config, SETTING_IDLE_TIMEOUT_MS),
            .trusted = process->trusted,
            .log = process->log,
            .metrics = process->metrics,
        },
        why);
    if (server == NULL) {
        snprintf(error, PROCESS_ERROR_SIZE, "%s: %s", config_name(address), why);
    }
    return server;
}

static void add_own_routes(struct router *router, const struct mounted *mounted, size_t lane)
{
    router_add(router, mounted->service->routes, mounted->service->route_count,
               &(struct route_ground){
                   .state = mounted->state,
                   .loop_context = mounted->doors[lane].context,
                   .workers = mounted->workers,
                   .passwords = mounted->passwords,
               });
}

static const struct mounted *find_mounted(const struct process *process,
                                          const struct service *service)
{
    for (size_t i = 0; i < process->mounted_count; i++) {
        if (process->mounted[i].service == service) {
            return &process->mounted[i];
        }
    }
    return NULL;
}

// The gateway's table: the public routes of every service, called in memory or forwarded.
static void add_all_routes(const struct process *process, const struct mounted *gateway,
                           size_t lane)
{
    const struct door *door = &gateway->doors[lane];
    for (size_t i = 0; i < process->plan.count; i++) {
        const struct service *service = process->plan.services[i];
        const struct mounted *here = find_mounted(process, service);
        if (service->route_count == 0 || service->internal) {
            continue;
        }
        if (here != NULL) {
            add_own_routes(door->router, here, lane);
        } else {
            gateway_forward_routes(door->context, door->router, service,
                                   config_text(process->config, service->url));
        }
    }
}

// Who calls a service: the gateway, but for the one that only user-and-credit-service asks.
static const struct service *caller_of(const struct service *service)
{
    if (service == &api_gateway_ecs) {
        return NULL;
    }
    return service->internal ? &user_and_credit_service : &api_gateway_ecs;
}

// A service listens when its caller is in another process, or when its address was given.
static bool must_listen(const struct process *process, const struct service *service)
{
    if (service->listen == SETTING_COUNT) {
        return false;
    }
    const struct service *caller = caller_of(service);
    return caller == NULL || !process_has(process, caller) ||
           config_is_set(process->config, service->listen);
}

static bool open_door(struct process *process, struct mounted *mounted, size_t lane,
                      char error[static PROCESS_ERROR_SIZE])
{
    struct door *door = &mounted->doors[lane];
    struct http_server *first = mounted->doors[0].server;
    door->router = make_router(process, mounted->service == &api_gateway_ecs);
    if (mounted->service == &api_gateway_ecs) {
        add_all_routes(process, mounted, lane);
    } else {
        add_own_routes(door->router, mounted, lane);
    }
    health_add_routes(process->health, door->router, false);
    door->server = lane == 0 ? listen_on(process, mounted->service->listen, door->router, error)
                             : http_server_share(first, process->lanes[lane].on.loop, door->router);
    return door->server != NULL;
}

static bool open_doors(struct process *process, struct mounted *mounted,
                       char error[static PROCESS_ERROR_SIZE])
{
    for (size_t lane = 0; lane < process->lane_count; lane++) {
        if (!open_door(process, mounted, lane, error)) {
            return false;
        }
    }
    return true;
}

bool process_listen(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    for (size_t i = 0; i < process->mounted_count; i++) {
        struct mounted *mounted = &process->mounted[i];
        if (must_listen(process, mounted->service) && !open_doors(process, mounted, error)) {
            return false;
        }
    }
    if (config_text(process->config, SETTING_METRICS_LISTEN)[0] == '\0') {
        return true;
    }
    process->metrics_router = make_router(process, false);
    health_add_routes(process->health, process->metrics_router, true);
    process->metrics_server =
        listen_on(process, SETTING_METRICS_LISTEN, process->metrics_router, error);
    return process->metrics_server != NULL;
}

static void start_consumer(struct process *process, struct mounted *mounted)
{
    const struct config *config = process->config;
    mounted->consumers[mounted->consumer_count++] =
        consumer_start(process->bus, mounted->service->consumer,
                       &(struct consumer_options){
                           .batch = (size_t)config_number(config, SETTING_WORKER_BATCH),
                           .maximum_tries = config_number(config, SETTING_MAX_DELIVERIES),
                           .ack_wait_ms = config_number(config, SETTING_ACK_WAIT_MS),
                           .turn = mounted->turn,
                           .log = process->log,
                           .metrics = process->metrics,
                           .arg = mounted->state,
                       });
}

void process_start_consumers(struct process *process)
{
    int64_t many = config_number(process->config, SETTING_WORKER_THREADS);
    for (size_t i = 0; i < process->mounted_count; i++) {
        struct mounted *mounted = &process->mounted[i];
        if (mounted->service->consumer == NULL) {
            continue;
        }
        int64_t wanted = mounted->service->many_consumers ? many : 1;
        mounted->turn = turn_new();
        while ((int64_t)mounted->consumer_count < wanted) {
            start_consumer(process, mounted);
        }
    }
}

// ---- the end

void process_stop_consumers(struct process *process)
{
    for (size_t i = 0; i < process->mounted_count; i++) {
        struct mounted *mounted = &process->mounted[i];
        for (size_t c = 0; c < mounted->consumer_count; c++) {
            consumer_stop(mounted->consumers[c]);
        }
    }
}

// The servers on a lane, one at a time: those of services by their number, then that of metrics.
static struct http_server *server_of(const struct lane *lane, size_t number)
{
    const struct process *process = lane->process;
    const size_t at = (size_t)(lane - process->lanes);
    if (number < process->mounted_count) {
        return process->mounted[number].doors[at].server;
    }
    return at == 0 ? process->metrics_server : NULL;
}

void process_drain(struct lane *lane)
{
    for (size_t i = 0; i <= lane->process->mounted_count; i++) {
        struct http_server *server = server_of(lane, i);
        if (server != NULL) {
            http_server_drain(server);
        }
    }
}

bool process_is_drained(const struct lane *lane)
{
    size_t open = 0;
    for (size_t i = 0; i <= lane->process->mounted_count; i++) {
        const struct http_server *server = server_of(lane, i);
        open += server != NULL ? http_server_connections(server) : 0;
    }
    return open == 0;
}

// First those who may still work on a request, then the requests, then what both stood on.
static void stop_threads(struct mounted *mounted)
{
    while (mounted->consumer_count > 0) {
        consumer_join(&mounted->consumers[--mounted->consumer_count]);
    }
    turn_free(&mounted->turn);
    if (mounted->workers != NULL) {
        workers_stop(mounted->workers);
    }
    if (mounted->passwords != NULL) {
        workers_stop(mounted->passwords);
    }
}

static void close_servers(const struct process *process)
{
    for (size_t l = 0; l < process->lane_count; l++) {
        for (size_t i = 0; i <= process->mounted_count; i++) {
            struct http_server *server = server_of(&process->lanes[l], i);
            if (server != NULL) {
                http_server_close(server);
            }
        }
    }
}

static void free_servers(struct process *process)
{
    close_servers(process);
    http_server_free(&process->metrics_server);
    for (size_t i = 0; i < process->mounted_count; i++) {
        for (size_t l = 0; l < process->lane_count; l++) {
            http_server_free(&process->mounted[i].doors[l].server);
        }
    }
}

static void run_lanes_once(const struct process *process)
{
    for (size_t l = 0; l < process->lane_count; l++) {
        loop_run_once(process->lanes[l].on.loop);
    }
}

static void unmount(const struct process *process, struct mounted *mounted)
{
    for (size_t l = 0; l < process->lane_count; l++) {
        struct door *door = &mounted->doors[l];
        router_free(&door->router);
        if (door->context != NULL) {
            mounted->service->loop_close(door->context);
        }
    }
    workers_free(&mounted->workers);
    workers_free(&mounted->passwords);
    mounted->service->stop(mounted->state);
}

void process_unmount_services(struct process *process)
{
    for (size_t i = 0; i < process->mounted_count; i++) {
        stop_threads(&process->mounted[i]);
    }
    run_lanes_once(process); // answers that those threads posted still go out
    free_servers(process);
    run_lanes_once(process); // what was posted to a connection meanwhile finds that it is gone
    router_free(&process->metrics_router);
    while (process->mounted_count > 0) {
        unmount(process, &process->mounted[--process->mounted_count]);
    }
}
