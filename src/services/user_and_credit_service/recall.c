// SPDX-License-Identifier: Apache-2.0
// POST /v1/users/{user_id}/credit-analysis, first: what was decided lately is answered again from
// the cache, by the loop itself. Everything else is a worker's, who looks in PostgreSQL.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"

#include "platform/cache/reader.h"
#include "platform/memory.h"

#include <stdlib.h>

void *recall_open(void *state, const struct service_loop *on)
{
    const struct service_environment *environment = ((struct user_credit *)state)->environment;
    return cache_reader_new(on->loop, config_text(environment->config, SETTING_REDIS_URL),
                            environment->cache_health);
}

void recall_close(void *context)
{
    struct cache_reader *cache = context;
    cache_reader_free(&cache);
}

struct recall {
    struct user_credit *service;
    struct http_exchange *exchange;
    char person[UUID_TEXT_SIZE];
};

static void answer_or_hand_over(void *arg, const char *value, size_t length)
{
    struct recall *recall = arg;
    struct span answer;
    if (value != NULL && decision_recall(&recall->service->decision_rules, recall->person,
                                         (struct span){value, length}, &answer)) {
        http_answer_bytes(recall->exchange, 200, "application/json", answer.data, answer.length);
        http_finish(recall->exchange);
    } else {
        router_hand_over(recall->exchange);
    }
    free(recall);
}

void recall_credit(struct http_exchange *exchange, void *state, void *context)
{
    struct recall *recall = memory_zeroed(1, sizeof *recall);
    recall->service = state;
    recall->exchange = exchange;
    uuid_format(http_person(exchange), recall->person);
    char key[DECISION_KEY_SIZE];
    decision_key(recall->person, key);
    cache_reader_get(context, key, answer_or_hand_over, recall);
}
