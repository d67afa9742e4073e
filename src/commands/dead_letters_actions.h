// SPDX-License-Identifier: Apache-2.0
// What `ecs dead-letters` does: one function an action, each answers the exit status.
#pragma once

#include "platform/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Which letters: the numbers, or all that the filters let through.
struct dead_letters_choice {
    uint64_t *sequences;
    size_t count;
    bool all;
    bool json;
    const char *subject; /* NULL: any */
    const char *reason;  /* a part of it; NULL: any */
    const char *user;    /* a person's id that the event names; NULL: any */
};

// Whether a filter is set.
bool dead_letters_filtered(const struct dead_letters_choice *choice);

typedef int dead_letters_action(struct bus *bus, const struct dead_letters_choice *choice);

dead_letters_action dead_letters_list;
dead_letters_action dead_letters_show;
dead_letters_action dead_letters_replay_chosen;
dead_letters_action dead_letters_purge_chosen;
