// SPDX-License-Identifier: Apache-2.0
// One has the turn, first come, first served, and nobody waits for ever.
#include "platform/bus/turn.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "platform/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define A_MOMENT_MS 20
#define LONG_MS 60000
#define THREADS 4
#define ROUNDS 2000

static int make(void **state)
{
    *state = turn_new();
    return 0;
}

static int release(void **state)
{
    turn_free((struct turn **)state);
    assert_null(*state);
    return 0;
}

static void test_it_is_had_and_given_back(void **state)
{
    for (uint64_t number = 0; number < 3; number++) {
        assert_int_equal(turn_take(*state, LONG_MS), number);
        turn_give_back(*state, number);
        turn_give_back(*state, number); // as good as once
    }
}

struct waiter {
    struct turn *turn;
    atomic_bool had_it;
};

static void *wait_for_it(void *arg)
{
    struct waiter *waiter = arg;
    const uint64_t number = turn_take(waiter->turn, LONG_MS);
    atomic_store(&waiter->had_it, true);
    turn_give_back(waiter->turn, number);
    return NULL;
}

// Whoever gives it back wants it again at once, as a consumer of a steady stream does.
static void test_who_waits_gets_it_before_who_has_given_it_back(void **state)
{
    struct waiter waiter = {.turn = *state};
    pthread_t thread;
    uint64_t number = turn_take(*state, LONG_MS);
    uint64_t before = 0;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiter), 0);
    do { // until the other one has taken a number
        sched_yield();
        before = number;
        turn_give_back(*state, number);
        number = turn_take(*state, LONG_MS);
    } while (number == before + 1);
    assert_int_equal(number, before + 2);
    assert_true(atomic_load(&waiter.had_it));
    turn_give_back(*state, number);
    pthread_join(thread, NULL);
}

static void test_who_is_stuck_with_it_is_passed_over_once(void **state)
{
    const uint64_t stuck = turn_take(*state, LONG_MS);
    const uint64_t mine = turn_take(*state, A_MOMENT_MS);
    turn_give_back(*state, stuck); // too late: it is mine
    const int64_t began = clock_monotonic_ms();
    const uint64_t next = turn_take(*state, A_MOMENT_MS);
    assert_true(clock_monotonic_ms() - began >= A_MOMENT_MS / 2);
    turn_give_back(*state, mine);
    turn_give_back(*state, next);
    turn_give_back(*state, turn_take(*state, LONG_MS));
}

struct crowd {
    struct turn *turn;
    atomic_int inside;
    atomic_int together;
};

static void *take_turns(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t number = turn_take(crowd->turn, LONG_MS);
        if (atomic_fetch_add(&crowd->inside, 1) > 0) {
            atomic_fetch_add(&crowd->together, 1);
        }
        sched_yield();
        atomic_fetch_sub(&crowd->inside, 1);
        turn_give_back(crowd->turn, number);
    }
    return NULL;
}

static void test_no_two_have_it_and_it_is_never_lost(void **state)
{
    struct crowd crowd = {.turn = *state};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &crowd), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&crowd.together), 0);
    assert_int_equal(turn_take(*state, LONG_MS), THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_had_and_given_back, make, release),
        cmocka_unit_test_setup_teardown(test_who_waits_gets_it_before_who_has_given_it_back, make,
                                        release),
        cmocka_unit_test_setup_teardown(test_who_is_stuck_with_it_is_passed_over_once, make,
                                        release),
        cmocka_unit_test_setup_teardown(test_no_two_have_it_and_it_is_never_lost, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
