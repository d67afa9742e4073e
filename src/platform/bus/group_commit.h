// SPDX-License-Identifier: Apache-2.0
// Group commit: the lines that arrive in one round of a loop, while a message is on its way, or
// closely one after the other go out as one message, a few messages in flight at most; when
// JetStream acknowledges a message, everyone who waits for it is told. One object belongs to one
// loop and one subject; all calls and callbacks are on the loop's thread.
#pragma once

#include "platform/bus/bus.h"
#include "platform/loop.h"
#include "platform/metrics.h"

#include <stddef.h>
#include <stdint.h>

#define GROUP_LINE_MAX 4096 /* bytes of one line */

struct group_commit;

// Told once for each line, in the order of the lines of a message. BUS_OK: durable.
typedef void group_done_fn(void *arg, enum bus_result result);

struct group_commit_options {
    const char *subject;
    size_t maximum_in_flight;     /* messages not yet acknowledged */
    size_t worth_sending;         /* lines; fewer wait for others: 2 ms at most, or while a message
                                     is in flight, a twentieth of a second at most */
    size_t maximum_message_bytes; /* of one message; below the broker's max_payload */
    size_t maximum_waiting_bytes; /* not yet sent; beyond it a line is refused */
    int64_t timeout_ms;           /* from adding a line to BUS_TIMEOUT */
    struct metrics *metrics;
    void (*before_send)(void *arg); /* before each message leaves; or NULL */
    void *arg;
};

struct group_commit *group_commit_new(struct loop *loop, struct bus *bus,
                                      const struct group_commit_options *options);
void group_commit_free(struct group_commit **group);

// Adds one line (without its newline; copied). Answers BUS_OK when the line waits now and done(arg)
// will be called; else why not, and done is never called.
enum bus_result group_commit_add(struct group_commit *group, const char *line, size_t length,
                                 group_done_fn *done, void *arg);

// Lines whose fate is still open.
size_t group_commit_pending(const struct group_commit *group);
