// SPDX-License-Identifier: Apache-2.0
// A person's notifications: page by page, and live as server-sent events (WHATWG HTML,
// section 9.2).
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/listing.h"
#include "services/user_and_credit_service/notification_feed.h"
#include "services/user_and_credit_service/statements.h"

#include <string.h>

#define RETRY_MS 1000

void list_notifications(struct http_exchange *exchange, void *state, void *context)
{
    static const struct listing notifications = {
        .count = &sql_count_notifications,
        .rows = &sql_list_notifications,
        .item = notification_item,
    };
    (void)state;
    listing_answer(exchange, context, &notifications);
}

// The last notification that the client has; false when the header is none, and 422 is answered.
static bool read_last_id(struct http_exchange *exchange, char id[static UUID_TEXT_SIZE])
{
    const char *text = http_header(exchange, "Last-Event-ID");
    struct uuid last;
    id[0] = '\0';
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    if (!uuid_parse(text, strlen(text), &last)) {
        struct faults faults = {0};
        faults_add(&faults, "Last-Event-ID", "must be the id of a notification");
        http_answer_faults(exchange, &faults);
        return false;
    }
    uuid_format(&last, id);
    return true;
}

// After which notification the stream begins: the one that the client names, or the newest.
static struct db_result *find_start(struct desk *desk, struct http_exchange *exchange,
                                    const char *last_id)
{
    char person[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), person);
    struct db_parameter parameters[] = {
        db_text_parameter(person),
        last_id[0] != '\0' ? db_text_parameter(last_id) : DB_NULL,
    };
    return desk_find(desk, exchange, &sql_newest_notification, parameters, 2);
}

void stream_notifications(struct http_exchange *exchange, void *state, void *context)
{
    struct user_credit *service = state;
    char last_id[UUID_TEXT_SIZE];
    if (!read_last_id(exchange, last_id)) {
        return;
    }
    __attribute__((cleanup(db_result_free))) struct db_result *start =
        find_start(context, exchange, last_id);
    if (start != NULL) {
        const struct uuid after = db_uuid(start, 0, 0);
        if (!notification_feed_join(service->feed, exchange, &after)) {
            http_answer_unavailable(exchange, "Too many streams are open already.", RETRY_MS);
        }
    }
}
