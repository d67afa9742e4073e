// SPDX-License-Identifier: Apache-2.0
// The listening socket of a server and its one coarse timer. Connections are accepted by hand, so
// that those beyond the limits wait in the kernel's queue. Everything here is on the loop's thread;
// a connection for a server on another loop is posted there.
#include "platform/http/server.h"

#include "platform/http/connection.h"
#include "platform/http/unix_listener.h"
#include "platform/memory.h"
#include "platform/unix_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define TICK_MS 100        /* of the deadlines, and of trying again when there are no files */
#define ACCEPTS_A_ROUND 64 /* so that a flood of connections does not starve those open */
#define BACKLOG 4096
#define UNACKNOWLEDGED_MAX_MS 30000 /* then the client has vanished */
#define ADDRESS_SIZE 256

enum accepting {
    ACCEPTING,
    FULL,         /* at the maximum of connections */
    OUT_OF_FILES, /* the process or the system may open no more */
    STOPPED,      /* no listening socket: another server's gives it connections, or it is closed */
};

struct http_server {
    struct connection_host host;
    struct http_server *sharing; /* the next of those that share the address, or NULL */
    char *address;
    enum accepting accepting;
    int listener; /* unless STOPPED */
    uv_poll_t poll;
    uv_timer_t tick;
    bool closed;
    time_t dated;
    int handles; /* of libuv, not yet closed */
};

static void may_accept(uv_poll_t *poll, int status, int events);

// ---- accepting

static size_t count_all(const struct http_server *server)
{
    size_t count = 0;
    for (; server != NULL; server = server->sharing) {
        count += http_server_connections(server);
    }
    return count;
}

static void log_change(const struct http_server *server, enum accepting to)
{
    const struct http_server_options *options = &server->host.options;
    const struct log_field fields[] = {
        LOG_TEXT("address", options->address), LOG_NUMBER("connections", count_all(server)), {0}};
    if (to == FULL) {
        log_write(options->log, LOG_WARNING, "connection limit reached, new ones wait", fields);
    } else if (to == OUT_OF_FILES) {
        log_write(options->log, LOG_WARNING, "out of file descriptors, new ones wait", fields);
    } else if (to == ACCEPTING) {
        log_write(options->log, LOG_INFO, "accepting connections again", fields);
    }
}

static void set_accepting(struct http_server *server, enum accepting state)
{
    enum accepting before = server->accepting;
    if (before == state || before == STOPPED) {
        return;
    }
    log_change(server, state);
    server->accepting = state;
    if (state == ACCEPTING) {
        uv_poll_start(&server->poll, UV_READABLE, may_accept);
    } else if (before == ACCEPTING) {
        uv_poll_stop(&server->poll);
    }
}

static bool is_lack_of_files(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// A socket on its way to the loop of its server.
struct dealt {
    struct http_server *server;
    int socket;
};

static void take_dealt(void *arg)
{
    struct dealt *dealt = arg;
    if (dealt->server->closed) {
        close(dealt->socket);
        atomic_fetch_sub(&dealt->server->host.count, 1);
    } else {
        connection_open(&dealt->server->host, dealt->socket);
    }
    free(dealt);
}

// Connections live long, and a loop that got more of them would be the only one at work.
static struct http_server *find_least_busy(struct http_server *first)
{
    struct http_server *least = first;
    for (struct http_server *at = first->sharing; at != NULL; at = at->sharing) {
        least = http_server_connections(at) < http_server_connections(least) ? at : least;
    }
    return least;
}

static void deal(struct http_server *first, int socket)
{
    struct http_server *server = find_least_busy(first);
    atomic_fetch_add(&server->host.count, 1);
    if (server == first) {
        connection_open(&first->host, socket);
        return;
    }
    struct dealt *dealt = memory_new(sizeof *dealt);
    *dealt = (struct dealt){server, socket};
    loop_post(server->host.loop, take_dealt, dealt);
}

static void accept_some(struct http_server *server, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        if (count_all(server) >= server->host.options.maximum_connections) {
            set_accepting(server, FULL);
            return;
        }
        int socket = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) {
            deal(server, socket);
        } else if (is_lack_of_files(errno)) {
            set_accepting(server, OUT_OF_FILES);
            return;
        } else if (errno == EAGAIN) {
            break;
        }
        // Any other error is that of one connection, which is gone.
    }
    set_accepting(server, ACCEPTING);
}

static void may_accept(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    accept_some(poll->data, ACCEPTS_A_ROUND);
}

// A sixteenth must be free again, or one client more or less would change the state all the time.
static bool has_room_again(const struct http_server *server)
{
    size_t maximum = server->host.options.maximum_connections;
    return count_all(server) < maximum - maximum / 16;
}

// ---- the timer

static void set_date(struct http_server *server)
{
    time_t now = time(NULL);
    struct tm utc;
    if (now != server->dated && gmtime_r(&now, &utc) != NULL) {
        server->dated = now;
        // IMF-fixdate of RFC 9110 section 5.6.7; the C locale's names are the right ones.
        strftime(server->host.date, sizeof server->host.date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
                 &utc);
    }
}

static void tick(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    set_date(server);
    connections_expire(&server->host, uv_now(timer->loop));
    if (server->accepting == OUT_OF_FILES ||
        (server->accepting == FULL && has_room_again(server))) {
        accept_some(server, ACCEPTS_A_ROUND);
    }
}

// ---- listening

static bool split_address(const char *address, char host[ADDRESS_SIZE], const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon != NULL ? (size_t)(colon - address) : 0;
    if (colon == NULL || colon[1] == '\0' || length >= ADDRESS_SIZE) {
        return false;
    }
    if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int listen_on(const struct addrinfo *at)
{
    int yes = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    const unsigned unacknowledged_ms = UNACKNOWLEDGED_MAX_MS;
    // Accepted sockets inherit both options.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                   sizeof unacknowledged_ms) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_tcp_listener(const char *address, char error[static HTTP_ERROR_SIZE])
{
    char host[ADDRESS_SIZE];
    const char *port = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (!split_address(address, host, &port)) {
        snprintf(error, HTTP_ERROR_SIZE, "cannot listen on %s: write host:port", address);
        return -1;
    }
    int failed = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (failed != 0) {
        snprintf(error, HTTP_ERROR_SIZE, "cannot listen on %s: %s", address, gai_strerror(failed));
        return -1;
    }
    int fd = listen_on(found);
    if (fd < 0) {
        snprintf(error, HTTP_ERROR_SIZE, "cannot listen on %s: %s", address, strerror(errno));
    }
    freeaddrinfo(found);
    return fd;
}

static int open_listener(const char *address, char error[static HTTP_ERROR_SIZE])
{
    const char *path = unix_address_path(address);
    if (path == NULL) {
        return open_tcp_listener(address, error);
    }
    int fd = unix_listener_open(path, BACKLOG);
    if (fd < 0) {
        snprintf(error, HTTP_ERROR_SIZE, "cannot listen on %s: %s", address, strerror(errno));
    }
    return fd;
}

static void close_listener(int listener, const char *address)
{
    const char *path = unix_address_path(address);
    if (path == NULL) {
        close(listener);
    } else {
        unix_listener_close(listener, path);
    }
}

// ---- life

static void make_metrics(struct connection_host *host, struct metrics *metrics)
{
    static const char *const labels[STATUS_CLASSES] = {
        "status=\"1xx\"", "status=\"2xx\"", "status=\"3xx\"", "status=\"4xx\"", "status=\"5xx\""};
    for (size_t i = 0; i < STATUS_CLASSES; i++) {
        host->requests[i] = metrics_counter(metrics, "ecs_http_requests_total", labels[i],
                                            "HTTP requests answered, by class of status.");
    }
    host->open = metrics_gauge(metrics, "ecs_http_connections", NULL, "Open HTTP connections.");
    host->seconds = metrics_histogram(metrics, "ecs_http_request_seconds", NULL,
                                      "From the first byte of a request to the end of its answer.");
}

static void start_listening(struct http_server *server, int listener)
{
    server->listener = listener;
    uv_poll_init(loop_handle(server->host.loop), &server->poll, listener);
    uv_poll_start(&server->poll, UV_READABLE, may_accept);
    server->poll.data = server;
    server->handles++;
}

static void start_ticking(struct http_server *server)
{
    uv_timer_init(loop_handle(server->host.loop), &server->tick);
    uv_timer_start(&server->tick, tick, TICK_MS, TICK_MS);
    server->tick.data = server;
    server->handles++;
}

static struct http_server *new_server(struct loop *loop, const struct http_server_options *options)
{
    struct http_server *server = memory_zeroed(1, sizeof *server);
    server->host.options = *options;
    server->address = memory_copy_text(options->address);
    server->host.options.address = server->address;
    server->host.loop = loop;
    make_metrics(&server->host, options->metrics);
    set_date(server);
    start_ticking(server);
    return server;
}

struct http_server *http_server_start(struct loop *loop, const struct http_server_options *options,
                                      char error[static HTTP_ERROR_SIZE])
{
    int listener = open_listener(options->address, error);
    if (listener < 0) {
        return NULL;
    }
    struct http_server *server = new_server(loop, options);
    start_listening(server, listener);
    return server;
}

struct http_server *http_server_share(struct http_server *first, struct loop *loop, void *arg)
{
    struct http_server *server = new_server(loop, &first->host.options);
    server->host.options.arg = arg;
    server->accepting = STOPPED;
    server->sharing = first->sharing;
    first->sharing = server;
    return server;
}

static void handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->handles--;
}

static void stop_listening(struct http_server *server)
{
    if (server->accepting != STOPPED) {
        set_accepting(server, STOPPED);
        uv_close((uv_handle_t *)&server->poll, handle_closed);
        close_listener(server->listener, server->address);
    }
}

void http_server_drain(struct http_server *server)
{
    // Whoever is in the kernel's queue was promised a connection.
    if (server->accepting == ACCEPTING) {
        accept_some(server, BACKLOG);
    }
    stop_listening(server);
    connections_drain(&server->host);
}

size_t http_server_connections(const struct http_server *server)
{
    return atomic_load(&server->host.count);
}

void http_server_close(struct http_server *server)
{
    if (server->closed) {
        return;
    }
    server->closed = true;
    stop_listening(server);
    uv_close((uv_handle_t *)&server->tick, handle_closed);
    connections_abandon(&server->host);
}

void http_server_free(struct http_server **server)
{
    struct http_server *old = *server;
    if (old == NULL) {
        return;
    }
    http_server_close(old);
    while (old->handles > 0 || http_server_connections(old) > 0) {
        uv_run(loop_handle(old->host.loop), UV_RUN_NOWAIT);
    }
    free(old->address);
    free(old);
    *server = NULL;
}
