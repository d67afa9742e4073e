// SPDX-License-Identifier: Apache-2.0
// See retention.h. Of several replicas one removes at a time; the others find the lock taken.
#include "services/emotion_processing_worker/retention.h"

#include "platform/db/db.h"
#include "platform/memory.h"
#include "platform/ticker.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 60000
#define DAYS_TEXT_SIZE 24

static const struct db_statement remove_old = {
    "remove_old_emotions",
    "DELETE FROM emotional_events e"
    " USING (SELECT user_id, event_id FROM emotional_events"
    "        WHERE occurred_at < now() - make_interval(days => $1::int4)"
    "          AND pg_try_advisory_xact_lock(hashtext('emotional_retention'))"
    "        LIMIT 5000) old"
    " WHERE e.user_id = old.user_id AND e.event_id = old.event_id",
};

struct retention {
    struct db *db;
    struct log *log;
    struct counter *removed;
    struct ticker *ticker;
    char days[DAYS_TEXT_SIZE];
};

static bool remove_some(void *arg)
{
    struct retention *retention = arg;
    struct db_parameter days = db_text_parameter(retention->days);
    struct db_result *result = NULL;
    enum db_status status = db_run(retention->db, &remove_old, &days, 1, &result);
    if (status != DB_OK) {
        if (status == DB_BROKEN) {
            log_error(retention->log, "old emotion events cannot be removed",
                      LOG_TEXT("why", db_error(retention->db)));
        }
        return false;
    }
    int64_t removed = db_affected(result);
    db_result_free(&result);
    counter_add(retention->removed, removed);
    return removed > 0;
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
    retention->removed = metrics_counter(environment->metrics, "ecs_emotions_removed_total", NULL,
                                         "Raw emotion events removed because of their age.");
    snprintf(retention->days, sizeof retention->days, "%lld",
             (long long)config_number(environment->config, SETTING_EMOTION_RETENTION_DAYS));
    retention->ticker = ticker_new("retention", LOOK_EVERY_MS, remove_some, retention);
    ticker_start(retention->ticker);
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
