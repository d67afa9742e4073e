// SPDX-License-Identifier: Apache-2.0
// The route table and its checks, each with the status that its failure gets, in their order.
#include "platform/http/router.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "platform/clock.h"
#include "platform/http/exchange_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERSON "0190a5c2-7c1e-7a4f-9d0e-3b6f8c2d1e5a"
#define STRANGER "0190a5c2-7c1e-7a4f-9d0e-3b6f8c2d1e5b"
#define KEY "a key that nobody guesses"
#define SECRET "a secret of more than thirty-two bytes"
#define PREVIOUS_KEY "the key of before"
#define PREVIOUS_SECRET "the secret of before, of more than thirty-two bytes"
#define PATIENCE_MS 60000

struct stage {
    struct log *log;
    struct metrics *metrics;
    struct router *router;
    struct loop *loop;
    struct workers *workers;
    struct parser *parser;
    struct http_exchange exchange;
    struct random_digits random;
    char *token;
    int handled;
    int sent;
};

static void handle(struct http_exchange *exchange, void *state, void *context)
{
    struct stage *stage = state;
    (void)context;
    stage->handled++;
    http_answer_json(exchange, 200, json_object());
    http_finish(exchange);
}

static void handle_on_worker(struct http_exchange *exchange, void *state, void *context)
{
    struct stage *stage = state;
    (void)context;
    stage->handled++;
    http_answer_json(exchange, 200, json_object());
}

static const struct route routes[] = {
    {HTTP_GET, "/healthz", AUTH_PUBLIC, RUN_ON_LOOP, handle, .has_body = false},
    {HTTP_POST, "/v1/emotions/stream", AUTH_INTERNAL_KEY, RUN_ON_LOOP, handle, .has_body = true},
    {HTTP_GET, "/v1/users/{user_id}", AUTH_PERSON, RUN_ON_LOOP, handle, .has_body = false},
    {HTTP_DELETE, "/v1/users/{user_id}", AUTH_PERSON, RUN_ON_LOOP, handle, .has_body = false},
    {HTTP_PUT, "/v1/users/{user_id}/consents/{kind}", AUTH_PERSON, RUN_ON_LOOP, handle,
     .has_body = true},
    {HTTP_POST, "/v1/transactions", AUTH_PERSON, RUN_ON_LOOP, handle, .has_body = true},
    {HTTP_POST, "/v1/decisions/{decision_id}/review", AUTH_PERSON, RUN_ON_LOOP, handle,
     .has_body = true, .body_optional = true},
    {HTTP_GET, "/v1/insights/offers", AUTH_OPERATOR, RUN_ON_LOOP, handle, .has_body = false},
    {HTTP_GET, "/slow", AUTH_PUBLIC, RUN_ON_WORKERS, handle_on_worker, .has_body = false},
};

static int set_up(void **state)
{
    static struct stage stage;
    struct uuid person;
    stage = (struct stage){.log = log_open("test", LOG_ERROR, LOG_AS_TEXT),
                           .metrics = metrics_new(),
                           .loop = loop_new(),
                           .parser = parser_new(&(struct parser_limits){1024, 4096})};
    const struct router_options options = {.token_key = {SECRET, sizeof SECRET - 1},
                                           .internal_key = KEY,
                                           .patience_ms = PATIENCE_MS,
                                           .log = stage.log,
                                           .metrics = stage.metrics};
    const struct workers_options pool = {.name = "test", .threads = 1, .queue_maximum = 1};
    stage.workers = workers_start(&pool);
    stage.router = router_new(&options);
    router_add(stage.router, routes, sizeof routes / sizeof routes[0],
               &(struct route_ground){.state = &stage, .workers = stage.workers});
    assert_true(uuid_parse(PERSON, sizeof PERSON - 1, &person));
    stage.token = token_issue(&options.token_key, &person, clock_now(), 3600);
    *state = &stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    workers_free(&stage->workers);
    exchange_release(&stage->exchange);
    parser_free(&stage->parser);
    router_free(&stage->router);
    assert_null(stage->router);
    loop_free(&stage->loop);
    metrics_free(&stage->metrics);
    log_close(&stage->log);
    free(stage->token);
    return 0;
}

static void sent(void *arg, struct http_exchange *exchange)
{
    struct stage *stage = arg;
    (void)exchange;
    stage->sent++;
    loop_stop(stage->loop);
}

static void start(struct stage *stage, const char *line, const char *headers)
{
    char request[4096];
    size_t used = 0;
    int length =
        snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: ecs\r\n%s\r\n", line, headers);
    parser_next(stage->parser);
    exchange_clear(&stage->exchange);
    stage->sent = 0;
    assert_int_equal(parser_feed(stage->parser, request, (size_t)length, &used), PARSE_COMPLETE);
    exchange_begin(&stage->exchange, parser_request(stage->parser), &stage->random);
    stage->exchange.loop = stage->loop;
    stage->exchange.send = sent;
    stage->exchange.server_arg = stage;
    router_handle(stage->router, &stage->exchange);
}

// The status of a request that is answered on the loop.
static int status_of(struct stage *stage, const char *line, const char *headers)
{
    start(stage, line, headers);
    assert_int_equal(stage->sent, 1);
    return stage->exchange.status;
}

static int status_with_token(struct stage *stage, const char *line, const char *headers)
{
    char all[2048];
    snprintf(all, sizeof all, "Authorization: Bearer %s\r\n%s", stage->token, headers);
    return status_of(stage, line, all);
}

static bool answer_has(const struct stage *stage, const char *line)
{
    const struct buffer *headers = &stage->exchange.headers;
    return headers->data != NULL && strstr(headers->data, line) != NULL;
}

static void test_a_path_that_is_in_no_pattern_is_404(void **state)
{
    static const char *const lines[] = {"GET /",          "GET /healthz/",
                                        "GET /healthzz",  "GET /health",
                                        "GET /v1/users",  "GET /v1/users/",
                                        "GET /HEALTHZ",   "GET /a/b/c/d/e/f/g/h/i/j/k",
                                        "OPTIONS /other", "POST /v1/emotions/stream/x"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(status_of(*state, lines[i], ""), 404);
    }
}

static void test_a_method_that_the_path_lacks_is_405_and_says_which_it_has(void **state)
{
    assert_int_equal(status_of(*state, "PUT /healthz", ""), 405);
    assert_true(answer_has(*state, "Allow: GET, HEAD, OPTIONS\r\n"));
    assert_int_equal(status_of(*state, "POST /v1/users/" PERSON, ""), 405);
    assert_true(answer_has(*state, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
    assert_int_equal(status_of(*state, "OPTIONS /v1/transactions", ""), 204);
    assert_true(answer_has(*state, "Allow: POST, OPTIONS\r\n"));
}

static void test_get_serves_head(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(status_of(stage, "HEAD /healthz", ""), 200);
    assert_int_equal(stage->handled, 1);
}

static void test_a_missing_token_is_401(void **state)
{
    static const char *const headers[] = {"", "Authorization:\r\n", "Authorization: Bearer\r\n",
                                          "Authorization: Basic abc\r\n",
                                          "X-Internal-Key: a key that nobody guesses\r\n"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        assert_int_equal(status_of(*state, "GET /v1/users/" PERSON, headers[i]), 401);
        assert_true(answer_has(*state, "WWW-Authenticate: Bearer realm=\"ecs\"\r\n"));
    }
}

static void test_a_bad_token_is_401_and_says_so(void **state)
{
    assert_int_equal(status_of(*state, "GET /v1/users/" PERSON, "Authorization: Bearer a.b.c\r\n"),
                     401);
    assert_true(answer_has(*state, "Bearer realm=\"ecs\", error=\"invalid_token\""));
}

static void test_the_internal_key_opens_its_routes_only_when_it_is_exact(void **state)
{
    static const char *const bad[] = {"", "X-Internal-Key:\r\n", "X-Internal-Key: " KEY "x\r\n",
                                      "X-Internal-Key: a key\r\n", "Authorization: " KEY "\r\n"};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(status_of(stage, "POST /v1/emotions/stream", bad[i]), 401);
        assert_true(answer_has(stage, "WWW-Authenticate: X-Internal-Key realm=\"ecs\"\r\n"));
    }
    assert_int_equal(stage->handled, 0);
    assert_int_equal(status_of(stage, "POST /v1/emotions/stream",
                               "X-Internal-Key: " KEY "\r\nContent-Type: application/json\r\n"),
                     200);
    assert_int_equal(stage->handled, 1);
}

// A router that knows two keys of each kind.
static void give_previous_keys(struct stage *stage)
{
    const struct router_options options = {
        .token_key = {SECRET, sizeof SECRET - 1},
        .previous_token_key = {PREVIOUS_SECRET, sizeof PREVIOUS_SECRET - 1},
        .internal_key = KEY,
        .previous_internal_key = PREVIOUS_KEY,
        .log = stage->log,
        .metrics = stage->metrics};
    router_free(&stage->router);
    stage->router = router_new(&options);
    router_add(stage->router, routes, sizeof routes / sizeof routes[0],
               &(struct route_ground){.state = stage, .workers = stage->workers});
}

static int status_by_secret(struct stage *stage, const char *secret, int64_t issued_seconds_ago)
{
    const struct token_key signer = {secret, strlen(secret)};
    struct uuid person;
    assert_true(uuid_parse(PERSON, sizeof PERSON - 1, &person));
    free(stage->token);
    stage->token = token_issue(&signer, &person,
                               clock_now() - issued_seconds_ago * MICROSECONDS_A_SECOND, 3600);
    return status_with_token(stage, "GET /v1/users/" PERSON, "");
}

static void test_tokens_of_both_keys_are_good_while_a_key_is_changed(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(status_by_secret(stage, PREVIOUS_SECRET, 0), 401);
    give_previous_keys(stage);
    assert_int_equal(status_by_secret(stage, SECRET, 0), 200);
    assert_int_equal(status_by_secret(stage, PREVIOUS_SECRET, 0), 200);
    assert_int_equal(status_by_secret(stage, PREVIOUS_SECRET, 3601), 401);
    assert_int_equal(status_by_secret(stage, SECRET, 3601), 401);
    assert_int_equal(status_by_secret(stage, "a secret that nobody ever configured", 0), 401);
    assert_int_equal(status_by_secret(stage, "", 0), 401);
}

static void test_both_internal_keys_open_while_a_key_is_changed(void **state)
{
    struct stage *stage = *state;
    static const char json[] = "Content-Type: application/json\r\n";
    static const struct {
        const char *header;
        int before;
        int during;
    } cases[] = {
        {"X-Internal-Key: " KEY "\r\n", 200, 200},
        {"X-Internal-Key: " PREVIOUS_KEY "\r\n", 401, 200},
        {"X-Internal-Key: " PREVIOUS_KEY "x\r\n", 401, 401},
        {"X-Internal-Key:\r\n", 401, 401},
    };
    for (int during = 0; during <= 1; during++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            char headers[256];
            snprintf(headers, sizeof headers, "%s%s", cases[i].header, json);
            assert_int_equal(status_of(stage, "POST /v1/emotions/stream", headers),
                             during != 0 ? cases[i].during : cases[i].before);
        }
        give_previous_keys(stage);
    }
}

static void test_without_a_configured_key_nothing_opens(void **state)
{
    struct stage *stage = *state;
    const struct router_options options = {
        .internal_key = "", .log = stage->log, .metrics = stage->metrics};
    router_free(&stage->router);
    stage->router = router_new(&options);
    router_add(stage->router, routes, sizeof routes / sizeof routes[0],
               &(struct route_ground){.state = stage});
    assert_int_equal(status_of(stage, "POST /v1/emotions/stream", "X-Internal-Key:\r\n"), 401);
}

static void test_operators_and_persons_open_their_own_routes_alone(void **state)
{
    struct stage *stage = *state;
    const struct token_key signer = {SECRET, sizeof SECRET - 1};
    static const char of_operators[] = "GET /v1/insights/offers";
    assert_int_equal(status_of(stage, of_operators, ""), 401);
    assert_int_equal(status_of(stage, of_operators, "X-Internal-Key: " KEY "\r\n"), 401);
    assert_int_equal(status_with_token(stage, of_operators, ""), 403);
    assert_int_equal(stage->handled, 0);
    free(stage->token);
    stage->token = token_issue_to_operator(&signer, "ada", clock_now(), 60);
    assert_int_equal(status_with_token(stage, of_operators, ""), 200);
    assert_string_equal(http_operator(&stage->exchange), "ada");
    assert_int_equal(status_with_token(stage, "GET /v1/users/" PERSON, ""), 401);
    assert_int_equal(stage->handled, 1);
}

static void test_a_path_of_another_person_is_403(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(status_with_token(stage, "GET /v1/users/" STRANGER, ""), 403);
    assert_int_equal(stage->handled, 0);
    assert_int_equal(status_with_token(stage, "GET /v1/users/" PERSON, ""), 200);
    assert_int_equal(
        status_with_token(stage, "GET /v1/users/0190A5C2-7C1E-7A4F-9D0E-3B6F8C2D1E5A", ""), 200);
    assert_int_equal(stage->handled, 2);
    assert_string_equal(http_path_part(&stage->exchange, "user_id"),
                        "0190A5C2-7C1E-7A4F-9D0E-3B6F8C2D1E5A");
}

static void test_a_user_id_that_is_no_uuid_is_422(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(status_with_token(stage, "GET /v1/users/me", ""), 422);
    assert_non_null(strstr(stage->exchange.body.data, "\"field\":\"user_id\""));
    assert_int_equal(status_of(stage, "GET /v1/users/me", ""), 401);
}

static void test_every_part_of_a_path_is_found(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(status_with_token(stage, "PUT /v1/users/" PERSON "/consents/emotional_data",
                                       "Content-Type: application/json\r\n"),
                     200);
    assert_string_equal(http_path_part(&stage->exchange, "user_id"), PERSON);
    assert_string_equal(http_path_part(&stage->exchange, "kind"), "emotional_data");
    assert_string_equal(http_path_part(&stage->exchange, "other"), "");
}

static void test_a_body_that_is_not_json_is_415(void **state)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"", 415},
        {"Content-Type:\r\n", 415},
        {"Content-Type: text/plain\r\n", 415},
        {"Content-Type: application/jsonx\r\n", 415},
        {"Content-Type: application/x-ndjson\r\n", 415},
        {"Content-Type: application/json\r\n", 200},
        {"Content-Type: Application/JSON\r\n", 200},
        {"Content-Type: application/json; charset=utf-8\r\n", 200},
        {"Content-Type: application/json ;charset=utf-8\r\n", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(status_with_token(*state, "POST /v1/transactions", cases[i].header),
                         cases[i].status);
    }
    assert_int_equal(status_of(*state, "POST /v1/transactions", ""), 401);
}

static void test_a_body_that_may_be_missing_is_json_when_it_is_there(void **state)
{
    static const struct {
        const char *headers; /* and the body */
        int status;
    } cases[] = {
        {"", 200},
        {"Content-Length: 0\r\n", 200},
        {"Content-Type: application/json\r\n", 200},
        {"Content-Type: text/plain\r\n", 415},
        {"Content-Type:\r\n", 415},
        {"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", 415},
        {"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
         200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(status_with_token(*state, "POST /v1/decisions/7/review", cases[i].headers),
                         cases[i].status);
    }
}

static void test_a_worker_answers_on_the_loop(void **state)
{
    struct stage *stage = *state;
    start(stage, "GET /slow", "");
    assert_int_equal(stage->sent, 0);
    loop_run(stage->loop);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->exchange.status, 200);
}

struct gate {
    pthread_mutex_t lock; /* held: the worker waits */
    atomic_bool reached;
};

static void wait_at_gate(void *arg, void *context)
{
    struct gate *gate = arg;
    (void)context;
    atomic_store(&gate->reached, true);
    pthread_mutex_lock(&gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void test_full_workers_are_503_at_once(void **state)
{
    struct stage *stage = *state;
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_mutex_lock(&gate.lock);
    bool first = workers_submit(stage->workers, wait_at_gate, &gate);
    while (first && !atomic_load(&gate.reached)) {
    }
    bool second = workers_submit(stage->workers, wait_at_gate, &gate);
    start(stage, "GET /slow", "");
    pthread_mutex_unlock(&gate.lock);
    workers_free(&stage->workers);
    assert_true(first && second);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->exchange.status, 503);
    assert_true(answer_has(stage, "Retry-After: 1\r\n"));
    assert_int_equal(stage->handled, 0);
}

static void test_a_request_that_waited_too_long_is_503_and_never_handled(void **state)
{
    struct stage *stage = *state;
    const struct router_options options = {
        .patience_ms = 0, .log = stage->log, .metrics = stage->metrics};
    router_free(&stage->router);
    stage->router = router_new(&options);
    router_add(stage->router, routes, sizeof routes / sizeof routes[0],
               &(struct route_ground){.state = stage, .workers = stage->workers});
    start(stage, "GET /slow", "");
    loop_run(stage->loop);
    assert_int_equal(stage->exchange.status, 503);
    assert_true(answer_has(stage, "Retry-After: 1\r\n"));
    assert_int_equal(stage->handled, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_path_that_is_in_no_pattern_is_404),
        TEST(test_a_method_that_the_path_lacks_is_405_and_says_which_it_has),
        TEST(test_get_serves_head),
        TEST(test_a_missing_token_is_401),
        TEST(test_a_bad_token_is_401_and_says_so),
        TEST(test_the_internal_key_opens_its_routes_only_when_it_is_exact),
        TEST(test_tokens_of_both_keys_are_good_while_a_key_is_changed),
        TEST(test_both_internal_keys_open_while_a_key_is_changed),
        TEST(test_without_a_configured_key_nothing_opens),
        TEST(test_operators_and_persons_open_their_own_routes_alone),
        TEST(test_a_path_of_another_person_is_403),
        TEST(test_a_user_id_that_is_no_uuid_is_422),
        TEST(test_every_part_of_a_path_is_found),
        TEST(test_a_body_that_is_not_json_is_415),
        TEST(test_a_body_that_may_be_missing_is_json_when_it_is_there),
        TEST(test_a_worker_answers_on_the_loop),
        TEST(test_full_workers_are_503_at_once),
        TEST(test_a_request_that_waited_too_long_is_503_and_never_handled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
