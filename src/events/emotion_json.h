// SPDX-License-Identifier: Apache-2.0
// The JSON of an emotion event: as the app sends it, and as a line of the stream `emotions`
// (`eventId`, `userId`, `timestamp`, `emotionEvent`, `traceId`).
#pragma once

#include "domain/emotion.h"

#include <stdbool.h>
#include <stddef.h>

#define EMOTION_LINE_MAX 1024
#define EVENT_TRACE_MAX 64

enum event_read { EVENT_GOOD, EVENT_NOT_JSON, EVENT_FAULTY };

// Reads what the app sent. Sets *ret only when EVENT_GOOD; an absent `eventId` becomes a new one.
// EVENT_FAULTY: every fault was added to `faults` (JSON that is no object is a fault of the field
// ""). EVENT_NOT_JSON: `error` (256 bytes) says why.
enum event_read emotion_from_request(const char *json, size_t length,
                                     const struct event_window *window, struct emotion_event *ret,
                                     struct faults *faults, char *error);

// Writes the event as a line of the stream, without a newline; answers its length.
size_t emotion_to_line(const struct emotion_event *event, const char *trace_id,
                       char line[static EMOTION_LINE_MAX]);

// Reads a line of the stream; extra fields are ignored, its time is not judged again. False with a
// reason (static text) in *ret_reason when it can never be stored.
bool emotion_from_line(const char *line, size_t length, struct emotion_event *ret,
                       const char **ret_reason);
