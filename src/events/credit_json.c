// SPDX-License-Identifier: Apache-2.0
// The JSON of accepted offers and notifications. The offer's figures come as the database's decimal
// text and go out as the same digits.
#include "events/credit_json.h"

#include "events/members.h"
#include "platform/buffer.h"
#include "platform/json.h"

#include <stdlib.h>

static const struct member_reason reasons[] = {
    {"", "must be a JSON object"},
    {"offerId", "offerId must be a UUID"},
    {"userId", "userId must be a UUID"},
};

// Adds `,"key":"value"`.
static void add_text_member(struct buffer *json, const char *key, const char *value)
{
    __attribute__((cleanup(json_release))) json_t *string = json_string(value);
    size_t length;
    char *quoted = json_text(string, &length);
    buffer_add_format(json, ",\"%s\":%s", key, quoted);
    free(quoted);
}

char *accepted_offer_json(const struct accepted_offer *offer, size_t *ret_length)
{
    char offer_id[UUID_TEXT_SIZE], user_id[UUID_TEXT_SIZE], accepted_at[TIMESTAMP_TEXT_SIZE];
    uuid_format(&offer->offer_id, offer_id);
    uuid_format(&offer->user_id, user_id);
    timestamp_format(offer->accepted_at, accepted_at);
    struct buffer json = {0};
    buffer_add_format(
        &json, "{\"offerId\":\"%s\",\"userId\":\"%s\",\"creditLimit\":%s,\"interestRate\":%s",
        offer_id, user_id, offer->credit_limit, offer->interest_rate);
    add_text_member(&json, "creditType", offer->credit_type);
    add_text_member(&json, "acceptedAt", accepted_at);
    add_text_member(&json, "traceId", offer->trace_id);
    buffer_add_text(&json, "}");
    *ret_length = json.length;
    return json.data;
}

bool accepted_offer_from_json(const char *json, size_t length, struct uuid *ret_offer_id,
                              struct uuid *ret_user_id, const char **ret_reason)
{
    __attribute__((cleanup(json_release))) json_t *object = NULL;
    char error[JSON_ERROR_SIZE];
    struct faults faults = {0};
    struct uuid offer_id, user_id;
    enum event_read read = members_open(json, length, &object, &faults, error);
    if (read == EVENT_NOT_JSON) {
        *ret_reason = "not JSON";
        return false;
    }
    if (read == EVENT_GOOD) {
        member_uuid(object, "offerId", &faults, &offer_id);
        member_uuid(object, "userId", &faults, &user_id);
    }
    if (faults.count > 0) {
        *ret_reason = member_reason(reasons, &faults);
        return false;
    }
    *ret_offer_id = offer_id;
    *ret_user_id = user_id;
    return true;
}

char *notification_json(const struct notification *notification, size_t *ret_length)
{
    __attribute__((cleanup(json_release))) json_t *object = json_pack(
        "{s:o, s:o, s:s, s:s, s:s, s:o, s:s}", "notificationId",
        json_uuid(&notification->notification_id), "userId", json_uuid(&notification->user_id),
        "type", notification->type, "title", notification->title, "message", notification->message,
        "offerId", json_uuid(&notification->offer_id), "traceId", notification->trace_id);
    return json_text(object, ret_length);
}
