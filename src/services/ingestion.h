// SPDX-License-Identifier: Apache-2.0
// What the two ingestion services share: events become lines of a stream by group commit, and a
// request is answered when its line is durable. Everything here runs on a loop's thread; each loop
// commits for itself.
#pragma once

#include "domain/emotion.h"
#include "domain/faults.h"
#include "events/emotion_json.h"
#include "platform/bus/group_commit.h"
#include "platform/http/exchange.h"
#include "services/service.h"
#include "services/shared_keys.h"

#include <stddef.h>

struct intake;    /* the way to one subject, from a service's start to its stop */
struct ingestion; /* one loop's part of it */

// `subject` is static text. The replicas of a service tell each other what keys were used for under
// the setting `keys_secret`.
struct intake *intake_new(const struct service_environment *environment, const char *subject,
                          enum setting keys_secret);
void intake_free(struct intake **intake);

struct ingestion *ingestion_new(struct intake *intake, const struct service_loop *on);

// A service's loop_close, where its loop_open is made of ingestion_new.
void ingestion_close(void *ingestion);

// The window for an event's own time, as of now, with the given greatest age in days.
struct event_window ingestion_window(const struct ingestion *ingestion, int64_t max_age_days);

// The sender's Idempotency-Key, which decides an event's id; NULL when there is none. One that
// cannot be used is a fault.
const char *ingestion_key(const struct http_exchange *exchange, struct faults *faults);

// Whether the event that a key leads to is the one that it led to before, by its content; a
// fault when it is not. Advisory, see shared_keys.h.
bool ingestion_key_agrees(struct ingestion *ingestion, enum key_kind kind,
                          const struct uuid *event_id, const void *content, size_t length,
                          struct faults *faults);

// Sends the 202 that the exchange already holds once the line is durable; a 503 instead when it
// cannot be made so in time.
void ingestion_accept(struct ingestion *ingestion, struct http_exchange *exchange, const char *line,
                      size_t length);

// Adds one line of a batch: as group_commit_add.
enum bus_result ingestion_add(struct ingestion *ingestion, const char *line, size_t length,
                              group_done_fn *done, void *arg);

// Ends the exchange of a body that could not be read as an event: 400 or 422.
void ingestion_refuse(struct http_exchange *exchange, enum event_read fault,
                      const struct faults *faults, const char *json_error);
