// SPDX-License-Identifier: Apache-2.0
// A thread that does one piece of work over and over: when it is started, at once or a little
// later, then each time a pause has passed or it is woken, and again without a pause while the work
// says that more is waiting.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The first time of work that can wait until the process is ready to serve.
#define TICKER_AFTER_START_MS 1000

struct ticker;

// Does the work; true when there is more to do now. Runs on the ticker's thread.
typedef bool ticker_work(void *arg);

// Makes a ticker that does not run yet; `name` is at most 15 characters, static text.
struct ticker *ticker_new(const char *name, int64_t pause_ms, ticker_work *work, void *arg);

// Starts its thread, which works at once. Never fails: without a thread at start the process ends.
void ticker_start(struct ticker *ticker);

// The same, but the thread pauses for TICKER_AFTER_START_MS first, unless it is woken.
void ticker_start_later(struct ticker *ticker);

// Ends the pause; from any thread.
void ticker_wake(struct ticker *ticker);

// True once ticker_free was called: work that takes long looks at it.
bool ticker_is_stopping(const struct ticker *ticker);

// Waits for the work at hand, ends the thread if it was started, and frees; nulls.
void ticker_free(struct ticker **ticker);
