// SPDX-License-Identifier: Apache-2.0
// A batch of emotions, one a line: each line is judged, and goes to the broker, while the next ones
// are still on their way. The answer comes when all are durable. Everything is on the loop's
// thread.
#pragma once

#include "domain/emotion.h"
#include "platform/http/exchange.h"
#include "services/ingestion.h"

// Takes the exchange over, and answers it: 202 with how many lines were accepted and what is wrong
// with each other line, or a problem. `key` is the sender's Idempotency-Key or NULL: with it, and
// the line's number, an event that has no id of its own gets one.
void batch_receive(struct http_exchange *exchange, struct ingestion *ingestion,
                   const struct event_window *window, const char *key);
