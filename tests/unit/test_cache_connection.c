// SPDX-License-Identifier: Apache-2.0
// Signals while a connection to a slow server is made: hiredis gives up at each, we do not.
#include "platform/cache/connection.h"
#include "platform/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define FILLERS 2 /* connections that a backlog of 0 holds, and one more */
#define SIGNAL_EVERY_US 5000
#define SIGNALS_FIRST 6 /* fewer than 40 ms of them, after which hiredis itself gives up */
#define PATIENCE_MS 5000

static atomic_int signals; /* counted by one thread, read by another */

static void count_signal(int number)
{
    (void)number;
    signals++;
}

struct server {
    int listener;
    int port;
    int fillers[FILLERS];
    int end; /* errno when the client went */
};

static struct sockaddr_in listen_somewhere(struct server *server, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_return_code(listen(server->listener, backlog), 0);
    assert_return_code(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    return address;
}

// Whose backlog is full: the next who connects must wait.
static void open_server(struct server *server)
{
    const struct sockaddr_in address = listen_somewhere(server, 0);
    const socklen_t size = sizeof address;
    for (int i = 0; i < FILLERS; i++) {
        server->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(connect(server->fillers[i], (struct sockaddr *)&address, size), -1);
        assert_int_equal(errno, EINPROGRESS);
    }
}

static void close_server(const struct server *server)
{
    close(server->listener);
    for (int i = 0; i < FILLERS; i++) {
        close(server->fillers[i]);
    }
}

// Answers the question with which a connection begins. Those that never ask are only accepted.
static void *serve_after_some_signals(void *arg)
{
    const struct server *server = arg;
    while (signals < SIGNALS_FIRST) {
        usleep(1000);
    }
    char question[64];
    ssize_t length = 0;
    while (length <= 0) {
        const int client = accept(server->listener, NULL, NULL);
        const struct timeval patience = {.tv_usec = 20000};
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        length = recv(client, question, sizeof question, 0);
        if (length > 0) {
            send(client, "+PONG\r\n", 7, MSG_NOSIGNAL);
            recv(client, question, sizeof question, 0);
        }
        close(client);
    }
    return NULL;
}

// The signals are for the thread that connects.
static pthread_t start(void *(*run)(void *), struct server *server)
{
    pthread_t thread;
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    assert_int_equal(pthread_create(&thread, NULL, run, server), 0);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    return thread;
}

static void send_signals(suseconds_t every_us)
{
    const struct sigaction action = {.sa_handler = count_signal};
    const struct itimerval timer = {{.tv_usec = every_us}, {.tv_usec = every_us}};
    assert_return_code(sigaction(SIGALRM, &action, NULL), 0);
    assert_return_code(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void test_signals_do_not_end_an_attempt(void **state)
{
    (void)state;
    struct server server;
    open_server(&server);
    const pthread_t thread = start(serve_after_some_signals, &server);
    send_signals(SIGNAL_EVERY_US);
    struct cache_address address = {.host = "127.0.0.1", .port = server.port};
    struct cache_connection *connection =
        cache_connect(&address, clock_monotonic_ms() + PATIENCE_MS);
    send_signals(0);
    assert_null(cache_connection_error(connection));
    assert_true(signals >= SIGNALS_FIRST);
    cache_disconnect(&connection);
    pthread_join(thread, NULL);
    close_server(&server);
}

// Greets, takes what comes then, and answers nothing; *arg tells what it sees of the end.
static void *serve_silence(void *arg)
{
    struct server *server = arg;
    char bytes[64];
    const int client = accept(server->listener, NULL, NULL);
    recv(client, bytes, sizeof bytes, 0);
    send(client, "+PONG\r\n", 7, MSG_NOSIGNAL);
    while (recv(client, bytes, sizeof bytes, 0) > 0) {
    }
    server->end = errno;
    close(client);
    return NULL;
}

// The kernel would go on to send what had no answer, past what is sent over a later connection.
static void test_what_had_no_answer_is_not_sent_any_more(void **state)
{
    (void)state;
    struct server server = {0};
    listen_somewhere(&server, 1);
    const pthread_t thread = start(serve_silence, &server);
    struct cache_address address = {.host = "127.0.0.1", .port = server.port};
    struct cache_connection *connection =
        cache_connect(&address, clock_monotonic_ms() + PATIENCE_MS);
    assert_null(cache_connection_error(connection));
    struct cache_command command = {0};
    cache_command_add(&command, "SET", 3);
    assert_null(cache_ask(connection, &command, clock_monotonic_ms() + 1));
    cache_disconnect(&connection);
    pthread_join(thread, NULL);
    assert_int_equal(server.end, ECONNRESET);
    close(server.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_had_no_answer_is_not_sent_any_more),
        cmocka_unit_test(test_signals_do_not_end_an_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
