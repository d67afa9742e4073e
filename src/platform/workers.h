// SPDX-License-Identifier: Apache-2.0
// A bounded pool of threads for work that may wait. Each thread has its own context (its database
// connection, its cache connection), made and freed on that thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct workers;
typedef void worker_job(void *arg, void *context);

struct workers_options {
    const char *name; /* of the threads; at most 15 characters */
    size_t threads;
    size_t queue_maximum;         /* jobs that may wait */
    void *(*open)(void *arg);     /* makes a thread's context; may be NULL */
    void (*close)(void *context); /* frees it; may be NULL */
    void *arg;                    /* for open */
};

struct workers *workers_start(const struct workers_options *options);

// Queues a job; false when the queue is full or the pool is stopping.
bool workers_submit(struct workers *workers, worker_job *job, void *arg);

// Refuses new jobs, finishes those queued, ends the threads; once. Later jobs are refused too.
void workers_stop(struct workers *workers);

// Stops, if that was not done, and frees; nulls.
void workers_free(struct workers **workers);
