// SPDX-License-Identifier: Apache-2.0
// A thread that does one piece of work over and over: at once, then each time a pause has passed or
// it is woken, and again without a pause while the work says that more is waiting.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ticker;

// Does the work; true when there is more to do now. Runs on the ticker's thread.
typedef bool ticker_work(void *arg);

// Starts the thread; `name` is at most 15 characters. Never fails: without a thread at start the
// process ends.
struct ticker *ticker_start(const char *name, int64_t pause_ms, ticker_work *work, void *arg);

// Ends the pause; from any thread.
void ticker_wake(struct ticker *ticker);

// True once ticker_stop was called: work that takes long looks at it.
bool ticker_is_stopping(const struct ticker *ticker);

// Waits for the work at hand, ends the thread and frees; nulls.
void ticker_stop(struct ticker **ticker);
