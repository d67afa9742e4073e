// SPDX-License-Identifier: Apache-2.0
// The event loop over libuv. Posts go through one list under a lock and one uv_async_t; a round
// takes the whole list at once, so that posting is cheap while the loop is busy.
#include "platform/loop.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define LOOPS_BY_DEFAULT_MAX 4

struct post {
    loop_fn *fn;
    void *arg;
};

struct post_list {
    struct post *items;
    size_t count;
    size_t capacity;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t rest;
    uv_idle_t look;        /* while it is active the loop does not wait for input */
    int64_t rest_until_us; /* 0: no rest was asked for */
    bool ending;           /* a round: its hooks run */
    pthread_mutex_t lock;  /* guards waiting */
    pthread_cond_t posted;
    struct post_list waiting;
    struct post_list running; /* of the loop's thread */
};

struct loop_timer {
    uv_timer_t handle;
    loop_fn *fn;
    void *arg;
};

struct loop_hook {
    uv_prepare_t handle;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
};

static void must(int result, const char *what)
{
    if (result != 0) {
        fprintf(stderr, "ecs: %s: %s\n", what, uv_strerror(result));
        abort();
    }
}

static void run_posts(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    pthread_mutex_lock(&loop->lock);
    struct post_list taken = loop->waiting;
    loop->waiting = loop->running;
    loop->waiting.count = 0;
    pthread_mutex_unlock(&loop->lock);
    loop->running = taken;
    for (size_t i = 0; i < taken.count; i++) {
        taken.items[i].fn(taken.items[i].arg);
    }
}

static void look_once(uv_idle_t *look)
{
    uv_idle_stop(look);
}

static void rest(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    loop->ending = false;
    if (loop->rest_until_us == 0) {
        return;
    }
    const struct timespec end = {.tv_sec = loop->rest_until_us / 1000000,
                                 .tv_nsec = loop->rest_until_us % 1000000 * 1000};
    loop->rest_until_us = 0;
    uv_idle_start(&loop->look, look_once);
    pthread_mutex_lock(&loop->lock);
    int result = 0;
    while (loop->waiting.count == 0 && result == 0) {
        result = pthread_cond_clockwait(&loop->posted, &loop->lock, CLOCK_MONOTONIC, &end);
    }
    pthread_mutex_unlock(&loop->lock);
}

static void prepare_rests(struct loop *loop)
{
    must(uv_prepare_init(&loop->uv, &loop->rest), "cannot make an event loop");
    must(uv_idle_init(&loop->uv, &loop->look), "cannot make an event loop");
    loop->rest.data = loop;
    // libuv runs what was started first last: after every hook.
    must(uv_prepare_start(&loop->rest, rest), "cannot make an event loop");
}

size_t loops_for_processors(void)
{
    const size_t half = uv_available_parallelism() / 2;
    if (half < 1) {
        return 1;
    }
    return half < LOOPS_BY_DEFAULT_MAX ? half : LOOPS_BY_DEFAULT_MAX;
}

struct loop *loop_new(void)
{
    struct loop *loop = memory_zeroed(1, sizeof *loop);
    must(uv_loop_init(&loop->uv), "cannot make an event loop");
    must(uv_async_init(&loop->uv, &loop->wake, run_posts), "cannot make an event loop");
    loop->wake.data = loop;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->posted, NULL);
    prepare_rests(loop);
    return loop;
}

void loop_free(struct loop **loop)
{
    struct loop *old = *loop;
    if (old == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&old->wake, NULL);
    uv_close((uv_handle_t *)&old->rest, NULL);
    uv_close((uv_handle_t *)&old->look, NULL);
    // Handles that are closing need a round each; a handle that its owner forgot keeps the loop.
    uv_run(&old->uv, UV_RUN_NOWAIT);
    while (uv_loop_close(&old->uv) == UV_EBUSY && uv_run(&old->uv, UV_RUN_NOWAIT) != 0) {
    }
    pthread_cond_destroy(&old->posted);
    pthread_mutex_destroy(&old->lock);
    free(old->waiting.items);
    free(old->running.items);
    free(old);
    *loop = NULL;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static void stop_now(void *arg)
{
    struct loop *loop = arg;
    uv_stop(&loop->uv);
}

void loop_stop(struct loop *loop)
{
    loop_post(loop, stop_now, loop);
}

int64_t loop_now_ms(struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    pthread_mutex_lock(&loop->lock);
    struct post_list *list = &loop->waiting;
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? list->capacity * 2 : 64;
        list->items = memory_resize(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = (struct post){fn, arg};
    // The loop takes the whole list: only the first post of a round has to wake it.
    bool first = list->count == 1;
    pthread_mutex_unlock(&loop->lock);
    if (first) {
        pthread_cond_signal(&loop->posted);
        uv_async_send(&loop->wake);
    }
}

void loop_rest(struct loop *loop, int64_t microseconds)
{
    const int64_t until = clock_monotonic_us() + microseconds;
    if (loop->rest_until_us == 0 || until < loop->rest_until_us) {
        loop->rest_until_us = until;
    }
}

static void hook_fired(uv_prepare_t *handle)
{
    struct loop_hook *hook = handle->data;
    hook->loop->ending = true;
    hook->fn(hook->arg);
}

struct loop_hook *loop_on_round_end(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_hook *hook = memory_zeroed(1, sizeof *hook);
    hook->loop = loop;
    hook->fn = fn;
    hook->arg = arg;
    must(uv_prepare_init(&loop->uv, &hook->handle), "cannot make a loop hook");
    hook->handle.data = hook;
    must(uv_prepare_start(&hook->handle, hook_fired), "cannot start a loop hook");
    return hook;
}

void loop_has_work(struct loop *loop)
{
    if (loop->ending) {
        uv_idle_start(&loop->look, look_once);
    }
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_hook_free(struct loop_hook **hook)
{
    if (*hook != NULL) {
        uv_close((uv_handle_t *)&(*hook)->handle, free_data);
        *hook = NULL;
    }
}

static void timer_fired(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_start(struct loop *loop, uint64_t first_ms, uint64_t repeat_ms,
                                    loop_fn *fn, void *arg)
{
    struct loop_timer *timer = memory_zeroed(1, sizeof *timer);
    timer->fn = fn;
    timer->arg = arg;
    must(uv_timer_init(&loop->uv, &timer->handle), "cannot make a timer");
    timer->handle.data = timer;
    // Before the loop runs its clock is that of its making.
    uv_update_time(&loop->uv);
    must(uv_timer_start(&timer->handle, timer_fired, first_ms, repeat_ms), "cannot start a timer");
    return timer;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer != NULL) {
        uv_close((uv_handle_t *)&(*timer)->handle, free_data);
        *timer = NULL;
    }
}

void *loop_handle(struct loop *loop)
{
    return &loop->uv;
}
