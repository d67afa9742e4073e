// SPDX-License-Identifier: Apache-2.0
// The ticker: works at once, again when woken, without a pause while there is more, and ends.
#include "platform/ticker.h"

#include "platform/clock.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define AN_HOUR_MS 3600000
#define DEADLINE_MS 10000

struct task {
    atomic_int rounds;
    atomic_int more; /* rounds that say there is more */
};

static bool count_round(void *arg)
{
    struct task *task = arg;
    atomic_fetch_add(&task->rounds, 1);
    return atomic_fetch_sub(&task->more, 1) > 0;
}

static void wait_for_rounds(struct task *task, int rounds)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (atomic_load(&task->rounds) < rounds && clock_monotonic_ms() < deadline) {
        sched_yield();
    }
    assert_int_equal(atomic_load(&task->rounds), rounds);
}

static void test_work_is_done_at_once_and_when_woken(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", AN_HOUR_MS, count_round, &task);
    ticker_start(ticker);
    wait_for_rounds(&task, 1);
    ticker_wake(ticker);
    wait_for_rounds(&task, 2);
    ticker_free(&ticker);
    assert_null(ticker);
}

static void test_work_that_can_wait_is_done_a_little_after_the_start(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", AN_HOUR_MS, count_round, &task);
    const int64_t begun = clock_monotonic_ms();
    ticker_start_later(ticker);
    wait_for_rounds(&task, 1);
    assert_true(clock_monotonic_ms() - begun >= TICKER_AFTER_START_MS);
    ticker_free(&ticker);
}

static void test_work_that_can_wait_is_done_at_once_when_woken(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", AN_HOUR_MS, count_round, &task);
    const int64_t begun = clock_monotonic_ms();
    ticker_start_later(ticker);
    ticker_wake(ticker);
    wait_for_rounds(&task, 1);
    assert_true(clock_monotonic_ms() - begun < TICKER_AFTER_START_MS);
    ticker_free(&ticker);
}

static void test_a_ticker_that_waits_to_work_can_be_freed(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", AN_HOUR_MS, count_round, &task);
    const int64_t begun = clock_monotonic_ms();
    ticker_start_later(ticker);
    ticker_free(&ticker);
    assert_int_equal(atomic_load(&task.rounds), 0);
    assert_true(clock_monotonic_ms() - begun < TICKER_AFTER_START_MS);
}

static void test_there_is_no_pause_while_more_is_waiting(void **state)
{
    (void)state;
    struct task task = {.more = 4};
    struct ticker *ticker = ticker_new("test", AN_HOUR_MS, count_round, &task);
    ticker_start(ticker);
    wait_for_rounds(&task, 5);
    ticker_free(&ticker);
}

static void test_work_is_done_again_after_a_pause(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", 1, count_round, &task);
    ticker_start(ticker);
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (atomic_load(&task.rounds) < 3 && clock_monotonic_ms() < deadline) {
        sched_yield();
    }
    ticker_free(&ticker);
    assert_true(atomic_load(&task.rounds) >= 3);
}

static void test_a_ticker_that_never_ran_can_be_freed(void **state)
{
    (void)state;
    struct task task = {0};
    struct ticker *ticker = ticker_new("test", 1, count_round, &task);
    ticker_free(&ticker);
    assert_int_equal(atomic_load(&task.rounds), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_done_at_once_and_when_woken),
        cmocka_unit_test(test_work_that_can_wait_is_done_a_little_after_the_start),
        cmocka_unit_test(test_work_that_can_wait_is_done_at_once_when_woken),
        cmocka_unit_test(test_a_ticker_that_waits_to_work_can_be_freed),
        cmocka_unit_test(test_there_is_no_pause_while_more_is_waiting),
        cmocka_unit_test(test_work_is_done_again_after_a_pause),
        cmocka_unit_test(test_a_ticker_that_never_ran_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
