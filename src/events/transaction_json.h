// SPDX-License-Identifier: Apache-2.0
// The JSON of a transaction: as the bank sends it, and as a line of the stream `transactions`
// (`eventId`, `userId`, `amount`, `occurredAt`, `traceId`).
#pragma once

#include "domain/emotion.h"
#include "domain/transaction.h"
#include "events/emotion_json.h"

#include <stdbool.h>
#include <stddef.h>

#define TRANSACTION_LINE_MAX 512

// Reads what the bank sent; an absent `occurredAt` becomes window->now. `event_id` is not touched:
// it comes from the idempotency key. Otherwise as emotion_from_request.
enum event_read transaction_from_request(const char *json, size_t length,
                                         const struct event_window *window,
                                         struct transaction_event *ret, struct faults *faults,
                                         char *error);

// Writes the event as a line of the stream, without a newline; answers its length.
size_t transaction_to_line(const struct transaction_event *event, const char *trace_id,
                           char line[static TRANSACTION_LINE_MAX]);

// Reads a line of the stream. False with a reason (static text) when it can never be stored.
bool transaction_from_line(const char *line, size_t length, struct transaction_event *ret,
                           const char **ret_reason);
