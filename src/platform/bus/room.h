// SPDX-License-Identifier: Apache-2.0
// How much a process may publish to one stream, so that the stream's own limit is never reached:
// nats-server 2.9 compares a message with it without the message's head, and drops the oldest
// messages when it took one too many. Above a high-water mark, seven eighths of the limit, a stream
// is full. Below it each look at the stream lets the process send a credit, a 128th of the limit,
// before it has to look again. So whatever the speed, once the mark is passed a process sends what
// is left of one credit, and the last eighth has room for that of many processes. No broker here.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum room_state {
    ROOM_OPEN,
    ROOM_UNKNOWN, /* nothing may be sent until somebody looked (again) */
    ROOM_FULL,
};

// Begins as ROOM_UNKNOWN with all its bytes 0. Bytes count from the start of the process.
struct room {
    atomic_uint_fast64_t sent;
    atomic_uint_fast64_t look_from; /* from so many `sent` on somebody ought to look */
    atomic_uint_fast64_t open_to;   /* from so many `sent` on nothing is sent */
    atomic_bool full;
};

// Any thread.
enum room_state room_state(const struct room *room);

// Counts bytes that are about to be sent; any thread. True when it is time to look.
bool room_take(struct room *room, uint64_t bytes);

// Whether it is time to look, as room_take tells once; a full stream can wait.
bool room_wants_look(const struct room *room);

// To be asked before a look at the stream: all that is sent from here on counts against the credit.
uint64_t room_sent(const struct room *room);

// Tells what the look showed: bytes `used` of `maximum`. A full stream opens again when a bit more
// than the mark asks for is free. True when it became full or open again.
bool room_looked_at(struct room *room, uint64_t sent_before, uint64_t used, uint64_t maximum);
