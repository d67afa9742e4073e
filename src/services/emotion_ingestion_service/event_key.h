// SPDX-License-Identifier: Apache-2.0
// A sender without ids of its own names events by an Idempotency-Key: the same key is the same
// event.
#pragma once

#include "domain/emotion.h"
#include "services/ingestion.h"

#include <stdbool.h>

// Gives an event that has no id of its own the one that a key leads to, and judges whether it is
// the event that the key led to before: a repeat may be stamped with a new time. A fault when not.
bool event_key_name(struct ingestion *ingestion, enum key_kind kind, const char *key,
                    struct emotion_event *event, struct faults *faults);
