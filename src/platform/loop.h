// SPDX-License-Identifier: Apache-2.0
// An event loop of one thread (libuv): what HTTP connections and group commits live on.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_hook;
typedef void loop_fn(void *arg);

// How many loops a process should have for the processors that it may run on: one for every two,
// since what it talks to on the same machine needs as much as it does (docs/performance.md), and at
// most four. A quota of a container is not seen.
size_t loops_for_processors(void);

struct loop *loop_new(void);
void loop_free(struct loop **loop);

// Runs until loop_stop; the calling thread is the loop's thread from then on.
void loop_run(struct loop *loop);

// Handles what is there already, and waits for nothing; after loop_run has returned.
void loop_run_once(struct loop *loop);

// Asks the loop to end; from any thread.
void loop_stop(struct loop *loop);

// Milliseconds of the monotonic clock as the present round of the loop began, or as its last one
// did; on the loop's thread. Costs no look at the clock.
int64_t loop_now_ms(struct loop *loop);

// Calls fn(arg) on the loop's thread soon; from any thread, in the order of the calls of one
// thread. Many posts between two rounds cost one wake-up.
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

// Calls fn(arg) at the end of every round, after all input of that round was handled and before
// the loop waits again: the moment of a group commit.
struct loop_hook *loop_on_round_end(struct loop *loop, loop_fn *fn, void *arg);
void loop_hook_free(struct loop_hook **hook);

// Says that a hook has something to do now. While a round ends that hook may have run already:
// then another round follows without a wait for input. On the loop's thread.
void loop_has_work(struct loop *loop);

// For a hook: once this round has ended the loop does nothing for so long, or until something is
// posted; the shortest rest holds when several are asked for. What comes in meanwhile gathers for
// one round, as in a network card that moderates its interrupts. That round follows in any case.
void loop_rest(struct loop *loop, int64_t microseconds);

// Calls fn(arg) after `first_ms`, then every `repeat_ms` (0: once), on the loop's thread.
struct loop_timer *loop_timer_start(struct loop *loop, uint64_t first_ms, uint64_t repeat_ms,
                                    loop_fn *fn, void *arg);
void loop_timer_free(struct loop_timer **timer);

// For the modules of platform/ that are built on libuv themselves: the uv_loop_t.
void *loop_handle(struct loop *loop);
