// SPDX-License-Identifier: Apache-2.0
// Fetching from a pull consumer over an ordinary subscription. The client library's own fetch
// (natsSubscription_Fetch of 3.4.1) writes beyond its array when messages of an earlier, timed out
// fetch are still arriving; here every message that comes is welcome, whichever request it answers.
#pragma once

#include "platform/bus/bus_internal.h"

#include <stddef.h>
#include <stdint.h>

struct pull;

// Subscribes; NULL while the broker is away. The consumer need not exist.
struct pull *pull_open(struct link *link, const char *stream, const char *consumer);
void pull_close(struct pull **pull);

struct pull_request {
    size_t messages; /* at most */
    int64_t bytes;   /* at most; must be more than the largest message */
    int64_t wait_ms; /* for the first message, when none is there */
};

// Takes over a message: natsMsg_Destroy is the taker's.
typedef void pull_take_fn(void *arg, natsMsg *message);

// Asks for messages and hands over those that come until the broker has no more at the moment, all
// came, or the wait is over. Answers how many.
size_t pull_fetch(struct pull *pull, const struct pull_request *request, pull_take_fn *take,
                  void *arg);

// What a delivered message tells about itself in its reply subject.
struct pull_origin {
    uint64_t sequence;   /* in the stream */
    uint64_t deliveries; /* this one included */
    uint64_t pending;    /* messages of the stream not delivered yet */
    int64_t stored_at;   /* nanoseconds since 1970 */
};

struct pull_origin pull_origin(natsMsg *message);

// Acknowledgements; sent without waiting. A later one for the same message changes nothing.
void pull_ack(struct link *link, natsMsg *message);
void pull_nak(struct link *link, natsMsg *message, int64_t delay_ms);
void pull_in_progress(struct link *link, natsMsg *message);
