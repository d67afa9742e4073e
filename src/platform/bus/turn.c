// SPDX-License-Identifier: Apache-2.0
// A lock, and a promise that passes the turn from who gives it back to one of those who wait.
#include "platform/bus/turn.h"

#include "platform/bus/bus_internal.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

struct turn {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t given;
    bool taken;
    bool promised; /* taken, by the first of the waiting that wakes */
    unsigned waiting;
};

struct turn *turn_new(void)
{
    struct turn *turn = memory_zeroed(1, sizeof *turn);
    pthread_mutex_init(&turn->lock, NULL);
    condition_init(&turn->given);
    return turn;
}

void turn_free(struct turn **turn)
{
    if (*turn == NULL) {
        return;
    }
    pthread_cond_destroy(&(*turn)->given);
    pthread_mutex_destroy(&(*turn)->lock);
    free(*turn);
    *turn = NULL;
}

static bool wait_for_promise(struct turn *turn, int64_t deadline)
{
    turn->waiting++;
    while (!turn->promised && clock_monotonic_ms() < deadline) {
        condition_wait_until(&turn->given, &turn->lock, deadline);
    }
    turn->waiting--;
    const bool promised = turn->promised;
    turn->promised = false;
    return promised;
}

bool turn_take(struct turn *turn, int64_t within_ms)
{
    const int64_t deadline = clock_monotonic_ms() + within_ms;
    pthread_mutex_lock(&turn->lock);
    bool mine = !turn->taken || wait_for_promise(turn, deadline);
    turn->taken = true;
    pthread_mutex_unlock(&turn->lock);
    return mine;
}

void turn_give_back(struct turn *turn)
{
    pthread_mutex_lock(&turn->lock);
    turn->promised = turn->waiting > 0;
    turn->taken = turn->promised;
    pthread_cond_signal(&turn->given);
    pthread_mutex_unlock(&turn->lock);
}
