// SPDX-License-Identifier: Apache-2.0
// The turn of the threads that consume one stream in a process. For a steady stream one thread at a
// time is enough, and two that each store a few events take both processors from everybody who
// waits for an answer. So whoever has no large batch in hand fetches and stores in its turn. Nobody
// waits longer than a moment, so that a batch that is stuck does not stop the others.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct turn;

struct turn *turn_new(void);

// Nobody has the turn or waits for it. NULL is allowed.
void turn_free(struct turn **turn);

// Waits for the turn; false when it did not come within the time. Who waits gets it before whoever
// has just given it back.
bool turn_take(struct turn *turn, int64_t within_ms);
void turn_give_back(struct turn *turn);
