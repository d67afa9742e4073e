// SPDX-License-Identifier: Apache-2.0
// Two marks in the bytes that were sent, moved by each look.
#include "platform/bus/room.h"

#define SHARE_KEPT_FREE 8
#define SHARE_TO_OPEN 6 /* free of a full stream before it is used again */
#define SHARE_OF_A_CREDIT 128

enum room_state room_state(const struct room *room)
{
    if (atomic_load(&room->full)) {
        return ROOM_FULL;
    }
    return atomic_load(&room->sent) < atomic_load(&room->open_to) ? ROOM_OPEN : ROOM_UNKNOWN;
}

// Once a credit, early enough for the look to be over before the credit is.
bool room_take(struct room *room, uint64_t bytes)
{
    const uint64_t before = atomic_fetch_add(&room->sent, bytes);
    const uint64_t look_from = atomic_load(&room->look_from);
    return before < look_from && before + bytes >= look_from;
}

bool room_wants_look(const struct room *room)
{
    return !atomic_load(&room->full) && atomic_load(&room->sent) >= atomic_load(&room->look_from);
}

uint64_t room_sent(const struct room *room)
{
    return atomic_load(&room->sent);
}

bool room_looked_at(struct room *room, uint64_t sent_before, uint64_t used, uint64_t maximum)
{
    const bool was_full = atomic_load(&room->full);
    const uint64_t left = used < maximum ? maximum - used : 0;
    const bool full = left < maximum / (was_full ? SHARE_TO_OPEN : SHARE_KEPT_FREE);
    const uint64_t credit = full ? 0 : maximum / SHARE_OF_A_CREDIT;
    atomic_store(&room->look_from, sent_before + credit / 8);
    atomic_store(&room->open_to, sent_before + credit);
    atomic_store(&room->full, full);
    return full != was_full;
}
