// SPDX-License-Identifier: Apache-2.0
// One connection for all readers of a loop; Redis answers in the order in which it was asked, so
// who waits stands in a queue. Connecting may wait for a name and an answer, so it happens on a
// thread of libuv's pool.
#include "platform/cache/reader.h"

#include "platform/cache/connection.h"
#include "platform/cache/health.h"
#include "platform/cache/url.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define QUEUE_MIN 64

struct asked {
    cache_read_fn *done;
    void *arg;
    int64_t deadline_ms;
};

// A ring; `capacity` is a power of two.
struct queue {
    struct asked *items;
    size_t first;
    size_t count;
    size_t capacity;
};

struct connecting {
    uv_work_t work;
    struct cache_reader *reader; /* NULL: it is gone */
    struct cache_address address;
    struct cache_connection *made;
};

struct cache_reader {
    struct loop *loop;
    bool enabled;
    struct cache_address address;
    struct cache_health *health;
    struct connecting *connecting;       /* NULL: nobody is */
    struct cache_connection *connection; /* NULL: not connected */
    uv_poll_t *poll;                     /* of its socket */
    struct loop_hook *hook;
    uv_timer_t *timer; /* runs while somebody waits */
    bool unwritten;
    struct queue queue;
};

// ---- who waits

static void queue_add(struct queue *queue, const struct asked *asked)
{
    if (queue->count == queue->capacity) {
        struct queue grown = {.capacity = queue->capacity > 0 ? queue->capacity * 2 : QUEUE_MIN};
        grown.items = memory_zeroed(grown.capacity, sizeof *grown.items);
        for (size_t i = 0; i < queue->count; i++) {
            grown.items[i] = queue->items[(queue->first + i) & (queue->capacity - 1)];
        }
        grown.count = queue->count;
        free(queue->items);
        *queue = grown;
    }
    queue->items[(queue->first + queue->count++) & (queue->capacity - 1)] = *asked;
}

static struct asked queue_take(struct queue *queue)
{
    struct asked taken = queue->items[queue->first];
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    return taken;
}

static void tell_first(struct cache_reader *reader, const char *value, size_t length)
{
    const struct asked asked = queue_take(&reader->queue);
    asked.done(asked.arg, value, length);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_connection(struct cache_reader *reader)
{
    if (reader->poll != NULL) {
        uv_close((uv_handle_t *)reader->poll, free_handle);
        reader->poll = NULL;
    }
    cache_disconnect(&reader->connection);
    reader->unwritten = false;
}

// What is asked for meanwhile finds no connection, and does not wait.
static void give_up(struct cache_reader *reader, const char *why)
{
    health_failed(reader->health, why); // `why` may stand in the connection
    close_connection(reader);
    while (reader->queue.count > 0) {
        tell_first(reader, NULL, 0);
    }
}

// ---- answers

static bool is_answer(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL;
}

// False after giving up.
static bool take_reply(struct cache_reader *reader, const redisReply *reply)
{
    if (reader->queue.count == 0) {
        give_up(reader, "an answer that nobody asked for");
        return false;
    }
    if (!is_answer(reply)) {
        give_up(reader,
                reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of the wrong kind");
        return false;
    }
    health_answered(reader->health);
    const bool found = reply->type == REDIS_REPLY_STRING;
    tell_first(reader, found ? reply->str : NULL, found ? reply->len : 0);
    return true;
}

static void take_replies(struct cache_reader *reader)
{
    redisReply *reply = cache_next_reply(reader->connection);
    while (reply != NULL) {
        const bool good = take_reply(reader, reply);
        freeReplyObject(reply);
        if (!good) {
            return;
        }
        reply = cache_next_reply(reader->connection);
    }
    if (cache_connection_error(reader->connection) != NULL) {
        give_up(reader, cache_connection_error(reader->connection));
    }
}

// ---- the socket

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct cache_reader *reader = poll->data;
    if (status < 0) {
        give_up(reader, uv_strerror(status));
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        uv_poll_start(poll, UV_READABLE, socket_ready);
        reader->unwritten = true; // the round's end goes on
    }
    if ((events & UV_READABLE) == 0) {
        return;
    }
    if (cache_read(reader->connection)) {
        take_replies(reader);
    } else if (reader->queue.count > 0) {
        give_up(reader, cache_connection_error(reader->connection));
    } else {
        close_connection(reader); // the end of an idle connection says nothing of Redis
    }
}

static void write_what_waits(struct cache_reader *reader)
{
    bool all = false;
    reader->unwritten = false;
    if (!cache_write(reader->connection, &all)) {
        give_up(reader, cache_connection_error(reader->connection));
    } else if (!all) {
        uv_poll_start(reader->poll, UV_READABLE | UV_WRITABLE, socket_ready);
    }
}

static void on_round_end(void *arg)
{
    struct cache_reader *reader = arg;
    if (reader->unwritten) {
        write_what_waits(reader);
    }
}

// ---- the deadline

static void look_at_deadline(uv_timer_t *timer)
{
    struct cache_reader *reader = timer->data;
    if (reader->queue.count == 0) {
        return;
    }
    const int64_t left_ms =
        reader->queue.items[reader->queue.first].deadline_ms - clock_monotonic_ms();
    if (left_ms <= 0) {
        give_up(reader, "no answer in time");
    } else {
        uv_timer_start(timer, look_at_deadline, (uint64_t)left_ms, 0);
    }
}

// ---- connecting

static void connect_now(uv_work_t *work)
{
    struct connecting *connecting = work->data;
    connecting->made =
        cache_connect(&connecting->address, clock_monotonic_ms() + CACHE_OPERATION_MS);
}

static void use_connection(struct cache_reader *reader, struct cache_connection *connection)
{
    reader->connection = connection;
    if (cache_connection_error(connection) == NULL) {
        cache_connection_unblock(connection);
    }
    if (cache_connection_error(connection) != NULL) {
        give_up(reader, cache_connection_error(connection));
        return;
    }
    health_answered(reader->health);
    reader->poll = memory_zeroed(1, sizeof *reader->poll);
    reader->poll->data = reader;
    uv_poll_init(loop_handle(reader->loop), reader->poll, cache_connection_socket(connection));
    uv_poll_start(reader->poll, UV_READABLE, socket_ready);
}

static void connected(uv_work_t *work, int status)
{
    struct connecting *connecting = work->data;
    struct cache_reader *reader = connecting->reader;
    (void)status; // nobody cancels it
    if (reader != NULL) {
        reader->connecting = NULL;
        use_connection(reader, connecting->made);
    } else {
        cache_disconnect(&connecting->made);
    }
    explicit_bzero(&connecting->address, sizeof connecting->address);
    free(connecting);
}

static void begin_connecting(struct cache_reader *reader)
{
    struct connecting *connecting = memory_zeroed(1, sizeof *connecting);
    connecting->work.data = connecting;
    connecting->reader = reader;
    connecting->address = reader->address;
    reader->connecting = connecting;
    uv_queue_work(loop_handle(reader->loop), &connecting->work, connect_now, connected);
}

// ---- reading

void cache_reader_get(struct cache_reader *reader, const char *key, cache_read_fn *done, void *arg)
{
    if (reader->connection == NULL) {
        if (reader->enabled && reader->connecting == NULL && health_allows(reader->health)) {
            begin_connecting(reader);
        }
        done(arg, NULL, 0);
        return;
    }
    struct cache_command command = {0};
    cache_command_add(&command, "GET", 3);
    cache_command_add(&command, key, strlen(key));
    cache_append(reader->connection, &command);
    reader->unwritten = true;
    loop_has_work(reader->loop);
    const struct asked asked = {done, arg, clock_monotonic_ms() + CACHE_OPERATION_MS};
    queue_add(&reader->queue, &asked);
    if (!uv_is_active((uv_handle_t *)reader->timer)) {
        uv_timer_start(reader->timer, look_at_deadline, CACHE_OPERATION_MS, 0);
    }
}

// ---- life

struct cache_reader *cache_reader_new(struct loop *loop, const char *url,
                                      struct cache_health *health)
{
    struct cache_reader *reader = memory_zeroed(1, sizeof *reader);
    reader->loop = loop;
    reader->health = health;
    reader->enabled = cache_url_parse(url, &reader->address);
    reader->hook = loop_on_round_end(loop, on_round_end, reader);
    reader->timer = memory_zeroed(1, sizeof *reader->timer);
    uv_timer_init(loop_handle(loop), reader->timer);
    reader->timer->data = reader;
    return reader;
}

void cache_reader_free(struct cache_reader **reader)
{
    struct cache_reader *old = *reader;
    if (old == NULL) {
        return;
    }
    *reader = NULL;
    if (old->connecting != NULL) {
        old->connecting->reader = NULL;
    }
    close_connection(old);
    loop_hook_free(&old->hook);
    uv_close((uv_handle_t *)old->timer, free_handle);
    explicit_bzero(&old->address, sizeof old->address);
    free(old->queue.items);
    free(old);
}
