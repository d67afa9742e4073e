// SPDX-License-Identifier: Apache-2.0
// Keeps the streams and consumers there: a thread of its own makes what is missing when the broker
// was connected (again) and when somebody found a stream or a consumer gone.
// Opened by bus_open, started by bus_keep_streams, ended by bus_close.
#pragma once

#include "platform/bus/streams.h"

#include <stdbool.h>

struct keeper;

struct keeper *keeper_new(struct bus *bus);
void keeper_start(struct keeper *keeper, const struct stream_settings *settings);

// Ends the thread; what asks for a look may still be called, and does nothing.
void keeper_stop(struct keeper *keeper);
void keeper_free(struct keeper **keeper);

// Whether the last look found or made everything.
bool keeper_is_content(const struct keeper *keeper);

// Ask for a look, now and a moment later; from any thread, also before the start.
void keeper_connected(struct keeper *keeper);
void keeper_missing(struct keeper *keeper);
