// SPDX-License-Identifier: Apache-2.0
// What operators are shown of everybody: figures of groups of ten people or more, of days that are
// over. A day is made once, when somebody first asks, and never changes: two looks at it that
// differ would show the one by whom they do.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/insight_statements.h"

#include "platform/buffer.h"
#include "platform/clock.h"

#include <stdio.h>

#define MAKE_FOR_MS 1000  /* of one request; what is left is for the next one */
#define SMALLEST_GROUP 10 /* as the table of insights demands */
#define DAYS_USUAL 30
#define DAYS_MAX 366
#define NUMBER_SIZE 24

struct topic {
    const char *name;
    const struct db_statement *make; /* $1 the day; $2, $3 the policy's version and its bound */
    size_t parameters;
    bool open_for_long; /* what became of it is known when offers have run out */
};

struct question {
    const struct topic *topic;
    char days[NUMBER_SIZE];
};

// ---- making a day

static enum db_status find_day(struct desk *desk, const struct question *question,
                               struct db_result **ret_day)
{
    const int32_t over = 1 + (question->topic->open_for_long ? desk_policy(desk).offer_days : 0);
    char days_ago[NUMBER_SIZE];
    snprintf(days_ago, sizeof days_ago, "%d", over);
    struct db_parameter parameters[] = {
        db_text_parameter(question->topic->name),
        db_text_parameter(question->days),
        db_text_parameter(days_ago),
    };
    return db_run(desk->db, &sql_day_without_insights, parameters, 3, ret_day);
}

static enum db_status make_day(struct desk *desk, const struct topic *topic, const char *day)
{
    const struct policy policy = desk_policy(desk);
    char deny_above[NUMBER_SIZE];
    snprintf(deny_above, sizeof deny_above, "%d", policy.deny_above);
    struct db_parameter parameters[] = {
        db_text_parameter(day),
        db_text_parameter(policy.version),
        db_text_parameter(deny_above),
    };
    enum db_status status = db_run(desk->db, topic->make, parameters, topic->parameters, NULL);
    if (status == DB_LATE) {
        log_warning(desk->log, "insights of a day could not be made in time",
                    LOG_TEXT("topic", topic->name), LOG_TEXT("day", day));
    }
    return status;
}

// Makes one day more if it may; *ret_complete says whether none is left.
static enum db_status make_another(struct desk *desk, const struct question *question, bool may,
                                   bool *ret_complete)
{
    __attribute__((cleanup(db_result_free))) struct db_result *day = NULL;
    enum db_status status = find_day(desk, question, &day);
    if (status != DB_OK) {
        return status;
    }
    *ret_complete = db_rows(day) == 0;
    return may && !*ret_complete ? make_day(desk, question->topic, db_text(day, 0, 0)) : DB_OK;
}

// One request makes days at a time, so that others find a thread. What took too long, or another
// process too long to wait for, is for the next look.
static enum db_status make(struct desk *desk, const struct question *question, bool *ret_complete)
{
    const bool alone = !atomic_flag_test_and_set(&desk->service->counting);
    const int64_t until = clock_monotonic_ms() + MAKE_FOR_MS;
    enum db_status status = DB_OK;
    do {
        status = make_another(desk, question, alone, ret_complete);
    } while (alone && status == DB_OK && !*ret_complete && clock_monotonic_ms() < until);
    if (alone) {
        atomic_flag_clear(&desk->service->counting);
    }
    return status == DB_LATE || status == DB_RETRY ? DB_OK : status;
}

// ---- showing what was made

static enum db_status find_groups(struct desk *desk, const struct question *question,
                                  struct db_result **ret_groups)
{
    struct db_parameter parameters[] = {db_text_parameter(question->topic->name),
                                        db_text_parameter(question->days)};
    return db_run(desk->db, &sql_insights, parameters, 2, ret_groups);
}

static void show(struct http_exchange *exchange, struct desk *desk, const struct question *question)
{
    __attribute__((cleanup(db_result_free))) struct db_result *groups = NULL;
    bool complete = false;
    enum db_status status = make(desk, question, &complete);
    if (status == DB_OK) {
        status = find_groups(desk, question, &groups);
    }
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
        return;
    }
    __attribute__((cleanup(buffer_free))) struct buffer body = {0};
    buffer_add_format(&body, "{\"days\":%s,\"smallest_group\":%d,\"complete\":%s,\"groups\":",
                      question->days, SMALLEST_GROUP, complete ? "true" : "false");
    buffer_add_text(&body, db_text(groups, 0, 0));
    buffer_add_text(&body, "}");
    log_info(desk->log, "insights shown", LOG_TEXT("operator", http_operator(exchange)),
             LOG_TEXT("topic", question->topic->name),
             LOG_TEXT("request_id", http_request_id(exchange)));
    http_answer_header(exchange, "Cache-Control", "no-store");
    http_answer_bytes(exchange, 200, "application/json", body.data, body.length);
}

static void answer(struct http_exchange *exchange, struct desk *desk, const struct topic *topic)
{
    struct faults faults = {0};
    struct question question = {.topic = topic};
    int64_t days = DAYS_USUAL;
    if (http_query_number(exchange, "days", 1, DAYS_MAX, DAYS_USUAL, &days, &faults)) {
        snprintf(question.days, sizeof question.days, "%lld", (long long)days);
        show(exchange, desk, &question);
    } else {
        http_answer_faults(exchange, &faults);
    }
}

void show_emotion_insights(struct http_exchange *exchange, void *state, void *context)
{
    static const struct topic emotions = {"emotions", &sql_make_emotion_insights, 1, false};
    (void)state;
    answer(exchange, context, &emotions);
}

void show_decision_insights(struct http_exchange *exchange, void *state, void *context)
{
    static const struct topic decisions = {"decisions", &sql_make_decision_insights, 3, false};
    (void)state;
    answer(exchange, context, &decisions);
}

void show_reason_insights(struct http_exchange *exchange, void *state, void *context)
{
    static const struct topic reasons = {"reasons", &sql_make_reason_insights, 1, false};
    (void)state;
    answer(exchange, context, &reasons);
}

void show_offer_insights(struct http_exchange *exchange, void *state, void *context)
{
    static const struct topic offers = {"offers", &sql_make_offer_insights, 1, true};
    (void)state;
    answer(exchange, context, &offers);
}
