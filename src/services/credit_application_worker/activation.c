// SPDX-License-Identifier: Apache-2.0
// From a message to an active credit. The offer's own row decides, never the message: its state
// and expiry are judged again, so that a message that comes twice, late or too late does no harm.
#include "services/credit_application_worker/activation.h"

#include "domain/offer.h"
#include "events/credit_json.h"
#include "platform/db/transaction.h"
#include "platform/memory.h"
#include "services/credit_application_worker/notifications.h"
#include "services/credit_application_worker/statements.h"
#include "services/worker.h"

#include <stdlib.h>
#include <string.h>

struct accepted_line {
    struct uuid user_id;
    struct uuid offer_id;
    size_t line; /* its place in the batch */
    bool activated;
};

struct batch {
    struct activator *activator;
    struct event_line *lines;
    struct accepted_line *accepted;
    size_t count;
};

// ---- reading

// By person, so that replicas lock people in the same order; of one person in the order of arrival.
static int compare(const void *left, const void *right)
{
    const struct accepted_line *a = left;
    const struct accepted_line *b = right;
    int by_person = uuid_compare(&a->user_id, &b->user_id);
    return by_person != 0 ? by_person : (a->line > b->line) - (a->line < b->line);
}

static void read_lines(struct batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct event_line *line = &batch->lines[i];
        struct accepted_line *accepted = &batch->accepted[batch->count];
        line->rejected = NULL;
        accepted->line = i;
        if (accepted_offer_from_json(line->data, line->length, &accepted->offer_id,
                                     &accepted->user_id, &line->rejected)) {
            batch->count++;
        }
    }
    qsort(batch->accepted, batch->count, sizeof *batch->accepted, compare);
}

// ---- activating

enum offer_column {
    STATUS,
    ACCEPTED_AT,
    EXPIRES_AT,
    CREDIT_LIMIT,
    INTEREST_RATE,
    CREDIT_TYPE,
    TRACE_ID,
    ACTIVATED_AT,
};

// An offer and its person, as the parameters of the statements.
struct offer_key {
    char user_id[UUID_TEXT_SIZE];
    char offer_id[UUID_TEXT_SIZE];
    struct db_parameter parameters[2];
};

static void write_key(const struct accepted_line *accepted, struct offer_key *key)
{
    uuid_format(&accepted->user_id, key->user_id);
    uuid_format(&accepted->offer_id, key->offer_id);
    key->parameters[0] = db_text_parameter(key->user_id);
    key->parameters[1] = db_text_parameter(key->offer_id);
}

static enum db_status activate_now(struct db *db, const struct offer_key *key, bool *ret_activated)
{
    enum db_status status = db_run_later(db, &sql_supersede_active_credit, key->parameters, 2);
    if (status != DB_OK) {
        return status;
    }
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    status = db_run(db, &sql_activate_offer, key->parameters, 2, &row);
    *ret_activated =
        status == DB_OK && strcmp(db_text(row, 0, 0), offer_status_name(OFFER_ACTIVE)) == 0;
    return status;
}

static enum db_status notify(struct db *db, const struct offer_key *key,
                             const struct db_result *offer)
{
    struct activated_credit credit = {
        .user_id = key->user_id,
        .offer_id = key->offer_id,
        .limit = db_text(offer, 0, CREDIT_LIMIT),
        .rate = db_text(offer, 0, INTEREST_RATE),
        .type = db_text(offer, 0, CREDIT_TYPE),
        .trace_id = db_text(offer, 0, TRACE_ID),
    };
    return notification_write(db, &credit);
}

static enum db_status refuse(struct batch *batch, const struct offer_key *key, const char *state)
{
    log_warning(batch->activator->log, "offer not activated", LOG_TEXT("offer_id", key->offer_id),
                LOG_TEXT("user_id", key->user_id), LOG_TEXT("status", state));
    return db_run_later(batch->activator->db, &sql_expire_unaccepted_offer, key->parameters, 2);
}

static enum db_status judge(struct batch *batch, const struct offer_key *key,
                            const struct db_result *row, bool *ret_activated)
{
    struct db *db = batch->activator->db;
    struct offer_state offer = {
        .accepted = !db_null(row, 0, ACCEPTED_AT),
        .accepted_at = db_timestamp(row, 0, ACCEPTED_AT),
        .expires_at = db_timestamp(row, 0, EXPIRES_AT),
    };
    if (!offer_status_parse(db_text(row, 0, STATUS), &offer.status)) {
        return DB_BROKEN;
    }
    enum db_status status = DB_OK;
    switch (offer_activate(&offer)) {
    case ACTIVATE_NOW:
        status = activate_now(db, key, ret_activated);
        return *ret_activated ? notify(db, key, row) : status;
    case ACTIVATE_REFUSED:
        return refuse(batch, key, db_text(row, 0, STATUS));
    case ACTIVATE_DONE_BEFORE:
        break;
    }
    return DB_OK;
}

// An acceptance of somebody who was erased since is dropped.
static enum db_status reject_unknown(struct db *db, const struct offer_key *key,
                                     struct event_line *line)
{
    __attribute__((cleanup(db_result_free))) struct db_result *erasure = NULL;
    enum db_status status = db_run(db, &sql_erasure, key->parameters, 1, &erasure);
    if (status == DB_OK && db_rows(erasure) == 0) {
        line->rejected = "unknown offer";
    }
    return status;
}

static enum db_status activate_one(struct batch *batch, struct accepted_line *accepted)
{
    struct db *db = batch->activator->db;
    struct offer_key key;
    write_key(accepted, &key);
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run_later(db, &sql_lock_activations, key.parameters, 1);
    if (status == DB_OK) {
        status = db_run(db, &sql_lock_accepted_offer, key.parameters, 2, &row);
    }
    if (status != DB_OK) {
        return status;
    }
    batch->lines[accepted->line].rejected = NULL;
    if (db_rows(row) == 0) {
        return reject_unknown(db, &key, &batch->lines[accepted->line]);
    }
    if (!db_null(row, 0, ACTIVATED_AT)) {
        return DB_OK; /* done before, whatever became of the credit since */
    }
    return judge(batch, &key, row, &accepted->activated);
}

static enum db_status activate_batch(struct db *db, void *arg)
{
    (void)db;
    struct batch *batch = arg;
    enum db_status status = DB_OK;
    for (size_t i = 0; i < batch->count && status == DB_OK; i++) {
        batch->accepted[i].activated = false;
        status = activate_one(batch, &batch->accepted[i]);
    }
    return status;
}

// ---- after the commit

static void tell_activated(const struct batch *batch)
{
    outbox_wake(batch->activator->notifications);
    for (size_t i = 0; i < batch->count; i++) {
        struct offer_key key;
        if (batch->accepted[i].activated) {
            write_key(&batch->accepted[i], &key);
            log_info(batch->activator->log, "offer activated", LOG_TEXT("offer_id", key.offer_id),
                     LOG_TEXT("user_id", key.user_id));
        }
    }
}

enum handled activate_offers(void *context, struct event_line *lines, size_t count)
{
    struct activator *activator = context;
    struct batch batch = {
        .activator = activator,
        .lines = lines,
        .accepted = memory_zeroed(count, sizeof(struct accepted_line)),
    };
    read_lines(&batch, count);
    enum db_status status = DB_OK;
    if (batch.count > 0) {
        status = db_transaction(activator->db, activate_batch, &batch);
    }
    if (status == DB_OK) {
        tell_activated(&batch);
    } else if (status != DB_AWAY) {
        log_warning(activator->log, "batch not stored",
                    LOG_TEXT("worker", "credit-application-worker"),
                    LOG_NUMBER("lines", batch.count), LOG_TEXT("why", db_error(activator->db)));
    }
    free(batch.accepted);
    return worker_verdict(status);
}
