// SPDX-License-Identifier: Apache-2.0
// What people are told of their credit: written beside the activation, published by an outbox.
#pragma once

#include "domain/uuid.h"
#include "platform/outbox.h"

// The credit that a notification is about, in the database's text.
struct activated_credit {
    const char *user_id;
    const char *offer_id;
    const char *limit;
    const char *rate;
    const char *type;
    const char *trace_id;
};

// Writes the notification of an activation; the second one of an offer is not written.
enum db_status notification_write(struct db *db, const struct activated_credit *credit);

extern const struct outbox_spec notifications_outbox;
