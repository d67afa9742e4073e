// SPDX-License-Identifier: Apache-2.0
// Group commit of requests: the exchange itself waits for the acknowledgement of its line.
#include "services/ingestion.h"

#include "domain/transaction.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGES_IN_FLIGHT 2       /* of a loop; more gains nothing */
#define LINES_WORTH_SENDING 32     /* a message costs the broker as much as many lines */
#define MESSAGE_BYTES (256 * 1024) /* a quarter of the broker's usual max_payload */
#define WAITING_BYTES (8 * 1024 * 1024)
#define RETRY_MS 1000

struct intake {
    const struct service_environment *environment;
    const char *subject;
    struct shared_keys *keys;
};

struct ingestion {
    struct group_commit *group;
    struct key_teller *keys;
    int64_t max_ahead; /* microseconds */
};

struct intake *intake_new(const struct service_environment *environment, const char *subject,
                          enum setting keys_secret)
{
    struct intake *intake = memory_zeroed(1, sizeof *intake);
    intake->environment = environment;
    intake->subject = subject;
    intake->keys = shared_keys_new(environment, subject, keys_secret);
    bus_declare(environment->bus, subject);
    return intake;
}

void intake_free(struct intake **intake)
{
    if (*intake != NULL) {
        shared_keys_free(&(*intake)->keys);
        free(*intake);
        *intake = NULL;
    }
}

static void before_send(void *arg)
{
    struct ingestion *ingestion = arg;
    key_teller_tell(ingestion->keys);
}

struct ingestion *ingestion_new(struct intake *intake, const struct service_loop *on)
{
    const struct config *config = intake->environment->config;
    struct ingestion *ingestion = memory_zeroed(1, sizeof *ingestion);
    ingestion->max_ahead =
        config_number(config, SETTING_CLOCK_SKEW_SECONDS) * MICROSECONDS_A_SECOND;
    ingestion->keys = key_teller_new(intake->keys, on);
    ingestion->group =
        group_commit_new(on->loop, on->bus,
                         &(struct group_commit_options){
                             .subject = intake->subject,
                             .maximum_in_flight = MESSAGES_IN_FLIGHT,
                             .worth_sending = LINES_WORTH_SENDING,
                             .maximum_message_bytes = MESSAGE_BYTES,
                             .maximum_waiting_bytes = WAITING_BYTES,
                             .timeout_ms = config_number(config, SETTING_PUBLISH_TIMEOUT_MS),
                             .metrics = intake->environment->metrics,
                             .before_send = before_send,
                             .arg = ingestion,
                         });
    return ingestion;
}

void ingestion_close(void *ingestion)
{
    struct ingestion *closed = ingestion;
    group_commit_free(&closed->group);
    key_teller_free(&closed->keys);
    free(closed);
}

struct event_window ingestion_window(const struct ingestion *ingestion, int64_t max_age_days)
{
    return (struct event_window){
        .now = clock_now(),
        .max_ahead = ingestion->max_ahead,
        .max_age = max_age_days * MICROSECONDS_A_DAY,
    };
}

static bool is_key(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++) {
        if (key[i] < 0x20 || key[i] > 0x7e) {
            return false;
        }
    }
    return length > 0 && length <= IDEMPOTENCY_KEY_MAX;
}

const char *ingestion_key(const struct http_exchange *exchange, struct faults *faults)
{
    const char *key = http_header(exchange, "Idempotency-Key");
    if (key != NULL && !is_key(key)) {
        faults_add(faults, "Idempotency-Key", "must be 1 to 255 visible ASCII characters");
        return NULL;
    }
    return key;
}

bool ingestion_key_agrees(struct ingestion *ingestion, enum key_kind kind,
                          const struct uuid *event_id, const void *content, size_t length,
                          struct faults *faults)
{
    bool agrees = key_teller_agrees(ingestion->keys, kind, event_id, content, length);
    if (!agrees) {
        faults_add(faults, "Idempotency-Key", "was used for another event");
    }
    return agrees;
}

static void answer_unavailable(struct http_exchange *exchange, enum bus_result result)
{
    const char *detail = result == BUS_TIMEOUT
                             ? "the event may not have been stored; send it again with its id"
                             : "the event was not stored; send it again";
    http_answer_unavailable(exchange, detail, RETRY_MS);
}

static void on_committed(void *arg, enum bus_result result)
{
    struct http_exchange *exchange = arg;
    if (result != BUS_OK) {
        http_answer_withdraw(exchange);
        answer_unavailable(exchange, result);
    }
    http_finish(exchange);
}

enum bus_result ingestion_add(struct ingestion *ingestion, const char *line, size_t length,
                              group_done_fn *done, void *arg)
{
    return group_commit_add(ingestion->group, line, length, done, arg);
}

void ingestion_accept(struct ingestion *ingestion, struct http_exchange *exchange, const char *line,
                      size_t length)
{
    enum bus_result result = ingestion_add(ingestion, line, length, on_committed, exchange);
    if (result != BUS_OK) {
        on_committed(exchange, result);
    }
}

void ingestion_refuse(struct http_exchange *exchange, enum event_read fault,
                      const struct faults *faults, const char *json_error)
{
    if (fault == EVENT_NOT_JSON) {
        http_answer_problem(exchange, 400, json_error);
    } else {
        http_answer_faults(exchange, faults);
    }
    http_finish(exchange);
}
