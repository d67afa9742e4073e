// SPDX-License-Identifier: Apache-2.0
// Numbers, as in a waiting room. Nobody leaves without having been served.
#include "platform/bus/turn.h"

#include "platform/bus/bus_internal.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

struct turn {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t moved;
    uint64_t next;    /* number to be given out */
    uint64_t served;  /* whose turn it is; `next`: nobody's */
    int64_t since_ms; /* when it became that one's */
};

struct turn *turn_new(void)
{
    struct turn *turn = memory_zeroed(1, sizeof *turn);
    pthread_mutex_init(&turn->lock, NULL);
    condition_init(&turn->moved);
    return turn;
}

void turn_free(struct turn **turn)
{
    if (*turn == NULL) {
        return;
    }
    pthread_cond_destroy(&(*turn)->moved);
    pthread_mutex_destroy(&(*turn)->lock);
    free(*turn);
    *turn = NULL;
}

static void serve_next(struct turn *turn)
{
    turn->served++;
    turn->since_ms = clock_monotonic_ms();
    pthread_cond_broadcast(&turn->moved);
}

uint64_t turn_take(struct turn *turn, int64_t patience_ms)
{
    pthread_mutex_lock(&turn->lock);
    const uint64_t number = turn->next++;
    if (turn->served == number) {
        turn->since_ms = clock_monotonic_ms();
    }
    while (turn->served < number) {
        const int64_t deadline = turn->since_ms + patience_ms;
        if (clock_monotonic_ms() >= deadline) {
            serve_next(turn);
        } else {
            condition_wait_until(&turn->moved, &turn->lock, deadline);
        }
    }
    pthread_mutex_unlock(&turn->lock);
    return number;
}

void turn_give_back(struct turn *turn, uint64_t number)
{
    pthread_mutex_lock(&turn->lock);
    if (turn->served == number) {
        serve_next(turn);
    }
    pthread_mutex_unlock(&turn->lock);
}
