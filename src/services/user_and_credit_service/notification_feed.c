// SPDX-License-Identifier: Apache-2.0
// A stream is in the list from its answer to the end of its connection. The feed's thread never
// touches an exchange: what a stream is to be told is posted to its loop, under the lock, while the
// stream is in the list. There the loop's thread, the only one that takes it out, finds it again.
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
#define SILENCE_MAX_MS 15000 /* then a comment is sent: proxies close what is silent for long */
#define STREAMS_MAX 10000
#define STREAMS_OF_A_PERSON 8
#define ROWS_MAX 1000 /* the statement's limit */

static const char greeting[] = "retry: 1000\n\n"; /* ms until a client comes again */
static const char sign_of_life[] = ":\n\n";

struct stream {
    struct notification_feed *feed;
    struct stream *next;
    struct stream *previous;
    int64_t number;
    struct uuid person;
    struct uuid after;              /* the last notification that was told */
    struct http_exchange *exchange; /* NULL: the answer has not begun */
    bool over;                      /* the last that it is told is on its way */
    int64_t ends_ms;
    int64_t told_ms;
};

struct notification_feed {
    const struct service_environment *environment;
    int64_t lasts_ms;
    struct db *db;
    struct ticker *ticker;
    struct counter *open;
    pthread_mutex_t lock; /* of all below */
    struct stream *first;
    size_t count;
    int64_t last_number;
};

// What a stream is told.
struct letter {
    struct notification_feed *feed;
    int64_t number;
    bool is_last;
    struct buffer text;
};

enum column { ID, TYPE, TITLE, MESSAGE, OFFER_ID, CREATED_AT, NUMBER };

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

static struct stream *find(const struct notification_feed *feed, int64_t number)
{
    struct stream *stream = feed->first;
    while (stream != NULL && stream->number != number) {
        stream = stream->next;
    }
    return stream;
}

static size_t count_of(const struct notification_feed *feed, const struct uuid *person)
{
    size_t count = 0;
    for (const struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        count += uuid_equal(&stream->person, person);
    }
    return count;
}

static void put_in(struct notification_feed *feed, struct stream *stream)
{
    stream->number = ++feed->last_number;
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
}

// ---- on the loop of a stream

static void begun(void *arg, struct http_exchange *exchange)
{
    struct stream *stream = arg;
    struct notification_feed *feed = stream->feed;
    const int64_t now = clock_monotonic_ms();
    http_stream_add(exchange, greeting, sizeof greeting - 1);
    pthread_mutex_lock(&feed->lock);
    stream->exchange = exchange;
    stream->ends_ms = now + feed->lasts_ms;
    stream->told_ms = now;
    pthread_mutex_unlock(&feed->lock);
    ticker_wake(feed->ticker);
}

static void ended(void *arg)
{
    struct stream *stream = arg;
    struct notification_feed *feed = stream->feed;
    pthread_mutex_lock(&feed->lock);
    take_out(feed, stream);
    pthread_mutex_unlock(&feed->lock);
    counter_add(feed->open, -1);
    free(stream);
}

static void deliver(void *arg)
{
    struct letter *letter = arg;
    struct notification_feed *feed = letter->feed;
    pthread_mutex_lock(&feed->lock);
    const struct stream *stream = find(feed, letter->number);
    struct http_exchange *exchange = stream != NULL ? stream->exchange : NULL;
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

// ---- a stream's answer

bool notification_feed_join(struct notification_feed *feed, struct http_exchange *exchange,
                            const struct uuid *after)
{
    static const struct http_stream calls = {begun, ended};
    const struct uuid *person = http_person(exchange);
    struct stream *stream = memory_zeroed(1, sizeof *stream);
    stream->feed = feed;
    stream->person = *person;
    stream->after = *after;
    pthread_mutex_lock(&feed->lock);
    const bool has_room = feed->count < STREAMS_MAX && count_of(feed, person) < STREAMS_OF_A_PERSON;
    if (has_room) {
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

static void post(struct stream *stream, const char *text, size_t length, bool is_last, int64_t now)
{
    struct letter *letter = memory_zeroed(1, sizeof *letter);
    letter->feed = stream->feed;
    letter->number = stream->number;
    letter->is_last = is_last;
    buffer_add(&letter->text, text, length);
    stream->told_ms = now;
    http_post(stream->exchange, deliver, letter);
}

struct question {
    struct db_array numbers;
    struct db_array people;
    struct db_array after;
};

static void ask_for_all(struct notification_feed *feed, struct question *question)
{
    db_array_init(&question->numbers, DB_INT8S);
    db_array_init(&question->people, DB_UUIDS);
    db_array_init(&question->after, DB_UUIDS);
    pthread_mutex_lock(&feed->lock);
    for (const struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (is_fed(stream)) {
            db_array_add_int8(&question->numbers, stream->number);
            db_array_add_uuid(&question->people, &stream->person);
            db_array_add_uuid(&question->after, &stream->after);
        }
    }
    pthread_mutex_unlock(&feed->lock);
}

static void forget(struct question *question)
{
    db_array_free(&question->numbers);
    db_array_free(&question->people);
    db_array_free(&question->after);
}

// NULL when there is nothing, or the database is away: then the streams wait.
static struct db_result *look_for_new(struct notification_feed *feed)
{
    struct db_result *rows = NULL;
    struct question question;
    ask_for_all(feed, &question);
    if (question.numbers.count > 0) {
        struct db_parameter parameters[] = {
            db_array_parameter(&question.numbers),
            db_array_parameter(&question.people),
            db_array_parameter(&question.after),
        };
        const enum db_status status =
            db_run(feed->db, &sql_new_notifications, parameters, 3, &rows);
        if (status != DB_OK && !db_may_pass(status)) {
            log_error(feed->environment->log, "new notifications cannot be read",
                      LOG_TEXT("why", db_error(feed->db)));
        }
    }
    forget(&question);
    return rows;
}

static void tell_one(struct notification_feed *feed, const struct db_result *rows, size_t row,
                     int64_t now)
{
    struct stream *stream = find(feed, db_number(rows, row, NUMBER));
    if (stream == NULL || !is_fed(stream)) {
        return;
    }
    __attribute__((cleanup(json_release))) json_t *notification = notification_item(rows, row);
    struct buffer event = {0};
    size_t length = 0;
    char *data = json_text(notification, &length);
    buffer_add_format(&event, "id: %s\ndata: ", db_text(rows, row, ID));
    buffer_add(&event, data, length);
    buffer_add_text(&event, "\n\n");
    stream->after = db_uuid(rows, row, ID);
    post(stream, event.data, event.length, false, now);
    buffer_free(&event);
    free(data);
}

// A token ends within its stream's time, or at once with its person's account.
static bool is_over(const struct stream *stream, int64_t now)
{
    return now >= stream->ends_ms ||
           revocations_hold(stream->feed->environment->revocations, &stream->person, clock_now());
}

static void keep_or_end(struct stream *stream, int64_t now)
{
    if (is_over(stream, now)) {
        stream->over = true;
        post(stream, "", 0, true, now);
    } else if (now - stream->told_ms >= SILENCE_MAX_MS) {
        post(stream, sign_of_life, sizeof sign_of_life - 1, false, now);
    }
}

// True when there may be more.
static bool feed_all(void *arg)
{
    struct notification_feed *feed = arg;
    __attribute__((cleanup(db_result_free))) struct db_result *rows = look_for_new(feed);
    const size_t count = rows != NULL ? db_rows(rows) : 0;
    const int64_t now = clock_monotonic_ms();
    pthread_mutex_lock(&feed->lock);
    for (size_t row = 0; row < count; row++) {
        tell_one(feed, rows, row, now);
    }
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (is_fed(stream)) {
            keep_or_end(stream, now);
        }
    }
    pthread_mutex_unlock(&feed->lock);
    return count == ROWS_MAX;
}

// ---- life

struct notification_feed *notification_feed_start(const struct service_environment *environment,
                                                  char error[static SERVICE_ERROR_SIZE])
{
    struct db *db = db_open(environment->database_url, "notifications", environment->log, error);
    if (db == NULL) {
        return NULL;
    }
    struct notification_feed *feed = memory_zeroed(1, sizeof *feed);
    feed->environment = environment;
    feed->lasts_ms = config_number(environment->config, SETTING_NOTIFICATION_STREAM_SECONDS) * 1000;
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
