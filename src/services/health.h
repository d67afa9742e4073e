// SPDX-License-Identifier: Apache-2.0
// /healthz, /readyz and /metrics of a process. A thread asks every dependency once a second, and
// ten times a second while it is down, so that a probe is answered at once from what is known.
#pragma once

#include "platform/http/router.h"
#include "platform/log.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stddef.h>

#define HEALTH_WHY_SIZE 256

struct health;

// Asks one dependency; runs on the health thread and may wait. False with one line in `why`.
typedef bool health_check(void *arg, char why[static HEALTH_WHY_SIZE]);

struct health *health_new(struct log *log, struct metrics *metrics);

// Adds a dependency, before health_start. `name` is static text. One that is not required is shown
// in /readyz, and its absence does not make the process unready.
void health_add(struct health *health, const char *name, bool required, health_check *check,
                void *arg);

void health_start(struct health *health);

// Ends the thread; what was last known is still answered.
void health_stop(struct health *health);

// Stops, if that was not done, and frees; nulls.
void health_free(struct health **health);

// Adds /healthz and /readyz, and /metrics where `with_metrics` (never on a public port).
void health_add_routes(struct health *health, struct router *router, bool with_metrics);
