// SPDX-License-Identifier: Apache-2.0
// The turn of the threads that consume one stream in a process. For a steady stream one thread at a
// time is enough, and two that each store a few events take both processors from everybody who
// waits for an answer. So whoever has no large batch in hand fetches and stores in its turn, first
// come, first served.
#pragma once

#include <stdint.h>

struct turn;

struct turn *turn_new(void);

// Nobody has the turn or waits for it. NULL is allowed.
void turn_free(struct turn **turn);

// Waits for the turn; answers a number to give it back by. Whoever has it for longer than the
// patience while others wait is passed over, so that a batch that is stuck does not stop them.
uint64_t turn_take(struct turn *turn, int64_t patience_ms);

// Gives it to the next who waits. Nothing happens when that was done before, or when this turn was
// passed over.
void turn_give_back(struct turn *turn, uint64_t number);
