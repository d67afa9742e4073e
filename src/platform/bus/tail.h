// SPDX-License-Identifier: Apache-2.0
// Watching a subject: the messages as they come from now on, by an ordinary subscription that
// leaves no trace at the broker and misses what comes while the connection is away.
#pragma once

#include "platform/bus/bus.h"

#include <stddef.h>
#include <stdint.h>

struct tail;

struct tail_message {
    const char *subject;
    const char *data; /* not NUL-terminated; one or several lines */
    size_t length;
};

enum tail_result { TAIL_MESSAGE, TAIL_NOTHING, TAIL_ENDED };

// Begins to watch; the subject may have wildcards. NULL when the broker is away or the subject is
// not one.
struct tail *tail_open(struct bus *bus, const char *subject);

// Waits for the next message, which lasts until the next call.
enum tail_result tail_next(struct tail *tail, int64_t timeout_ms, struct tail_message *ret);

void tail_close(struct tail **tail);
