// SPDX-License-Identifier: Apache-2.0
// See health.h. The list of dependencies is fixed once the thread runs; only their state changes.
#include "services/health.h"

#include "platform/json.h"
#include "platform/memory.h"
#include "platform/ticker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DEPENDENCIES_MAX 16
#define ROUND_MS 20
#define ROUNDS_OF_START 100 /* in which what is down is asked each time: it comes any moment */
#define ROUNDS_WHILE_DOWN 5 /* later each so many, */
#define ROUNDS_WHILE_UP 50  /* and what is up each so many */

struct dependency {
    const char *name;
    bool required;
    health_check *check;
    void *arg;
    bool up;                   /* under the lock, as is `why` */
    char why[HEALTH_WHY_SIZE]; /* why it is down */
};

struct health {
    struct log *log;
    struct metrics *metrics;
    struct dependency dependencies[DEPENDENCIES_MAX];
    size_t count;
    unsigned round;
    pthread_mutex_t lock;
    struct ticker *ticker;
};

static void ask(struct health *health, struct dependency *dependency)
{
    char why[HEALTH_WHY_SIZE] = "";
    bool up = dependency->check(dependency->arg, why);
    pthread_mutex_lock(&health->lock);
    bool changed = up != dependency->up;
    dependency->up = up;
    memcpy(dependency->why, why, sizeof why);
    pthread_mutex_unlock(&health->lock);
    if (changed && up) {
        log_info(health->log, "dependency is up", LOG_TEXT("dependency", dependency->name));
    } else if (changed) {
        log_warning(health->log, "dependency is down", LOG_TEXT("dependency", dependency->name),
                    LOG_TEXT("why", why));
    }
}

static bool ask_all(void *arg)
{
    struct health *health = arg;
    const unsigned round = health->round++;
    const bool ask_up = round % ROUNDS_WHILE_UP == 0;
    const bool ask_down = round < ROUNDS_OF_START || round % ROUNDS_WHILE_DOWN == 0;
    for (size_t i = 0; i < health->count && !ticker_is_stopping(health->ticker); i++) {
        if (health->dependencies[i].up ? ask_up : ask_down) {
            ask(health, &health->dependencies[i]);
        }
    }
    return false;
}

struct health *health_new(struct log *log, struct metrics *metrics)
{
    struct health *health = memory_zeroed(1, sizeof *health);
    health->log = log;
    health->metrics = metrics;
    health->ticker = ticker_new("health", ROUND_MS, ask_all, health);
    pthread_mutex_init(&health->lock, NULL);
    return health;
}

void health_add(struct health *health, const char *name, bool required, health_check *check,
                void *arg)
{
    if (health->count == DEPENDENCIES_MAX) {
        abort(); /* the table is too small for the program */
    }
    health->dependencies[health->count++] = (struct dependency){
        .name = name,
        .required = required,
        .check = check,
        .arg = arg,
        .why = "not asked yet",
    };
}

void health_start(struct health *health)
{
    ticker_start(health->ticker);
}

void health_stop(struct health *health)
{
    ticker_free(&health->ticker);
}

void health_free(struct health **health)
{
    if (*health == NULL) {
        return;
    }
    health_stop(*health);
    pthread_mutex_destroy(&(*health)->lock);
    free(*health);
    *health = NULL;
}

// ---- the routes

static void answer_alive(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    http_answer_json(exchange, 200, json_pack("{s:s}", "status", "ok"));
    http_finish(exchange);
}

// The state of each dependency by name, and the names of the required ones that are down.
static json_t *describe(struct health *health, json_t *down)
{
    json_t *states = json_object();
    pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count; i++) {
        const struct dependency *dependency = &health->dependencies[i];
        json_t *state =
            dependency->up ? json_string("up") : json_sprintf("down: %s", dependency->why);
        json_object_set_new(states, dependency->name, state);
        if (dependency->required && !dependency->up) {
            json_array_append_new(down, json_string(dependency->name));
        }
    }
    pthread_mutex_unlock(&health->lock);
    return states;
}

static void answer_ready(struct http_exchange *exchange, void *state, void *context)
{
    (void)context;
    json_t *down = json_array();
    json_t *states = describe(state, down);
    if (json_array_size(down) == 0) {
        json_decref(down);
        http_answer_json(exchange, 200,
                         json_pack("{s:s, s:o}", "status", "ready", "dependencies", states));
        http_finish(exchange);
        return;
    }
    json_t *problem =
        json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:o}", "type", "about:blank", "title",
                  "Service Unavailable", "status", 503, "detail", "a dependency is down",
                  "request_id", http_request_id(exchange), "down", down, "dependencies", states);
    size_t length = 0;
    char *text = json_text(problem, &length);
    http_answer_header(exchange, "Retry-After", "1");
    http_answer_bytes(exchange, 503, "application/problem+json", text, length);
    http_finish(exchange);
    free(text);
    json_decref(problem);
}

static void answer_metrics(struct http_exchange *exchange, void *state, void *context)
{
    (void)context;
    struct health *health = state;
    char *text = metrics_text(health->metrics);
    http_answer_bytes(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text,
                      strlen(text));
    http_finish(exchange);
    free(text);
}

static const struct route probe_routes[] = {
    {HTTP_GET, "/healthz", AUTH_PUBLIC, RUN_ON_LOOP, answer_alive, .has_body = false},
    {HTTP_GET, "/readyz", AUTH_PUBLIC, RUN_ON_LOOP, answer_ready, .has_body = false},
};

static const struct route metrics_routes[] = {
    {HTTP_GET, "/metrics", AUTH_PUBLIC, RUN_ON_LOOP, answer_metrics, .has_body = false},
};

void health_add_routes(struct health *health, struct router *router, bool with_metrics)
{
    const struct route_ground ground = {.state = health};
    router_add(router, probe_routes, sizeof probe_routes / sizeof probe_routes[0], &ground);
    if (with_metrics) {
        router_add(router, metrics_routes, sizeof metrics_routes / sizeof metrics_routes[0],
                   &ground);
    }
}
