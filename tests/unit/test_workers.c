// SPDX-License-Identifier: Apache-2.0
// The pool of threads: its bound, its contexts, and that nothing queued is dropped.
#include "platform/workers.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct bench {
    pthread_mutex_t gate; /* held: jobs wait */
    atomic_int started;
    atomic_int done;
    atomic_int opened;
    atomic_int closed;
};

static void wait_at_gate(void *arg, void *context)
{
    struct bench *bench = arg;
    (void)context;
    atomic_fetch_add(&bench->started, 1);
    pthread_mutex_lock(&bench->gate);
    pthread_mutex_unlock(&bench->gate);
    atomic_fetch_add(&bench->done, 1);
}

static void *open_context(void *arg)
{
    struct bench *bench = arg;
    atomic_fetch_add(&bench->opened, 1);
    return bench;
}

static void close_context(void *context)
{
    struct bench *bench = context;
    atomic_fetch_add(&bench->closed, 1);
}

static void use_context(void *arg, void *context)
{
    struct bench *bench = arg;
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (context == bench && strcmp(name, "bench") == 0) {
        atomic_fetch_add(&bench->done, 1);
    }
}

static struct workers *start(struct bench *bench, size_t threads, size_t queue)
{
    const struct workers_options options = {.name = "bench",
                                            .threads = threads,
                                            .queue_maximum = queue,
                                            .open = open_context,
                                            .close = close_context,
                                            .arg = bench};
    pthread_mutex_init(&bench->gate, NULL);
    return workers_start(&options);
}

static void test_every_thread_has_its_own_context_and_name(void **state)
{
    (void)state;
    struct bench bench = {0};
    struct workers *workers = start(&bench, 3, 100);
    for (int i = 0; i < 50; i++) {
        assert_true(workers_submit(workers, use_context, &bench));
    }
    workers_free(&workers);
    assert_null(workers);
    assert_int_equal(bench.done, 50);
    assert_int_equal(bench.opened, 3);
    assert_int_equal(bench.closed, 3);
}

static void test_a_full_queue_refuses(void **state)
{
    (void)state;
    struct bench bench = {0};
    struct workers *workers = start(&bench, 1, 2);
    pthread_mutex_lock(&bench.gate);
    assert_true(workers_submit(workers, wait_at_gate, &bench));
    while (bench.started == 0) {
    }
    assert_true(workers_submit(workers, wait_at_gate, &bench));
    assert_true(workers_submit(workers, wait_at_gate, &bench));
    assert_false(workers_submit(workers, wait_at_gate, &bench));
    pthread_mutex_unlock(&bench.gate);
    workers_free(&workers);
    assert_int_equal(bench.done, 3);
}

static void test_a_pool_that_stops_finishes_what_is_queued(void **state)
{
    (void)state;
    struct bench bench = {0};
    struct workers *workers = start(&bench, 2, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(workers_submit(workers, wait_at_gate, &bench));
    }
    workers_free(&workers);
    assert_int_equal(bench.done, 1000);
    workers_free(&workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_has_its_own_context_and_name),
        cmocka_unit_test(test_a_full_queue_refuses),
        cmocka_unit_test(test_a_pool_that_stops_finishes_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
