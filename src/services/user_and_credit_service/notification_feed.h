// SPDX-License-Identifier: Apache-2.0
// The open streams of notifications of a process, and the thread that feeds them: one statement
// each half a second asks for what is new to any of them.
#pragma once

#include "platform/db/db.h"
#include "platform/json.h"
#include "services/service.h"

#include <stdbool.h>

struct notification_feed;

// Starts the thread, with a connection of its own. NULL with one line in `error`.
struct notification_feed *notification_feed_start(const struct service_environment *environment,
                                                  char error[static SERVICE_ERROR_SIZE]);

// After the last stream has ended.
void notification_feed_stop(struct notification_feed **feed);

// Answers with a stream of the notifications of the person of the token that come after one; where
// the person has many already the oldest ends. False, and nothing answered, when the process has
// too many. On a worker thread.
bool notification_feed_join(struct notification_feed *feed, struct http_exchange *exchange,
                            const struct uuid *after);

// A notification as clients see it, from a row that begins with id, type, title, message, offer_id
// and created_at; a new reference.
json_t *notification_item(const struct db_result *rows, size_t row);
