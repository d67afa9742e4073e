// SPDX-License-Identifier: Apache-2.0
// Activating accepted offers: a batch of messages in one transaction.
#pragma once

#include "platform/bus/consumer.h"
#include "platform/db/db.h"
#include "platform/log.h"
#include "platform/outbox.h"

// The context of the consumer's thread.
struct activator {
    struct log *log;
    struct db *db;
    struct outbox *notifications; /* woken when there is something to tell; not owned */
};

// The consumer's handle_lines_fn: `context` is a struct activator.
enum handled activate_offers(void *context, struct event_line *lines, size_t count);
