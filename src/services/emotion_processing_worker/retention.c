// SPDX-License-Identifier: Apache-2.0
// See retention.h. What is done is in sql/migrations/0009_days_of_emotions.sql, since it needs the
// rights of the tables' owner. Of several replicas one works; the others find the lock taken.
#include "services/emotion_processing_worker/retention.h"

#include "platform/db/db.h"
#include "platform/memory.h"
#include "platform/ticker.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 60000
#define DAYS_TEXT_SIZE 24

static const struct db_statement keep_days = {
    "keep_days_of_emotions",
    "SELECT dropped, removed, waits, more FROM keep_days_of_emotions($1::int4)",
};

struct retention {
    struct db *db;
    struct log *log;
    struct counter *dropped;
    struct counter *removed;
    struct ticker *ticker;
    bool troubled; /* a warning was logged and no look has succeeded since */
    char days[DAYS_TEXT_SIZE];
};

static void warn(struct retention *retention, const char *why)
{
    if (!retention->troubled) {
        retention->troubled = true;
        log_warning(retention->log, "old emotion events wait to be dropped", LOG_TEXT("why", why));
    }
}

static bool look(void *arg)
{
    struct retention *retention = arg;
    struct db_parameter days = db_text_parameter(retention->days);
    struct db_result *result = NULL;
    enum db_status status = db_run(retention->db, &keep_days, &days, 1, &result);
    if (status == DB_AWAY) {
        return false;
    }
    if (status != DB_OK) {
        warn(retention, db_error(retention->db));
        return false;
    }
    bool more = db_flag(result, 0, 3);
    counter_add(retention->dropped, db_number(result, 0, 0));
    counter_add(retention->removed, db_number(result, 0, 1));
    if (db_flag(result, 0, 2)) {
        warn(retention, "the tables are in use");
    } else {
        retention->troubled = false;
    }
    db_result_free(&result);
    return more;
}

struct retention *retention_start(const struct service_environment *environment,
                                  char error[static SERVICE_ERROR_SIZE])
{
    struct db *db =
        db_open(environment->database_url, "emotion retention", environment->log, error);
    if (db == NULL) {
        return NULL;
    }
    struct retention *retention = memory_zeroed(1, sizeof *retention);
    retention->db = db;
    retention->log = environment->log;
    retention->dropped =
        metrics_counter(environment->metrics, "ecs_emotion_days_dropped_total", NULL,
                        "Days of raw emotion events dropped because of their age.");
    retention->removed = metrics_counter(
        environment->metrics, "ecs_emotions_removed_total", NULL,
        "Raw emotion events of days already dropped that were removed by themselves.");
    snprintf(retention->days, sizeof retention->days, "%lld",
             (long long)config_number(environment->config, SETTING_EMOTION_RETENTION_DAYS));
    retention->ticker = ticker_new("retention", LOOK_EVERY_MS, look, retention);
    ticker_start_later(retention->ticker);
    return retention;
}

void retention_stop(struct retention **retention)
{
    if (*retention == NULL) {
        return;
    }
    ticker_free(&(*retention)->ticker);
    db_close(&(*retention)->db);
    free(*retention);
    *retention = NULL;
}
