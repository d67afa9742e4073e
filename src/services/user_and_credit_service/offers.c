// SPDX-License-Identifier: Apache-2.0
// Offers as their person sees them: accepted, and listed page by page. An acceptance is committed
// before it is answered; the outbox and the credit worker do the rest.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/listing.h"
#include "services/user_and_credit_service/statements.h"

#include "domain/offer.h"
#include "platform/clock.h"
#include "platform/json.h"

// ---- accepting

struct accepting {
    char user_id[UUID_TEXT_SIZE];
    char offer_id[UUID_TEXT_SIZE];
    const char *trace_id;
    bool known; /* there is such an offer, and it is this person's */
    enum acceptance acceptance;
};

// False when the stored status is one that this program does not know.
static bool read_state(const struct db_result *row, struct offer_state *ret)
{
    ret->accepted = !db_null(row, 0, 1);
    ret->accepted_at = db_timestamp(row, 0, 1);
    ret->expires_at = db_timestamp(row, 0, 2);
    return offer_status_parse(db_text(row, 0, 0), &ret->status);
}

// Moves an offer that nobody moved since it was read; else all is read and judged again. No lock is
// held in between, so that a repeat never waits for the outbox while the broker is slow.
static enum db_status move_offer(struct db *db, const struct db_statement *statement,
                                 const struct db_parameter *parameters, size_t count)
{
    __attribute__((cleanup(db_result_free))) struct db_result *result = NULL;
    enum db_status status = db_run(db, statement, parameters, count, &result);
    return status == DB_OK && db_affected(result) == 0 ? DB_RETRY : status;
}

static enum db_status apply_acceptance(struct db *db, const struct accepting *accepting,
                                       timestamp now)
{
    char accepted_at[TIMESTAMP_TEXT_SIZE];
    timestamp_format(now, accepted_at);
    struct db_parameter parameters[] = {
        db_text_parameter(accepting->user_id),
        db_text_parameter(accepting->offer_id),
        db_text_parameter(accepted_at),
        db_text_parameter(accepting->trace_id),
    };
    switch (accepting->acceptance) {
    case ACCEPT_NOW:
        return move_offer(db, &sql_accept_offer, parameters, 4);
    case ACCEPT_EXPIRED:
        return db_run_later(db, &sql_expire_offer, parameters, 2);
    case ACCEPT_PENDING:
    case ACCEPT_ACTIVE:
    case ACCEPT_SUPERSEDED:
        break;
    }
    return DB_OK;
}

static enum db_status accept_in_transaction(struct db *db, void *arg)
{
    struct accepting *accepting = arg;
    struct db_parameter key[] = {db_text_parameter(accepting->user_id),
                                 db_text_parameter(accepting->offer_id)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_offer_state, key, 2, &row);
    accepting->known = status == DB_OK && db_rows(row) > 0;
    if (!accepting->known) {
        return status;
    }
    struct offer_state offer;
    if (!read_state(row, &offer)) {
        return DB_BROKEN;
    }
    timestamp now = clock_now();
    accepting->acceptance = offer_accept(&offer, now);
    return apply_acceptance(db, accepting, now);
}

static void answer_acceptance(struct http_exchange *exchange, struct desk *desk,
                              const struct accepting *accepting)
{
    switch (accepting->acceptance) {
    case ACCEPT_NOW:
        log_info(desk->log, "offer accepted", LOG_TEXT("offer_id", accepting->offer_id),
                 LOG_TEXT("user_id", accepting->user_id),
                 LOG_TEXT("trace_id", accepting->trace_id));
        __attribute__((fallthrough));
    case ACCEPT_PENDING:
        // A repeat wakes the outbox too: its own lock may have hidden the offer from it.
        outbox_wake(desk->service->acceptances);
        http_answer_json(exchange, 202,
                         json_pack("{s:s}", "status", "offer acceptance is being processed"));
        return;
    case ACCEPT_ACTIVE:
        http_answer_json(exchange, 200, json_pack("{s:s}", "status", "active"));
        return;
    case ACCEPT_EXPIRED:
        http_answer_problem(exchange, 409, "the offer has expired, ask for a new analysis");
        return;
    case ACCEPT_SUPERSEDED:
        http_answer_problem(exchange, 409, "a newer decision has taken the place of this offer");
        return;
    }
}

// Reads whose offer it is said to be; answers what is wrong with that.
static bool check_owner(struct http_exchange *exchange, const json_t *body)
{
    const json_t *user_id = json_object_get(body, "userId");
    struct uuid owner;
    if (!json_is_string(user_id) ||
        !uuid_parse(json_string_value(user_id), json_string_length(user_id), &owner)) {
        struct faults faults = {0};
        faults_add(&faults, "userId", "must be a UUID");
        http_answer_faults(exchange, &faults);
        return false;
    }
    if (!uuid_equal(&owner, http_person(exchange))) {
        http_answer_problem(exchange, 403, "userId must be the person of the token");
        return false;
    }
    return true;
}

void accept_offer(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    __attribute__((cleanup(json_release))) json_t *body = http_read_object(exchange);
    if (body == NULL || !check_owner(exchange, body)) {
        return;
    }
    struct accepting accepting = {.trace_id = http_trace(exchange)->trace_id};
    enum db_status status = DB_OK;
    if (desk_path_id(exchange, "offer_id", accepting.offer_id)) {
        uuid_format(http_person(exchange), accepting.user_id);
        status = desk_transaction(desk, accept_in_transaction, &accepting);
    }
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
    } else if (!accepting.known) {
        desk_answer_unknown(desk, exchange, "there is no such offer");
    } else {
        answer_acceptance(exchange, desk, &accepting);
    }
}

// ---- listing

enum listed_column {
    ID,
    STATUS,
    CREDIT_LIMIT,
    INTEREST_RATE,
    CREDIT_TYPE,
    CREATED_AT,
    EXPIRES_AT,
    ACTIVATED_AT,
};

static json_t *listed_offer(const struct db_result *rows, size_t row)
{
    json_t *activated_at = db_null(rows, row, ACTIVATED_AT)
                               ? json_null()
                               : json_timestamp(db_timestamp(rows, row, ACTIVATED_AT));
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o}", "offer_id", db_text(rows, row, ID), "status",
        db_text(rows, row, STATUS), "credit_limit", json_money(db_number(rows, row, CREDIT_LIMIT)),
        "interest_rate", json_money(db_number(rows, row, INTEREST_RATE)), "credit_type",
        db_text(rows, row, CREDIT_TYPE), "created_at",
        json_timestamp(db_timestamp(rows, row, CREATED_AT)), "expires_at",
        json_timestamp(db_timestamp(rows, row, EXPIRES_AT)), "activated_at", activated_at);
}

static const struct listing offers = {
    .count = &sql_count_offers,
    .rows = &sql_list_offers,
    .item = listed_offer,
};

void list_offers(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    listing_answer(exchange, context, &offers);
}
