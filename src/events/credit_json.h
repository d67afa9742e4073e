// SPDX-License-Identifier: Apache-2.0
// The JSON of an accepted offer (stream `credits`) and of a notification (stream `notifications`).
#pragma once

#include "domain/money.h"
#include "domain/policy.h"
#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>

struct accepted_offer {
    struct uuid offer_id;
    struct uuid user_id;
    const char *credit_limit;  /* decimal text */
    const char *interest_rate; /* decimal text */
    const char *credit_type;
    timestamp accepted_at;
    const char *trace_id;
};

// The message; the caller frees it.
char *accepted_offer_json(const struct accepted_offer *offer, size_t *ret_length);

// Reads what the activation needs of a message: the ids. False with a reason (static text).
bool accepted_offer_from_json(const char *json, size_t length, struct uuid *ret_offer_id,
                              struct uuid *ret_user_id, const char **ret_reason);

struct notification {
    struct uuid notification_id;
    struct uuid user_id;
    struct uuid offer_id;
    const char *type; /* CREDIT_LIMIT_APPLIED */
    const char *title;
    const char *message;
    const char *trace_id;
};

// The message; the caller frees it.
char *notification_json(const struct notification *notification, size_t *ret_length);
