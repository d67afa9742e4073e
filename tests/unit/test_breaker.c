// SPDX-License-Identifier: Apache-2.0
// The circuit breaker, forced through every state; time is a parameter, so nothing waits.
#include "platform/breaker.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdatomic.h>

#define FAILURES 5
#define OPEN_MS 30000
#define START_MS 1000

static int set_up(void **state)
{
    *state = breaker_new(FAILURES, OPEN_MS);
    return 0;
}

static int tear_down(void **state)
{
    struct breaker *breaker = *state;
    breaker_free(&breaker);
    assert_null(breaker);
    breaker_free(&breaker);
    return 0;
}

static void fail_until_open(struct breaker *breaker, int64_t now_ms)
{
    for (int i = 1; i < FAILURES; i++) {
        assert_true(breaker_allows(breaker, now_ms, NULL));
        assert_false(breaker_failed(breaker, now_ms));
    }
    assert_true(breaker_allows(breaker, now_ms, NULL));
    assert_true(breaker_failed(breaker, now_ms));
}

static void test_it_starts_closed_and_stays_closed_while_calls_succeed(void **state)
{
    struct breaker *breaker = *state;
    for (int i = 0; i < 100; i++) {
        assert_true(breaker_allows(breaker, START_MS, NULL));
        assert_false(breaker_succeeded(breaker));
    }
    assert_int_equal(breaker_state(breaker, START_MS), BREAKER_CLOSED);
}

static void test_five_failures_in_a_row_open_it(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    assert_int_equal(breaker_state(breaker, START_MS), BREAKER_OPEN);
    int64_t retry_ms = 0;
    assert_false(breaker_allows(breaker, START_MS + 1, &retry_ms));
    assert_int_equal(retry_ms, OPEN_MS - 1);
}

static void test_a_success_between_failures_keeps_it_closed(void **state)
{
    struct breaker *breaker = *state;
    for (int round = 0; round < 10; round++) {
        for (int i = 1; i < FAILURES; i++) {
            assert_false(breaker_failed(breaker, START_MS));
        }
        assert_false(breaker_succeeded(breaker));
    }
    assert_int_equal(breaker_state(breaker, START_MS), BREAKER_CLOSED);
}

static void test_after_its_time_exactly_one_trial_goes_out(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    int64_t then = START_MS + OPEN_MS;
    assert_false(breaker_allows(breaker, then - 1, NULL));
    assert_int_equal(breaker_state(breaker, then), BREAKER_HALF_OPEN);
    assert_true(breaker_allows(breaker, then, NULL));
    int64_t retry_ms = 0;
    for (int i = 0; i < 10; i++) {
        assert_false(breaker_allows(breaker, then + i, &retry_ms));
        assert_true(retry_ms > 0);
    }
}

static void test_a_trial_that_succeeds_closes_it(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    assert_true(breaker_allows(breaker, START_MS + OPEN_MS, NULL));
    assert_true(breaker_succeeded(breaker));
    assert_int_equal(breaker_state(breaker, START_MS + OPEN_MS), BREAKER_CLOSED);
    fail_until_open(breaker, START_MS + OPEN_MS);
}

static void test_a_trial_that_fails_opens_it_for_the_whole_time_again(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    int64_t then = START_MS + OPEN_MS;
    assert_true(breaker_allows(breaker, then, NULL));
    assert_true(breaker_failed(breaker, then + 7));
    assert_int_equal(breaker_state(breaker, then + 7), BREAKER_OPEN);
    assert_false(breaker_allows(breaker, then + 7 + OPEN_MS - 1, NULL));
    assert_true(breaker_allows(breaker, then + 7 + OPEN_MS, NULL));
    assert_true(breaker_succeeded(breaker));
    assert_int_equal(breaker_state(breaker, then + 7 + OPEN_MS), BREAKER_CLOSED);
}

static void test_late_reports_do_not_move_an_open_breaker(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    assert_false(breaker_failed(breaker, START_MS + 100));
    assert_false(breaker_succeeded(breaker));
    assert_int_equal(breaker_state(breaker, START_MS + 100), BREAKER_OPEN);
    assert_true(breaker_allows(breaker, START_MS + OPEN_MS, NULL));
}

static void test_a_trial_that_never_reports_does_not_lock_it_for_ever(void **state)
{
    struct breaker *breaker = *state;
    fail_until_open(breaker, START_MS);
    int64_t then = START_MS + OPEN_MS;
    assert_true(breaker_allows(breaker, then, NULL));
    assert_false(breaker_allows(breaker, then + OPEN_MS - 1, NULL));
    assert_true(breaker_allows(breaker, then + OPEN_MS, NULL));
}

#define THREADS 8

struct race {
    struct breaker *breaker;
    pthread_barrier_t barrier;
    atomic_int allowed;
};

static void *ask(void *arg)
{
    struct race *race = arg;
    pthread_barrier_wait(&race->barrier);
    if (breaker_allows(race->breaker, START_MS + OPEN_MS, NULL)) {
        atomic_fetch_add(&race->allowed, 1);
    }
    return NULL;
}

static void test_of_many_threads_one_gets_the_trial(void **state)
{
    struct race race = {.breaker = *state};
    fail_until_open(race.breaker, START_MS);
    pthread_barrier_init(&race.barrier, NULL, THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &race), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&race.barrier);
    assert_int_equal(atomic_load(&race.allowed), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_starts_closed_and_stays_closed_while_calls_succeed),
        TEST(test_five_failures_in_a_row_open_it),
        TEST(test_a_success_between_failures_keeps_it_closed),
        TEST(test_after_its_time_exactly_one_trial_goes_out),
        TEST(test_a_trial_that_succeeds_closes_it),
        TEST(test_a_trial_that_fails_opens_it_for_the_whole_time_again),
        TEST(test_late_reports_do_not_move_an_open_breaker),
        TEST(test_a_trial_that_never_reports_does_not_lock_it_for_ever),
        TEST(test_of_many_threads_one_gets_the_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
