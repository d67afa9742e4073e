// SPDX-License-Identifier: Apache-2.0
// The route table and the checks before a handler runs. Routes are added before the server starts;
// afterwards the table is only read, by the loop's thread and by workers.
#include "platform/http/router.h"

#include "platform/auth/token_checker.h"
#include "platform/clock.h"
#include "platform/http/exchange_internal.h"
#include "platform/http/media_type.h"
#include "platform/http/server.h"
#include "platform/memory.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEGMENTS_MAX 8
#define KEY_HASH_SIZE 32

struct segments {
    size_t count;
    struct span items[SEGMENTS_MAX];
};

// A route with the service that it belongs to.
struct mount {
    const struct route *route;
    struct segments pattern;
    struct route_ground ground;
    const struct router *router;
};

// A key that opens the internal routes: only its hash is kept.
struct internal_key {
    bool given;
    unsigned char hash[KEY_HASH_SIZE];
};

struct router {
    struct token_checker *tokens;
    struct revocations *revocations;
    struct internal_key internal_key;
    struct internal_key previous_internal_key;
    struct log *log;
    struct counter *refused;
    struct counter *overloaded;
    struct http_limits limits;
    int64_t patience_ms;
    struct mount *mounts;
    size_t count;
};

// ---- finding the route

static bool split_path(const char *path, struct segments *ret)
{
    ret->count = 0;
    while (*path == '/') {
        if (ret->count == SEGMENTS_MAX) {
            return false;
        }
        size_t length = strcspn(path + 1, "/");
        ret->items[ret->count++] = (struct span){path + 1, length};
        path += 1 + length;
    }
    return *path == '\0';
}

static bool is_part(struct span segment)
{
    return segment.length > 2 && segment.data[0] == '{';
}

static bool matches(const struct segments *pattern, const struct segments *path)
{
    if (pattern->count != path->count) {
        return false;
    }
    for (size_t i = 0; i < pattern->count; i++) {
        struct span want = pattern->items[i];
        struct span have = path->items[i];
        if (is_part(want)
                ? have.length == 0
                : want.length != have.length || memcmp(want.data, have.data, want.length) != 0) {
            return false;
        }
    }
    return true;
}

static unsigned method_bit(enum http_method method)
{
    return 1U << method;
}

// A route for GET serves HEAD too (RFC 9110 section 9.3.2).
static bool serves(const struct route *route, enum http_method method)
{
    return route->method == method || (method == HTTP_HEAD && route->method == HTTP_GET);
}

// NULL when there is none; *ret_methods are then those that the path has.
static const struct mount *find_mount(const struct router *router, enum http_method method,
                                      const struct segments *path, unsigned *ret_methods)
{
    *ret_methods = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct mount *mount = &router->mounts[i];
        if (!matches(&mount->pattern, path)) {
            continue;
        }
        if (serves(mount->route, method)) {
            return mount;
        }
        *ret_methods |= method_bit(mount->route->method);
    }
    return NULL;
}

static void answer_allowed(struct http_exchange *exchange, unsigned methods)
{
    char allowed[64] = "";
    size_t length = 0;
    if ((methods & method_bit(HTTP_GET)) != 0) {
        methods |= method_bit(HTTP_HEAD);
    }
    methods |= method_bit(HTTP_OPTIONS);
    for (int i = HTTP_GET; i <= HTTP_OPTIONS; i++) {
        if ((methods & method_bit((enum http_method)i)) != 0) {
            length +=
                (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s",
                                 length > 0 ? ", " : "", http_method_name((enum http_method)i));
        }
    }
    http_answer_header(exchange, "Allow", allowed);
    if (http_method(exchange) == HTTP_OPTIONS) {
        http_answer_bytes(exchange, 204, "", "", 0);
    } else {
        http_answer_problem(exchange, 405, "The path does not have this method; see Allow.");
    }
}

static void answer_unmatched(struct http_exchange *exchange, unsigned methods)
{
    if (methods == 0) {
        http_answer_problem(exchange, 404, "There is nothing at this path.");
    } else {
        answer_allowed(exchange, methods);
    }
}

// Handlers get parts as strings, so each part is copied with a NUL after it.
static void keep_parts(struct http_exchange *exchange, const struct segments *pattern,
                       const struct segments *path)
{
    size_t starts[PATH_PARTS_MAX] = {0};
    for (size_t i = 0; i < pattern->count; i++) {
        struct span name = pattern->items[i];
        if (is_part(name)) {
            struct path_part *part = &exchange->parts[exchange->part_count];
            part->name = name.data + 1;
            part->name_length = name.length - 2;
            starts[exchange->part_count++] = exchange->segments.length;
            buffer_add(&exchange->segments, path->items[i].data, path->items[i].length);
            buffer_add(&exchange->segments, "", 1);
        }
    }
    for (size_t i = 0; i < exchange->part_count; i++) {
        exchange->parts[i].value = exchange->segments.data + starts[i];
    }
}

// ---- checks; each answers when it fails

static const char *bearer_token(const struct http_exchange *exchange)
{
    const char *value = http_header(exchange, "Authorization");
    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    value += 7;
    return value + strspn(value, " ");
}

static enum token_verdict judge_token(const struct router *router, enum auth_rule rule,
                                      const char *token, struct http_exchange *exchange)
{
    const timestamp now = clock_now();
    if (rule == AUTH_OPERATOR) {
        return token_check_operator(router->tokens, token, strlen(token), now,
                                    exchange->operator_name);
    }
    struct uuid *person = &exchange->person;
    enum token_verdict verdict = token_check(router->tokens, token, strlen(token), now, person);
    bool revoked = verdict == TOKEN_GOOD && router->revocations != NULL &&
                   revocations_hold(router->revocations, person, now);
    return revoked ? TOKEN_REVOKED : verdict;
}

static void answer_bad_token(struct http_exchange *exchange, enum token_verdict verdict)
{
    char challenge[256];
    snprintf(challenge, sizeof challenge,
             "Bearer realm=\"ecs\", error=\"invalid_token\", error_description=\"%s\"",
             token_verdict_text(verdict));
    http_answer_header(exchange, "WWW-Authenticate", challenge);
    http_answer_problem(exchange, 401, "The access token is not valid; log in again.");
}

static bool has_good_token(const struct router *router, enum auth_rule rule,
                           struct http_exchange *exchange)
{
    const char *token = bearer_token(exchange);
    if (token == NULL) {
        http_answer_header(exchange, "WWW-Authenticate", "Bearer realm=\"ecs\"");
        http_answer_problem(exchange, 401, "Send an access token as Authorization: Bearer.");
        return false;
    }
    enum token_verdict verdict = judge_token(router, rule, token, exchange);
    if (verdict == TOKEN_OTHER_ROLE && rule == AUTH_OPERATOR) {
        http_answer_problem(exchange, 403,
                            "This is for operators; the access token is a person's.");
    } else if (verdict != TOKEN_GOOD) {
        answer_bad_token(exchange, verdict);
    }
    return verdict == TOKEN_GOOD;
}

static void hash_key(const char *key, unsigned char hash[static KEY_HASH_SIZE])
{
    crypto_generichash(hash, KEY_HASH_SIZE, (const unsigned char *)key, strlen(key), NULL, 0);
}

static bool is_key(const struct internal_key *key, const unsigned char hash[static KEY_HASH_SIZE])
{
    return key->given && sodium_memcmp(hash, key->hash, KEY_HASH_SIZE) == 0;
}

// Hashes first, so that neither the length nor the place of a difference shows in the time; and
// compares with both keys always, so that neither does which of them it was.
static bool is_internal_key(const struct router *router, const char *key)
{
    unsigned char hash[KEY_HASH_SIZE];
    hash_key(key, hash);
    const bool current = is_key(&router->internal_key, hash);
    const bool previous = is_key(&router->previous_internal_key, hash);
    return current || previous;
}

static bool has_internal_key(const struct router *router, struct http_exchange *exchange)
{
    if (!exchange->has_internal_key) {
        const char *key = http_header(exchange, "X-Internal-Key");
        exchange->has_internal_key = key != NULL && is_internal_key(router, key);
    }
    return exchange->has_internal_key;
}

static bool check_internal_key(const struct router *router, struct http_exchange *exchange)
{
    if (has_internal_key(router, exchange)) {
        return true;
    }
    http_answer_header(exchange, "WWW-Authenticate", "X-Internal-Key realm=\"ecs\"");
    http_answer_problem(exchange, 401, "Send the internal key as X-Internal-Key.");
    return false;
}

static bool owns_the_path(struct http_exchange *exchange)
{
    const char *text = http_path_part(exchange, "user_id");
    struct uuid user;
    if (text[0] == '\0') {
        return true;
    }
    if (!uuid_parse(text, strlen(text), &user)) {
        struct faults faults = {0};
        faults_add(&faults, "user_id", "must be a UUID");
        http_answer_faults(exchange, &faults);
        return false;
    }
    if (!uuid_equal(&user, http_person(exchange))) {
        http_answer_problem(exchange, 403, "The access token is another person's.");
        return false;
    }
    return true;
}

static bool has_credential(const struct router *router, const struct route *route,
                           struct http_exchange *exchange)
{
    bool passes = true;
    if (route->auth == AUTH_INTERNAL_KEY) {
        passes = check_internal_key(router, exchange);
    } else if (route->auth != AUTH_PUBLIC) {
        passes = has_good_token(router, route->auth, exchange);
    }
    if (!passes) {
        counter_add(router->refused, 1);
    }
    return passes && (route->auth != AUTH_PERSON ||
                      (http_limits_person(&router->limits, exchange) && owns_the_path(exchange)));
}

static bool is_batch_for(const struct route *route, const struct http_exchange *exchange)
{
    return route->batch != NULL && exchange->request->is_batch;
}

static bool may_go_without_type(const struct route *route, struct http_exchange *exchange)
{
    return !route->has_body || (route->body_optional && http_body(exchange).length == 0 &&
                                http_header(exchange, "Content-Type") == NULL);
}

static bool has_good_type(const struct route *route, struct http_exchange *exchange)
{
    if (is_batch_for(route, exchange) || may_go_without_type(route, exchange) ||
        media_type_is(http_header(exchange, "Content-Type"), "application/json")) {
        return true;
    }
    http_answer_problem(
        exchange, 415,
        route->batch != NULL
            ? "Send one event as application/json, or lines as application/x-ndjson."
            : "Send the body as application/json.");
    return false;
}

// ---- running the handler

static void finish_posted(void *arg)
{
    http_finish(arg);
}

static void answer_overloaded(struct http_exchange *exchange, const char *detail)
{
    const struct mount *mount = exchange->mount;
    counter_add(mount->router->overloaded, 1);
    http_answer_unavailable(exchange, detail, 1000);
}

static void run_on_worker(void *arg, void *context)
{
    struct http_exchange *exchange = arg;
    const struct mount *mount = exchange->mount;
    if (clock_monotonic_ms() - exchange->handed_over_ms < mount->router->patience_ms) {
        mount->route->handler(exchange, mount->ground.state, context);
    } else {
        answer_overloaded(exchange, "The request waited too long.");
    }
    http_post(exchange, finish_posted, exchange);
}

static void run_batch(const struct mount *mount, struct http_exchange *exchange)
{
    if (exchange->body_follows) {
        mount->route->batch(exchange, mount->ground.state, mount->ground.loop_context);
    } else {
        http_answer_problem(exchange, 400, "The batch is empty.");
        http_finish(exchange);
    }
}

void router_hand_over(struct http_exchange *exchange)
{
    const struct mount *mount = exchange->mount;
    struct workers *workers =
        mount->route->run_on == RUN_ON_PASSWORDS ? mount->ground.passwords : mount->ground.workers;
    exchange->handed_over_ms = clock_monotonic_ms();
    if (!workers_submit(workers, run_on_worker, exchange)) {
        answer_overloaded(exchange, "Too many requests wait already.");
        http_finish(exchange);
    }
}

static void dispatch(const struct mount *mount, struct http_exchange *exchange)
{
    exchange->mount = mount;
    const struct route *route = mount->route;
    const struct route_ground *ground = &mount->ground;
    if (is_batch_for(route, exchange)) {
        run_batch(mount, exchange);
    } else if (route->run_on == RUN_ON_LOOP) {
        route->handler(exchange, ground->state, ground->loop_context);
    } else if (route->on_loop_first != NULL) {
        route->on_loop_first(exchange, ground->state, ground->loop_context);
    } else {
        router_hand_over(exchange);
    }
}

// A defect of ours leaves one line. An absent dependency has its own line when it goes and when it
// comes back, so its 503s are only counted, and shown with every other request at the lowest level.
static void log_request(void *arg, struct http_exchange *exchange)
{
    const struct router *router = arg;
    bool defect = exchange->forgotten || (exchange->status >= 500 && exchange->status != 503);
    const char *message = exchange->forgotten ? "a handler gave no answer" : "request";
    log_at(router->log, defect ? LOG_ERROR : LOG_DEBUG, message,
           LOG_TEXT("request_id", exchange->request_id),
           LOG_TEXT("trace_id", exchange->trace.trace_id),
           LOG_TEXT("route", exchange->route != NULL ? exchange->route : ""),
           LOG_NUMBER("status", exchange->status));
}

// Trusted senders speak for many people from few addresses.
static bool is_within_limits(const struct router *router, struct http_exchange *exchange)
{
    return router->limits.address == NULL || http_client_is_trusted(exchange) ||
           has_internal_key(router, exchange) || http_limits_address(&router->limits, exchange);
}

void router_handle(void *arg, struct http_exchange *exchange)
{
    const struct router *router = arg;
    exchange->watch = log_request;
    exchange->watch_arg = arg;
    if (!is_within_limits(router, exchange)) {
        http_finish(exchange);
        return;
    }
    struct segments path;
    unsigned methods = 0;
    const struct mount *mount = NULL;
    if (split_path(http_path(exchange), &path)) {
        mount = find_mount(router, http_method(exchange), &path, &methods);
    }
    if (mount == NULL) {
        answer_unmatched(exchange, methods);
        http_finish(exchange);
        return;
    }
    exchange->route = mount->route->pattern;
    keep_parts(exchange, &mount->pattern, &path);
    if (has_credential(router, mount->route, exchange) && has_good_type(mount->route, exchange)) {
        dispatch(mount, exchange);
    } else {
        http_finish(exchange);
    }
}

// ---- life

static void keep_key(struct internal_key *to, const char *key)
{
    to->given = key != NULL && key[0] != '\0';
    if (to->given) {
        hash_key(key, to->hash);
    }
}

struct router *router_new(const struct router_options *options)
{
    struct router *router = memory_zeroed(1, sizeof *router);
    router->tokens = token_checker_new(options->token_key, options->previous_token_key);
    router->revocations = options->revocations;
    router->log = options->log;
    router->limits = options->limits;
    router->patience_ms = options->patience_ms;
    router->refused = metrics_counter(options->metrics, "ecs_http_credentials_refused_total", NULL,
                                      "Requests without a good credential.");
    router->overloaded = metrics_counter(options->metrics, "ecs_http_overloaded_total", NULL,
                                         "Requests refused because too many waited for a thread.");
    keep_key(&router->internal_key, options->internal_key);
    keep_key(&router->previous_internal_key, options->previous_internal_key);
    return router;
}

void router_free(struct router **router)
{
    if (*router != NULL) {
        sodium_memzero(&(*router)->internal_key, sizeof(*router)->internal_key);
        sodium_memzero(&(*router)->previous_internal_key, sizeof(*router)->previous_internal_key);
        token_checker_free(&(*router)->tokens);
        free((*router)->mounts);
        free(*router);
        *router = NULL;
    }
}

static size_t part_count(const struct segments *pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        count += is_part(pattern->items[i]);
    }
    return count;
}

void router_add(struct router *router, const struct route *routes, size_t count,
                const struct route_ground *ground)
{
    router->mounts =
        memory_resize(router->mounts, (router->count + count) * sizeof *router->mounts);
    for (size_t i = 0; i < count; i++) {
        struct mount *mount = &router->mounts[router->count++];
        *mount = (struct mount){
            .route = &routes[i],
            .ground = *ground,
            .router = router,
        };
        if (!split_path(routes[i].pattern, &mount->pattern) ||
            part_count(&mount->pattern) > PATH_PARTS_MAX) {
            fprintf(stderr, "ecs: the route %s has too many parts\n", routes[i].pattern);
            abort();
        }
    }
}
