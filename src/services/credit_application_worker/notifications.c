// SPDX-License-Identifier: Apache-2.0
// The words of a notification, its row, and its message on the stream `notifications`.
#include "services/credit_application_worker/notifications.h"

#include "domain/policy.h"
#include "events/credit_json.h"
#include "platform/bus/streams.h"
#include "platform/ids.h"
#include "services/credit_application_worker/statements.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_SIZE 256

static const char type_applied[] = "CREDIT_LIMIT_APPLIED";

static const char *words_for(const char *credit_type)
{
    if (strcmp(credit_type, credit_type_name(LONG_TERM_PERSONAL_LOAN)) == 0) {
        return "long-term personal loan";
    }
    if (strcmp(credit_type, credit_type_name(SHORT_TERM_PERSONAL_LOAN)) == 0) {
        return "short-term personal loan";
    }
    return "credit";
}

enum db_status notification_write(struct db *db, const struct activated_credit *credit)
{
    struct uuid new_id = ids_new();
    char id[UUID_TEXT_SIZE];
    uuid_format(&new_id, id);
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message,
             "Your %s is ready: you can use up to %s, at %s %% interest a year.",
             words_for(credit->type), credit->limit, credit->rate);
    struct db_parameter row[] = {
        db_text_parameter(id),
        db_text_parameter(credit->user_id),
        db_text_parameter(credit->offer_id),
        db_text_parameter(type_applied),
        db_text_parameter("Your new credit limit is active"),
        db_text_parameter(message),
        db_text_parameter(credit->trace_id),
    };
    return db_run_later(db, &sql_insert_notification, row, sizeof row / sizeof *row);
}

enum notification_column {
    OFFER_ID = OUTBOX_FIRST_OWN,
    TYPE,
    TITLE,
    MESSAGE,
};

static char *build_message(const struct db_result *rows, size_t row, size_t *ret_length)
{
    struct notification notification = {
        .notification_id = db_uuid(rows, row, OUTBOX_ID),
        .user_id = db_uuid(rows, row, OUTBOX_USER_ID),
        .offer_id = db_uuid(rows, row, OFFER_ID),
        .type = db_text(rows, row, TYPE),
        .title = db_text(rows, row, TITLE),
        .message = db_text(rows, row, MESSAGE),
        .trace_id = db_text(rows, row, OUTBOX_TRACE_ID),
    };
    return notification_json(&notification, ret_length);
}

const struct outbox_spec notifications_outbox = {
    .name = "credit-application-worker outbox",
    .subject = SUBJECT_NOTIFICATIONS,
    .waiting = &sql_unpublished_notifications,
    .mark = &sql_mark_notifications_published,
    .build = build_message,
};
