// SPDX-License-Identifier: Apache-2.0
// The room of each stream (room.h): a thread of its own looks how full those are to which this
// process publishes, twice a second and whenever a credit is used up. It tells when one becomes
// full or opens again, and raises the alarm when messages left a stream before its worker stored
// them. Opened by bus_open, started by bus_keep_streams, ended by bus_close.
#pragma once

#include "platform/bus/room.h"

#include <stddef.h>

struct bus;
struct rooms;

struct rooms *rooms_new(struct bus *bus);
void rooms_start(struct rooms *rooms);
void rooms_free(struct rooms **rooms);

// Asks for a look now: the streams may just have been made.
void rooms_wake(struct rooms *rooms);

// Whether something may be published to a subject. ROOM_OPEN before rooms_start, and where no
// stream takes the subject.
enum room_state rooms_state(const struct rooms *rooms, const char *subject);

// Counts a message that is about to be published; `length` without its head.
void rooms_take(struct rooms *rooms, const char *subject, size_t length);

// The name of a stream that is full, or NULL.
const char *rooms_full(const struct rooms *rooms);
