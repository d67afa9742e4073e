// SPDX-License-Identifier: Apache-2.0
// The pool of threads: one ring of waiting jobs under one lock. Threads end when the pool stops and
// the ring is empty.
#include "platform/workers.h"

#include "platform/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    worker_job *run;
    void *arg;
};

struct workers {
    struct workers_options options;
    char name[16];
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct job *ring;
    size_t first;
    size_t waiting;
    bool stopping;
    pthread_t *threads;
    size_t started;
};

static bool take_job(struct workers *workers, struct job *ret)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->waiting == 0 && !workers->stopping) {
        pthread_cond_wait(&workers->changed, &workers->lock);
    }
    bool taken = workers->waiting > 0;
    if (taken) {
        *ret = workers->ring[workers->first];
        workers->first = (workers->first + 1) % workers->options.queue_maximum;
        workers->waiting--;
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

static void *work(void *arg)
{
    struct workers *workers = arg;
    const struct workers_options *options = &workers->options;
    pthread_setname_np(pthread_self(), workers->name);
    void *context = options->open != NULL ? options->open(options->arg) : NULL;
    struct job job;
    while (take_job(workers, &job)) {
        job.run(job.arg, context);
    }
    if (options->close != NULL) {
        options->close(context);
    }
    return NULL;
}

// Signals are the main thread's: the threads start with all of them blocked.
static void start_threads(struct workers *workers)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (workers->started < workers->options.threads) {
        int error = pthread_create(&workers->threads[workers->started], NULL, work, workers);
        if (error != 0) {
            fprintf(stderr, "ecs: cannot start a thread: %s\n", strerror(error));
            abort();
        }
        workers->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct workers *workers_start(const struct workers_options *options)
{
    struct workers *workers = memory_zeroed(1, sizeof *workers);
    workers->options = *options;
    snprintf(workers->name, sizeof workers->name, "%s", options->name);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->ring = memory_zeroed(options->queue_maximum, sizeof *workers->ring);
    workers->threads = memory_zeroed(options->threads, sizeof *workers->threads);
    start_threads(workers);
    return workers;
}

bool workers_submit(struct workers *workers, worker_job *job, void *arg)
{
    size_t maximum = workers->options.queue_maximum;
    pthread_mutex_lock(&workers->lock);
    bool accepted = !workers->stopping && workers->waiting < maximum;
    if (accepted) {
        workers->ring[(workers->first + workers->waiting) % maximum] = (struct job){job, arg};
        workers->waiting++;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
    return accepted;
}

void workers_stop(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    while (workers->started > 0) {
        pthread_join(workers->threads[--workers->started], NULL);
    }
}

void workers_free(struct workers **workers)
{
    struct workers *old = *workers;
    if (old == NULL) {
        return;
    }
    workers_stop(old);
    pthread_cond_destroy(&old->changed);
    pthread_mutex_destroy(&old->lock);
    free(old->threads);
    free(old->ring);
    free(old);
    *workers = NULL;
}
