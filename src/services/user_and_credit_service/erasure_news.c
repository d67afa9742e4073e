// SPDX-License-Identifier: Apache-2.0
// One question every few seconds, of one index, whose answer is nearly always empty.
#include "services/user_and_credit_service/erasure_news.h"

#include "platform/auth/token.h"
#include "platform/clock.h"
#include "platform/db/db.h"
#include "platform/memory.h"
#include "platform/ticker.h"
#include "services/erased_people.h"
#include "services/user_and_credit_service/statements.h"

#include <stdio.h>
#include <stdlib.h>

#define TELL_EVERY_MS 5000

struct erasure_news {
    const struct service_environment *environment;
    struct db *db;
    struct ticker *ticker;
};

static bool tell(void *arg)
{
    struct erasure_news *news = arg;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%d", TOKEN_LASTS_MAX);
    struct db_parameter lifetime[] = {db_text_parameter(seconds)};
    __attribute__((cleanup(db_result_free))) struct db_result *rows = NULL;
    enum db_status status = db_run(news->db, &sql_erased_lately, lifetime, 1, &rows);
    if (status != DB_OK && !db_may_pass(status)) {
        log_error(news->environment->log, "who was erased cannot be read",
                  LOG_TEXT("why", db_error(news->db)));
    }
    const size_t count = status == DB_OK ? db_rows(rows) : 0;
    if (count == 0) {
        return false;
    }
    struct uuid *people = memory_zeroed(count, sizeof *people);
    for (size_t row = 0; row < count; row++) {
        people[row] = db_uuid(rows, row, 0);
    }
    revocations_add(news->environment->revocations, people, count, clock_now());
    erased_people_tell(news->environment->bus, people, count);
    free(people);
    return false;
}

struct erasure_news *erasure_news_start(const struct service_environment *environment,
                                        char error[static SERVICE_ERROR_SIZE])
{
    struct db *db = db_open(environment->database_url, "news of erasures", environment->log, error);
    if (db == NULL) {
        return NULL;
    }
    struct erasure_news *news = memory_zeroed(1, sizeof *news);
    news->environment = environment;
    news->db = db;
    news->ticker = ticker_new("erasures", TELL_EVERY_MS, tell, news);
    ticker_start_later(news->ticker);
    return news;
}

void erasure_news_stop(struct erasure_news **news)
{
    if (*news == NULL) {
        return;
    }
    ticker_free(&(*news)->ticker);
    db_close(&(*news)->db);
    free(*news);
    *news = NULL;
}

void erasure_news_wake(struct erasure_news *news)
{
    ticker_wake(news->ticker);
}
