// SPDX-License-Identifier: Apache-2.0
// A server that shares its address with one on another loop, and answers that go on. The test runs
// the loops itself, a round at a time, so that what happens in which order is its own choice.
#include "platform/http/server.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define ENOUGH_ROUNDS 8

static char folder[32];
static char address[64];

struct stage {
    struct log *log;
    struct metrics *metrics;
    struct loop *loops[2];
    struct http_server *servers[2];
    int clients[CLIENTS_MAX];
    size_t client_count;
};

// ---- an answer that goes on

static struct {
    struct http_exchange *exchange; /* NULL: none has begun, or it has ended */
    size_t ended;
} going_on;

static void begun(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    going_on.exchange = exchange;
}

static void ended(void *arg)
{
    (void)arg;
    going_on.exchange = NULL;
    going_on.ended++;
}

// ---- requests

static void answer_name(void *arg, struct http_exchange *exchange)
{
    static const struct http_stream calls = {begun, ended};
    const char *name = arg;
    if (strcmp(http_path(exchange), "/stream") == 0) {
        http_answer_stream(exchange, "text/event-stream", &calls, NULL);
        http_finish(exchange);
        return;
    }
    http_answer_bytes(exchange, 200, "text/plain", name, strlen(name));
    http_finish(exchange);
}

static int set_up_with(void **state, size_t maximum_connections)
{
    static struct stage stage;
    stage = (struct stage){.log = log_open("test", LOG_ERROR, LOG_AS_TEXT),
                           .metrics = metrics_new(),
                           .loops = {loop_new(), loop_new()}};
    snprintf(folder, sizeof folder, "/tmp/ecs-server-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(address, sizeof address, "unix:%s/s.sock", folder);
    char error[HTTP_ERROR_SIZE];
    stage.servers[0] = http_server_start(stage.loops[0],
                                         &(struct http_server_options){
                                             .address = address,
                                             .handle = answer_name,
                                             .arg = "first",
                                             .maximum_connections = maximum_connections,
                                             .maximum_body = 1024,
                                             .maximum_batch = 1024,
                                             .request_timeout_ms = 10000,
                                             .idle_timeout_ms = 10000,
                                             .log = stage.log,
                                             .metrics = stage.metrics,
                                         },
                                         error);
    if (stage.servers[0] == NULL) {
        return -1;
    }
    stage.servers[1] = http_server_share(stage.servers[0], stage.loops[1], "second");
    *state = &stage;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 1000);
}

static int set_up_for_four(void **state)
{
    return set_up_with(state, 4);
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < stage->client_count; i++) {
        close(stage->clients[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        http_server_close(stage->servers[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        http_server_free(&stage->servers[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        loop_free(&stage->loops[i]);
    }
    metrics_free(&stage->metrics);
    log_close(&stage->log);
    return rmdir(folder);
}

static int join(struct stage *stage)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", address + strlen("unix:"));
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&at, sizeof at), 0);
    assert_true(stage->client_count < CLIENTS_MAX);
    stage->clients[stage->client_count++] = client;
    return client;
}

static void hang_up(struct stage *stage, size_t client)
{
    close(stage->clients[client]);
    stage->clients[client] = -1;
}

static void run(struct stage *stage, size_t which)
{
    for (int round = 0; round < ENOUGH_ROUNDS; round++) {
        loop_run_once(stage->loops[which]);
    }
}

static void run_both(struct stage *stage)
{
    run(stage, 0);
    run(stage, 1);
}

static void assert_connections(const struct stage *stage, size_t first, size_t second)
{
    assert_int_equal(http_server_connections(stage->servers[0]), first);
    assert_int_equal(http_server_connections(stage->servers[1]), second);
}

static size_t count_all(const struct stage *stage)
{
    return http_server_connections(stage->servers[0]) + http_server_connections(stage->servers[1]);
}

static void ask_for(int client, const char *line)
{
    char request[128];
    const int length = snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: h\r\n\r\n", line);
    assert_int_equal(send(client, request, (size_t)length, MSG_NOSIGNAL), length);
}

static void ask(int client)
{
    ask_for(client, "GET /");
}

// What came; "" when the connection has ended.
static const char *received(int client)
{
    static char answer[1024];
    const ssize_t length = recv(client, answer, sizeof answer - 1, 0);
    assert_true(length >= 0);
    answer[length] = '\0';
    return answer;
}

// Whose answer came: the name of a server.
static const char *heard(int client)
{
    const char *answer = received(client);
    const char *body = strstr(answer, "\r\n\r\n");
    return body != NULL ? body + 4 : answer;
}

static void test_a_connection_goes_to_the_loop_that_has_the_fewest(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < 6; i++) {
        join(stage);
    }
    run_both(stage);
    assert_connections(stage, 3, 3);
    size_t of_second = 0;
    for (size_t i = 0; i < stage->client_count; i++) {
        ask(stage->clients[i]);
        run_both(stage);
        if (strcmp(heard(stage->clients[i]), "second") == 0 && of_second++ < 2) {
            hang_up(stage, i);
        }
    }
    run_both(stage);
    assert_int_equal(of_second, 3);
    assert_connections(stage, 3, 1);
    join(stage);
    join(stage);
    run_both(stage);
    assert_connections(stage, 3, 3);
}

static void test_the_limit_is_of_all_loops_together(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < 7; i++) {
        join(stage);
    }
    run_both(stage);
    assert_connections(stage, 2, 2);
    ask(stage->clients[0]);
    run_both(stage);
    const bool first = strcmp(heard(stage->clients[0]), "first") == 0;
    hang_up(stage, 0);
    run_both(stage);
    assert_connections(stage, first ? 1 : 2, first ? 2 : 1);
    for (int i = 0; i < 1000 && count_all(stage) < 4; i++) {
        usleep(10000); // the server looks again now and then
        run_both(stage);
    }
    assert_connections(stage, 2, 2);
}

static void test_a_request_that_waits_for_its_loop_is_answered_when_all_end(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < 2; i++) {
        ask(join(stage));
    }
    http_server_drain(stage->servers[0]);
    assert_connections(stage, 1, 1);
    http_server_drain(stage->servers[1]);
    run_both(stage);
    assert_string_equal(heard(stage->clients[0]), "first");
    assert_string_equal(heard(stage->clients[1]), "second");
    hang_up(stage, 0);
    hang_up(stage, 1);
    run_both(stage);
    assert_connections(stage, 0, 0);
}

static void test_a_socket_on_its_way_is_closed_when_its_server_is(void **state)
{
    struct stage *stage = *state;
    join(stage);
    join(stage);
    run(stage, 0);
    assert_connections(stage, 1, 1);
    http_server_close(stage->servers[0]);
    http_server_close(stage->servers[1]);
    run_both(stage);
    assert_connections(stage, 0, 0);
    assert_string_equal(heard(stage->clients[1]), "");
}

static void add(const char *text)
{
    assert_non_null(going_on.exchange);
    http_stream_add(going_on.exchange, text, strlen(text));
}

// A client that has the head of an answer that goes on.
static int follow(struct stage *stage)
{
    going_on.ended = 0;
    const int client = join(stage);
    ask_for(client, "GET /stream");
    run_both(stage);
    assert_non_null(going_on.exchange);
    return client;
}

static void test_an_answer_that_goes_on_has_no_length_and_comes_by_parts(void **state)
{
    struct stage *stage = *state;
    const int client = follow(stage);
    const char *head = received(client);
    assert_non_null(strstr(head, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(head, "Connection: close\r\n"));
    assert_null(strstr(head, "Content-Length"));
    add("one ");
    add("two");
    run_both(stage);
    assert_string_equal(received(client), "one two");
    add("three");
    http_stream_end(going_on.exchange);
    http_stream_add(going_on.exchange, "four", 4);
    run_both(stage);
    assert_string_equal(received(client), "three");
    assert_string_equal(received(client), "");
    assert_int_equal(going_on.ended, 0);
    hang_up(stage, 0);
    run_both(stage);
    assert_int_equal(going_on.ended, 1);
}

static void test_an_answer_that_goes_on_ends_when_its_client_goes(void **state)
{
    struct stage *stage = *state;
    follow(stage);
    hang_up(stage, 0);
    run_both(stage);
    assert_int_equal(going_on.ended, 1);
    assert_connections(stage, 0, 0);
}

static void test_a_client_that_takes_nothing_is_cut_off(void **state)
{
    struct stage *stage = *state;
    static char part[16 * 1024];
    memset(part, 'x', sizeof part);
    follow(stage);
    size_t parts = 0;
    while (going_on.exchange != NULL && parts < 1000) {
        http_stream_add(going_on.exchange, part, sizeof part);
        run_both(stage);
        parts++;
    }
    assert_int_equal(going_on.ended, 1);
    assert_connections(stage, 0, 0);
}

static void test_answers_that_go_on_end_with_the_server(void **state)
{
    struct stage *stage = *state;
    const int client = follow(stage);
    received(client);
    add("the last");
    http_server_drain(stage->servers[0]);
    run_both(stage);
    assert_string_equal(received(client), "the last");
    assert_string_equal(received(client), "");
    hang_up(stage, 0);
    run_both(stage);
    assert_int_equal(going_on.ended, 1);
}

static void test_head_of_an_answer_that_goes_on_is_all_there_is(void **state)
{
    struct stage *stage = *state;
    going_on.ended = 0;
    const int client = join(stage);
    ask_for(client, "HEAD /stream");
    run_both(stage);
    assert_int_equal(going_on.ended, 1);
    assert_non_null(strstr(received(client), "Content-Type: text/event-stream\r\n"));
    ask(client);
    run_both(stage);
    assert_string_equal(heard(client), "first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_connection_goes_to_the_loop_that_has_the_fewest,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_limit_is_of_all_loops_together, set_up_for_four,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_request_that_waits_for_its_loop_is_answered_when_all_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_socket_on_its_way_is_closed_when_its_server_is,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_answer_that_goes_on_has_no_length_and_comes_by_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_that_goes_on_ends_when_its_client_goes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_takes_nothing_is_cut_off, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_answers_that_go_on_end_with_the_server, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_head_of_an_answer_that_goes_on_is_all_there_is, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
