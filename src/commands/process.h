// SPDX-License-Identifier: Apache-2.0
// A serving process: builds the pieces of the platform that the chosen services need, once, mounts
// the services on them, and takes all of it down again in the opposite order.
#pragma once

#include "services/service.h"

#include <stdbool.h>
#include <stddef.h>

#define PROCESS_SERVICES_MAX 16
#define PROCESS_ERROR_SIZE 512

struct process_plan {
    const struct service *const *services; /* every service there is */
    size_t count;
    bool chosen[PROCESS_SERVICES_MAX]; /* those that run in this process */
    bool everything;                   /* `all`: the schema is brought up to date too */
};

struct process;

// Starts everything and returns while it runs on its own threads. NULL with one line in `error`
// when a setting is missing or bad, an address is taken, or a file cannot be used. An engine that
// is away is no error: /readyz names it until it comes.
struct process *process_start(const struct process_plan *plan,
                              char error[static PROCESS_ERROR_SIZE]);

// Stops accepting, finishes what is in flight within SHUTDOWN_SECONDS, and frees everything.
void process_stop(struct process **process);
