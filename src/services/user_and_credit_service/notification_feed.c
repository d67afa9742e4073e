// SPDX-License-Identifier: Apache-2.0
// A stream is in the list from its answer to the end of its connection. The feed's thread never
// touches an exchange: what a stream is to be told is posted to its loop, under the lock, while the
// stream is in the list. Only the loop's thread takes it out, so there the exchange is safe to use.
#include "services/user_and_credit_service/notification_feed.h"

#include "platform/buffer.h"
#include "platform/clock.h"
#include "platform/db/array.h"
#include "platform/http/server.h"
#include "platform/memory.h"
#include "platform/ticker.h"
#include "services/user_and_credit_service/statements.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 500
#define SILENCE_MAX_MS 5000 /* then a comment is sent: proxies close what is silent for long */
#define STREAMS_MAX 10000   /* or half of the connections that the process may have */
#define STREAMS_OF_A_PERSON 8
#define ROWS_MAX 1000 /* the statement's limit */
#define RETRY_MS 1000 /* until a client comes again */

static const char sign_of_life[] = ":\n\n";

struct stream {
    struct notification_feed *feed;
    struct stream *next;
    struct stream *previous;
    size_t holders; /* the list, letters, and a question that is being asked */
    struct uuid person;
    struct uuid after;              /* the last notification that was told */
    struct http_exchange *exchange; /* NULL: the answer has not begun, or has ended */
    bool over;                      /* the last that it is told is on its way */
    int64_t ends_ms;
    int64_t told_ms;
};

struct notification_feed {
    const struct service_environment *environment;
    int64_t lasts_ms;
    size_t streams_max;
    struct db *db;
    struct ticker *ticker;
    struct counter *open;
    pthread_mutex_t lock; /* of all below, and of the streams */
    struct stream *first; /* the newest */
    size_t count;
};

// What a stream is told.
struct letter {
    struct stream *stream;
    bool is_last;
    struct buffer text;
};

enum column { ID, TYPE, TITLE, MESSAGE, OFFER_ID, CREATED_AT, PLACE };

json_t *notification_item(const struct db_result *rows, size_t row)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "notification_id", db_text(rows, row, ID),
                     "type", db_text(rows, row, TYPE), "title", db_text(rows, row, TITLE),
                     "message", db_text(rows, row, MESSAGE), "offer_id",
                     db_text(rows, row, OFFER_ID), "created_at",
                     json_timestamp(db_timestamp(rows, row, CREATED_AT)));
}

// ---- the list; under the lock

static bool is_fed(const struct stream *stream)
{
    return stream->exchange != NULL && !stream->over;
}

static void let_go(struct stream *stream)
{
    stream->holders--;
    if (stream->holders == 0) {
        free(stream);
    }
}

static void put_in(struct notification_feed *feed, struct stream *stream)
{
    stream->holders = 1;
    stream->next = feed->first;
    if (feed->first != NULL) {
        feed->first->previous = stream;
    }
    feed->first = stream;
    feed->count++;
}

static void take_out(struct notification_feed *feed, struct stream *stream)
{
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        feed->first = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    feed->count--;
    stream->exchange = NULL;
    let_go(stream);
}

// ---- on the loop of a stream

// The client has an id to come again with, also when nothing was told meanwhile.
static void greet(struct http_exchange *exchange, const struct uuid *after)
{
    char id[UUID_TEXT_SIZE];
    struct buffer text = {0};
    uuid_format(after, id);
    buffer_add_format(&text, "retry: %d\nid: %s\n\n", RETRY_MS, id);
    http_stream_add(exchange, text.data, text.length);
    buffer_free(&text);
}

static void begun(void *arg, struct http_exchange *exchange)
{
    struct stream *stream = arg;
    struct notification_feed *feed = stream->feed;
    const int64_t now = clock_monotonic_ms();
    greet(exchange, &stream->after);
    pthread_mutex_lock(&feed->lock);
    stream->exchange = exchange;
    stream->ends_ms = now + feed->lasts_ms;
    stream->told_ms = now;
    pthread_mutex_unlock(&feed->lock);
}

static void ended(void *arg)
{
    struct stream *stream = arg;
    struct notification_feed *feed = stream->feed;
    counter_add(feed->open, -1);
    pthread_mutex_lock(&feed->lock);
    take_out(feed, stream);
    pthread_mutex_unlock(&feed->lock);
}

static void deliver(void *arg)
{
    struct letter *letter = arg;
    struct notification_feed *feed = letter->stream->feed;
    pthread_mutex_lock(&feed->lock);
    struct http_exchange *exchange = letter->stream->exchange;
    let_go(letter->stream);
    pthread_mutex_unlock(&feed->lock);
    if (exchange != NULL) {
        http_stream_add(exchange, letter->text.data, letter->text.length);
    }
    if (exchange != NULL && letter->is_last) {
        http_stream_end(exchange);
    }
    buffer_free(&letter->text);
    free(letter);
}

// ---- what is told; under the lock

static void post(struct stream *stream, const char *text, size_t length, int64_t now)
{
    struct letter *letter = memory_zeroed(1, sizeof *letter);
    letter->stream = stream;
    letter->is_last = stream->over;
    buffer_add(&letter->text, text, length);
    stream->holders++;
    stream->told_ms = now;
    http_post(stream->exchange, deliver, letter);
}

static void end(struct stream *stream, int64_t now)
{
    stream->over = true;
    post(stream, "", 0, now);
}

// ---- a stream's answer

// A client that has vanished without a word leaves its stream behind for a while: the oldest makes
// room for the newest.
static void end_one_too_many(struct notification_feed *feed, const struct uuid *person)
{
    struct stream *oldest = NULL;
    size_t count = 0;
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (uuid_equal(&stream->person, person) && is_fed(stream)) {
            oldest = stream;
            count++;
        }
    }
    if (count >= STREAMS_OF_A_PERSON) {
        end(oldest, clock_monotonic_ms());
    }
}

bool notification_feed_join(struct notification_feed *feed, struct http_exchange *exchange,
                            const struct uuid *after)
{
    static const struct http_stream calls = {begun, ended};
    struct stream *stream = memory_zeroed(1, sizeof *stream);
    stream->feed = feed;
    stream->person = *http_person(exchange);
    stream->after = *after;
    pthread_mutex_lock(&feed->lock);
    const bool has_room = feed->count < feed->streams_max;
    if (has_room) {
        end_one_too_many(feed, &stream->person);
        put_in(feed, stream);
    }
    pthread_mutex_unlock(&feed->lock);
    if (!has_room) {
        free(stream);
        return false;
    }
    counter_add(feed->open, 1);
    http_answer_stream(exchange, "text/event-stream", &calls, stream);
    return true;
}

// ---- the feed's thread

// A token ends soon after its stream's time, or at once with its person's account.
static bool is_over(const struct stream *stream, int64_t now)
{
    return now >= stream->ends_ms ||
           revocations_hold(stream->feed->environment->revocations, &stream->person, clock_now());
}

static void keep_or_end(struct stream *stream, int64_t now)
{
    if (is_over(stream, now)) {
        end(stream, now);
    } else if (now - stream->told_ms >= SILENCE_MAX_MS) {
        post(stream, sign_of_life, sizeof sign_of_life - 1, now);
    }
}

// All that are fed at a moment, held until the answer is told to them.
struct question {
    struct stream **streams; /* a row of the answer names one by its place */
    size_t count;
    struct db_array places;
    struct db_array people;
    struct db_array after;
};

static void include(struct question *question, struct stream *stream)
{
    db_array_add_int8(&question->places, (int64_t)question->count);
    db_array_add_uuid(&question->people, &stream->person);
    db_array_add_uuid(&question->after, &stream->after);
    question->streams[question->count++] = stream;
    stream->holders++;
}

static void begin_question(struct notification_feed *feed, struct question *question)
{
    const int64_t now = clock_monotonic_ms();
    question->count = 0;
    db_array_init(&question->places, DB_INT8S);
    db_array_init(&question->people, DB_UUIDS);
    db_array_init(&question->after, DB_UUIDS);
    pthread_mutex_lock(&feed->lock);
    question->streams = memory_zeroed(feed->count + 1, sizeof(void *));
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (is_fed(stream)) {
            keep_or_end(stream, now);
        }
        if (is_fed(stream)) {
            include(question, stream);
        }
    }
    pthread_mutex_unlock(&feed->lock);
}

// NULL when there is nothing, or the database is away: then the streams wait.
static struct db_result *ask(struct notification_feed *feed, struct question *question)
{
    struct db_result *rows = NULL;
    if (question->count == 0) {
        return NULL;
    }
    struct db_parameter parameters[] = {
        db_array_parameter(&question->places),
        db_array_parameter(&question->people),
        db_array_parameter(&question->after),
    };
    const enum db_status status = db_run(feed->db, &sql_new_notifications, parameters, 3, &rows);
    if (status != DB_OK && !db_may_pass(status)) {
        log_error(feed->environment->log, "new notifications cannot be read",
                  LOG_TEXT("why", db_error(feed->db)));
    }
    return rows;
}

static void tell(struct stream *stream, const struct db_result *rows, size_t row)
{
    __attribute__((cleanup(json_release))) json_t *notification = notification_item(rows, row);
    struct buffer event = {0};
    size_t length = 0;
    char *data = json_text(notification, &length);
    buffer_add_format(&event, "id: %s\ndata: ", db_text(rows, row, ID));
    buffer_add(&event, data, length);
    buffer_add_text(&event, "\n\n");
    stream->after = db_uuid(rows, row, ID);
    post(stream, event.data, event.length, clock_monotonic_ms());
    buffer_free(&event);
    free(data);
}

static void end_question(struct notification_feed *feed, struct question *question,
                         const struct db_result *rows, size_t count)
{
    pthread_mutex_lock(&feed->lock);
    for (size_t row = 0; row < count; row++) {
        struct stream *stream = question->streams[db_number(rows, row, PLACE)];
        if (is_fed(stream)) {
            tell(stream, rows, row);
        }
    }
    for (size_t i = 0; i < question->count; i++) {
        let_go(question->streams[i]);
    }
    pthread_mutex_unlock(&feed->lock);
    free(question->streams);
    db_array_free(&question->places);
    db_array_free(&question->people);
    db_array_free(&question->after);
}

// True when there may be more.
static bool feed_all(void *arg)
{
    struct notification_feed *feed = arg;
    struct question question;
    begin_question(feed, &question);
    __attribute__((cleanup(db_result_free))) struct db_result *rows = ask(feed, &question);
    const size_t count = rows != NULL ? db_rows(rows) : 0;
    end_question(feed, &question, rows, count);
    return count == ROWS_MAX;
}

// ---- life

struct notification_feed *notification_feed_start(const struct service_environment *environment,
                                                  char error[static SERVICE_ERROR_SIZE])
{
    const struct config *config = environment->config;
    struct db *db = db_open(environment->database_url, "notifications", environment->log, error);
    if (db == NULL) {
        return NULL;
    }
    db_plan_once(db);
    const size_t half = (size_t)config_number(config, SETTING_MAX_CONNECTIONS) / 2;
    struct notification_feed *feed = memory_zeroed(1, sizeof *feed);
    feed->environment = environment;
    feed->lasts_ms = config_number(config, SETTING_NOTIFICATION_STREAM_SECONDS) * 1000;
    feed->streams_max = half < STREAMS_MAX ? half : STREAMS_MAX;
    feed->db = db;
    feed->open = metrics_gauge(environment->metrics, "ecs_notification_streams", NULL,
                               "Open streams of notifications.");
    pthread_mutex_init(&feed->lock, NULL);
    feed->ticker = ticker_new("notifications", LOOK_EVERY_MS, feed_all, feed);
    ticker_start_later(feed->ticker);
    return feed;
}

void notification_feed_stop(struct notification_feed **feed)
{
    if (*feed == NULL) {
        return;
    }
    ticker_free(&(*feed)->ticker);
    db_close(&(*feed)->db);
    pthread_mutex_destroy(&(*feed)->lock);
    free(*feed);
    *feed = NULL;
}
