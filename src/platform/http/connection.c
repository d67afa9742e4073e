// SPDX-License-Identifier: Apache-2.0
// A connection is a state machine with one request in flight: bytes that come early wait in
// `pending`. It stays in memory while a handler has its exchange, also when the client is gone;
// after the last of socket and exchange it is freed.
#include "platform/http/connection.h"

#include "platform/clock.h"
#include "platform/memory.h"
#include "platform/unix_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define LINGER_MS 1000     /* for a client to read the last answer while we ignore what it sends */
#define DRAIN_GRACE_MS 500 /* for a request that was sent before its client knew of the drain */
#define NO_DEADLINE UINT64_MAX
#define UNTAKEN_MAX ((size_t)64 * 1024) /* of a stream, beside the bytes on their way */

enum phase {
    PHASE_IDLE,      /* between requests */
    PHASE_RECEIVING, /* a part of a request came */
    PHASE_STREAMING, /* a batch: its reader has the body as it comes */
    PHASE_WORKING,   /* a handler has the exchange */
    PHASE_WRITING,   /* the answer waits for the client to take it */
    PHASE_TELLING,   /* the answer is a stream, and goes on */
    PHASE_LINGERING, /* the last answer is out; what still comes is thrown away */
    PHASE_CLOSING,   /* the socket is being closed */
};

struct connection {
    uv_tcp_t socket;
    uv_write_t write;
    struct connection_host *host;
    struct connection *previous;
    struct connection *next;
    enum phase phase;
    uint64_t deadline_ms;
    int64_t began_us; /* when the request began to come */
    struct parser *parser;
    struct http_exchange exchange;
    char peer[ADDRESS_TEXT_SIZE]; /* the address of the other end */
    bool peer_trusted;
    struct buffer pending; /* bytes after the request in flight */
    struct buffer out;
    bool reading;
    bool consuming; /* connection_consume is on the stack */
    bool last;      /* close after the answer in the making */
    bool no_input;  /* the client sends no more */
    bool broken;    /* the client is gone */
};

static void consume(struct connection *connection, const char *data, size_t length);
static void input_ended(struct connection *connection, bool broken);
static void start_reading(struct connection *connection);
static void hand_to_socket(struct connection *connection, size_t taken);

// ---- the phases

static uint64_t now_ms(const struct connection *connection)
{
    return uv_now(connection->socket.loop);
}

static void enter(struct connection *connection, enum phase phase)
{
    const struct http_server_options *options = &connection->host->options;
    uint64_t lasts = NO_DEADLINE;
    if (phase == PHASE_IDLE) {
        lasts = connection->host->draining ? DRAIN_GRACE_MS : (uint64_t)options->idle_timeout_ms;
    } else if (phase == PHASE_RECEIVING || phase == PHASE_STREAMING) {
        lasts = (uint64_t)options->request_timeout_ms;
    } else if (phase == PHASE_LINGERING) {
        lasts = LINGER_MS;
    }
    connection->phase = phase;
    connection->deadline_ms = lasts == NO_DEADLINE ? lasts : now_ms(connection) + lasts;
}

static void free_connection(struct connection *connection)
{
    struct connection_host *host = connection->host;
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        host->first = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    atomic_fetch_sub(&host->count, 1);
    counter_add(host->open, -1);
    parser_free(&connection->parser);
    exchange_release(&connection->exchange);
    buffer_free(&connection->pending);
    buffer_free(&connection->out);
    free(connection);
}

static void socket_closed(uv_handle_t *handle)
{
    free_connection(handle->data);
}

static void close_now(struct connection *connection)
{
    if (connection->phase != PHASE_CLOSING) {
        enter(connection, PHASE_CLOSING);
        uv_close((uv_handle_t *)&connection->socket, socket_closed);
    }
}

// Closing while bytes of the client are unread would reset the connection and could take the
// answer with it (RFC 9112 section 9.6): so first only our direction ends.
static void linger(struct connection *connection)
{
    int fd = -1;
    bool input_ends = connection->no_input || connection->broken;
    if (input_ends || uv_fileno((uv_handle_t *)&connection->socket, &fd) != 0 ||
        shutdown(fd, SHUT_WR) != 0) {
        close_now(connection);
        return;
    }
    buffer_free(&connection->pending);
    enter(connection, PHASE_LINGERING);
    start_reading(connection);
}

// ---- answering

static bool may_read(const struct connection *connection)
{
    return connection->phase == PHASE_IDLE || connection->phase == PHASE_RECEIVING ||
           (connection->phase == PHASE_STREAMING && !connection->exchange.held);
}

// Goes on with the bytes that had to wait, and with reading.
static void resume(struct connection *connection)
{
    if (connection->consuming) {
        return; /* the loop there goes on with the bytes that it has */
    }
    struct buffer early = connection->pending;
    connection->pending = (struct buffer){0};
    consume(connection, early.data, early.length);
    buffer_free(&early);
    if (may_read(connection)) {
        if (connection->no_input) {
            close_now(connection);
        } else {
            start_reading(connection);
        }
    }
}

static void next_request(struct connection *connection)
{
    parser_next(connection->parser);
    enter(connection, PHASE_IDLE);
    resume(connection);
}

static void count_answer(const struct connection *connection)
{
    const struct connection_host *host = connection->host;
    int status = connection->exchange.status;
    if (status >= 100 && status < 600) {
        counter_add(host->requests[status / 100 - 1], 1);
    }
    histogram_observe(host->seconds, clock_monotonic_us() - connection->began_us);
}

static void answer_is_out(struct connection *connection)
{
    count_answer(connection);
    exchange_clear(&connection->exchange);
    buffer_recycle(&connection->out, HTTP_BUFFER_KEPT);
    if (connection->last) {
        linger(connection);
    } else {
        next_request(connection);
    }
}

// Sends what waits of an answer that goes on: all at once, when nothing is on its way (in `out`).
static void tell(void *arg, struct http_exchange *exchange)
{
    struct connection *connection = arg;
    struct buffer *out = &connection->out;
    if (connection->phase != PHASE_TELLING) {
        return;
    }
    if (out->length == 0 && exchange->body.length > 0) {
        buffer_add(out, exchange->body.data, exchange->body.length);
        buffer_recycle(&exchange->body, HTTP_BUFFER_KEPT);
        hand_to_socket(connection, 0);
    } else if (out->length == 0 && exchange->stream_over) {
        linger(connection);
    } else if (exchange->body.length > UNTAKEN_MAX) {
        close_now(connection);
    }
}

static void write_done(uv_write_t *write, int result)
{
    struct connection *connection = write->data;
    if (connection->phase != PHASE_WRITING && connection->phase != PHASE_TELLING) {
        return; /* it was closed meanwhile */
    }
    if (result != 0) {
        close_now(connection);
    } else if (connection->phase == PHASE_WRITING) {
        answer_is_out(connection);
    } else {
        connection->deadline_ms = NO_DEADLINE;
        buffer_recycle(&connection->out, HTTP_BUFFER_KEPT);
        tell(connection, &connection->exchange);
    }
}

// The client has a request's time to take it.
static void hand_to_socket(struct connection *connection, size_t taken)
{
    const struct buffer *out = &connection->out;
    const uv_buf_t rest = uv_buf_init(out->data + taken, (unsigned)(out->length - taken));
    connection->deadline_ms =
        now_ms(connection) + (uint64_t)connection->host->options.request_timeout_ms;
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->socket, &rest, 1, write_done) !=
        0) {
        close_now(connection);
    }
}

static void write_out(struct connection *connection)
{
    const struct buffer *out = &connection->out;
    const uv_buf_t all = uv_buf_init(out->data, (unsigned)out->length);
    int written = uv_try_write((uv_stream_t *)&connection->socket, &all, 1);
    if (written == (int)out->length) {
        answer_is_out(connection);
        return;
    }
    if (written < 0 && written != UV_EAGAIN) {
        close_now(connection);
        return;
    }
    enter(connection, PHASE_WRITING);
    hand_to_socket(connection, written > 0 ? (size_t)written : 0);
}

static void begin_stream(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    struct buffer head = {0};
    exchange_write(exchange, connection->host->date, ANSWER_STREAMS, &head);
    buffer_free(&exchange->body);
    exchange->body = head;
    connection->last = true;
    count_answer(connection);
    enter(connection, PHASE_TELLING);
    exchange->stream->begun(exchange->stream_arg, exchange);
    exchange->stream_over |= connection->host->draining || connection->no_input;
    tell(connection, exchange);
}

// What http_finish ends in.
static void send_answer(void *arg, struct http_exchange *exchange)
{
    struct connection *connection = arg;
    if (connection->broken) {
        close_now(connection);
        return;
    }
    if (exchange->stream != NULL && exchange->status == 200 && exchange->method != HTTP_HEAD) {
        begin_stream(connection);
        return;
    }
    const struct http_request *request = exchange->request;
    if (!request->keep_alive || connection->no_input || connection->host->draining) {
        connection->last = true;
    }
    enum answer_ending ending = connection->last ? ANSWER_CLOSES
                                : request->old   ? ANSWER_STAYS_OLD
                                                 : ANSWER_STAYS;
    exchange_write(exchange, connection->host->date, ending, &connection->out);
    write_out(connection);
}

// ---- requests

// What http_go_on_with_batch ends in.
static void go_on(void *arg, struct http_exchange *exchange)
{
    struct connection *connection = arg;
    (void)exchange;
    if (connection->phase == PHASE_STREAMING) {
        enter(connection, PHASE_STREAMING); /* what it waited was our time, not the client's */
        resume(connection);
    }
}

static void begin_exchange(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    exchange_begin(exchange, parser_request(connection->parser), &connection->host->random);
    exchange->loop = connection->host->loop;
    exchange->send = send_answer;
    exchange->go_on = go_on;
    exchange->tell = tell;
    exchange->server_arg = connection;
    exchange->peer = connection->peer;
    exchange->peer_trusted = connection->peer_trusted;
    exchange->trusted = connection->host->options.trusted;
    enter(connection, PHASE_WORKING);
}

static void refuse(struct connection *connection, int status, const char *detail)
{
    begin_exchange(connection);
    connection->last = true;
    http_answer_problem(&connection->exchange, status, detail);
    http_finish(&connection->exchange);
}

static void refuse_parsed(struct connection *connection)
{
    const char *detail = NULL;
    int status = parser_refusal(connection->parser, &detail);
    refuse(connection, status, detail);
}

static void handle(struct connection *connection)
{
    const struct http_server_options *options = &connection->host->options;
    begin_exchange(connection);
    options->handle(options->arg, &connection->exchange);
}

static void invite_body(struct connection *connection)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (parser_take_continue(connection->parser)) {
        uv_buf_t line = uv_buf_init(text, sizeof text - 1);
        if (uv_try_write((uv_stream_t *)&connection->socket, &line, 1) != (int)line.len) {
            input_ended(connection, true);
        }
    }
}

static void wait_for_more(struct connection *connection)
{
    if (connection->phase == PHASE_IDLE && parser_has_begun(connection->parser)) {
        enter(connection, PHASE_RECEIVING);
        connection->began_us = clock_monotonic_us();
    }
    invite_body(connection);
}

// ---- batches

// Without a reader (it was refused, say) nobody reads the body, and the connection ends.
static void open_batch(struct connection *connection)
{
    const struct http_server_options *options = &connection->host->options;
    begin_exchange(connection);
    connection->exchange.body_follows = true;
    connection->last = true;
    options->handle(options->arg, &connection->exchange);
    if (connection->phase == PHASE_WORKING && connection->exchange.reader != NULL) {
        connection->last = false;
        enter(connection, PHASE_STREAMING);
        invite_body(connection);
    }
}

static void end_batch(struct connection *connection, int status, const char *detail)
{
    const struct http_exchange *exchange = &connection->exchange;
    connection->last = status != 0;
    enter(connection, PHASE_WORKING);
    exchange->reader->end(exchange->reader_arg, status, detail);
}

// Hands on what has come of the body.
static void stream(struct connection *connection, enum parse_outcome outcome)
{
    const struct http_exchange *exchange = &connection->exchange;
    struct span part = http_body(exchange);
    if (part.length > 0) {
        exchange->reader->part(exchange->reader_arg, part.data, part.length);
        parser_forget_body(connection->parser);
    }
    if (outcome == PARSE_COMPLETE) {
        end_batch(connection, 0, NULL);
    } else if (outcome == PARSE_REFUSED) {
        const char *detail = NULL;
        int status = parser_refusal(connection->parser, &detail);
        end_batch(connection, status, detail);
    }
}

// ---- bytes

static void put_off(struct connection *connection, const char *data, size_t length)
{
    buffer_add(&connection->pending, data, length);
    uv_read_stop((uv_stream_t *)&connection->socket);
    connection->reading = false;
}

// Reads requests out of the bytes and has them handled. A handler may finish before it returns:
// then the next request follows here, not one level deeper on the stack.
static void consume(struct connection *connection, const char *data, size_t length)
{
    connection->consuming = true;
    while (length > 0) {
        if (connection->phase == PHASE_WORKING || connection->phase == PHASE_WRITING ||
            (connection->phase == PHASE_STREAMING && connection->exchange.held)) {
            put_off(connection, data, length);
            break;
        }
        if (!may_read(connection)) {
            break;
        }
        size_t used = 0;
        enum parse_outcome outcome = parser_feed(connection->parser, data, length, &used);
        data += used;
        length -= used;
        if (connection->phase == PHASE_STREAMING) {
            stream(connection, outcome);
            continue;
        }
        if (outcome == PARSE_MORE) {
            wait_for_more(connection);
            continue;
        }
        if (connection->phase == PHASE_IDLE) {
            connection->began_us = clock_monotonic_us();
        }
        if (outcome == PARSE_COMPLETE) {
            handle(connection);
        } else if (outcome == PARSE_BATCH) {
            open_batch(connection);
        } else {
            refuse_parsed(connection);
        }
    }
    connection->consuming = false;
}

// ---- reading

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *ret = uv_buf_init(connection->host->input, READ_BUFFER_SIZE);
}

static void input_ended(struct connection *connection, bool broken)
{
    connection->no_input = true;
    connection->broken = broken;
    connection->reading = false;
    uv_read_stop((uv_stream_t *)&connection->socket);
    if (connection->phase == PHASE_STREAMING) {
        end_batch(connection, 400, "The body is not complete.");
        return;
    }
    // A client may close its direction and still wait for its answer.
    if (connection->phase == PHASE_WORKING || (connection->phase == PHASE_WRITING && !broken)) {
        return;
    }
    close_now(connection);
}

static void was_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *input)
{
    struct connection *connection = stream->data;
    if (length < 0) {
        input_ended(connection, length != UV_EOF);
    } else if (length > 0 && connection->phase != PHASE_LINGERING) {
        consume(connection, input->base, (size_t)length);
    }
}

static void start_reading(struct connection *connection)
{
    if (!connection->reading) {
        connection->reading = true;
        uv_read_start((uv_stream_t *)&connection->socket, lend_buffer, was_read);
    }
}

// ---- for the server

static void learn_peer(struct connection *connection, int socket)
{
    struct sockaddr_storage from = {0};
    socklen_t length = sizeof from;
    if (getpeername(socket, (struct sockaddr *)&from, &length) != 0) {
        return;
    }
    if (from.ss_family == AF_UNIX) {
        snprintf(connection->peer, sizeof connection->peer, UNIX_SCHEME);
    } else {
        uv_ip_name((struct sockaddr *)&from, connection->peer, sizeof connection->peer);
    }
    connection->peer_trusted = proxies_have(connection->host->options.trusted, connection->peer);
}

void connection_open(struct connection_host *host, int socket)
{
    struct connection *connection = memory_zeroed(1, sizeof *connection);
    uv_tcp_init(loop_handle(host->loop), &connection->socket);
    connection->socket.data = connection;
    connection->host = host;
    learn_peer(connection, socket);
    connection->parser = parser_new(&(struct parser_limits){
        .body = host->options.maximum_body,
        .batch = host->options.maximum_batch,
    });
    connection->next = host->first;
    if (host->first != NULL) {
        host->first->previous = connection;
    }
    host->first = connection;
    counter_add(host->open, 1);
    enter(connection, PHASE_IDLE);
    if (uv_tcp_open(&connection->socket, socket) != 0) {
        close(socket);
        close_now(connection);
        return;
    }
    start_reading(connection);
}

void connections_expire(struct connection_host *host, uint64_t now)
{
    static const char late[] = "The request did not arrive in time.";
    struct connection *next = NULL;
    for (struct connection *at = host->first; at != NULL; at = next) {
        next = at->next;
        if (at->deadline_ms > now) {
            continue;
        }
        if (at->phase == PHASE_RECEIVING) {
            refuse(at, 408, late);
        } else if (at->phase == PHASE_STREAMING) {
            end_batch(at, 408, late);
        } else {
            close_now(at);
        }
    }
}

void connections_drain(struct connection_host *host)
{
    host->draining = true;
    for (struct connection *at = host->first; at != NULL; at = at->next) {
        if (at->phase == PHASE_IDLE) {
            enter(at, PHASE_IDLE);
        } else if (at->phase == PHASE_TELLING) {
            http_stream_end(&at->exchange);
        }
    }
}

void connections_abandon(struct connection_host *host)
{
    struct connection *next = NULL;
    for (struct connection *at = host->first; at != NULL; at = next) {
        next = at->next;
        close_now(at);
    }
}
