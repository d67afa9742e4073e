// SPDX-License-Identifier: Apache-2.0
// One has the turn, who waits gets it next, and nobody waits for ever.
#include "platform/bus/turn.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define AT_ONCE_MS 0
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

static void test_one_has_it_until_it_is_given_back(void **state)
{
    assert_true(turn_take(*state, AT_ONCE_MS));
    assert_false(turn_take(*state, AT_ONCE_MS));
    assert_false(turn_take(*state, A_MOMENT_MS));
    turn_give_back(*state);
    assert_true(turn_take(*state, AT_ONCE_MS));
    turn_give_back(*state);
}

struct waiter {
    struct turn *turn;
    atomic_bool has_it;
    atomic_bool may_end;
};

static void *wait_and_hold(void *arg)
{
    struct waiter *waiter = arg;
    if (!turn_take(waiter->turn, LONG_MS)) {
        return NULL;
    }
    atomic_store(&waiter->has_it, true);
    while (!atomic_load(&waiter->may_end)) {
        sched_yield();
    }
    turn_give_back(waiter->turn);
    return NULL;
}

// Whoever gives it back wants it again at once, as a consumer of a steady stream does.
static void test_who_waits_gets_it_before_who_has_given_it_back(void **state)
{
    struct waiter waiter = {.turn = *state};
    pthread_t thread;
    assert_true(turn_take(*state, AT_ONCE_MS));
    assert_int_equal(pthread_create(&thread, NULL, wait_and_hold, &waiter), 0);
    // Before the other waits each of these succeeds.
    do {
        turn_give_back(*state);
    } while (turn_take(*state, AT_ONCE_MS));
    atomic_store(&waiter.may_end, true);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&waiter.has_it));
    assert_true(turn_take(*state, AT_ONCE_MS));
    turn_give_back(*state);
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
        // Some of them give up, just as the turn comes or not.
        if (!turn_take(crowd->turn, i % 3)) {
            continue;
        }
        if (atomic_fetch_add(&crowd->inside, 1) > 0) {
            atomic_fetch_add(&crowd->together, 1);
        }
        sched_yield();
        atomic_fetch_sub(&crowd->inside, 1);
        turn_give_back(crowd->turn);
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
    assert_true(turn_take(*state, AT_ONCE_MS));
    turn_give_back(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_has_it_until_it_is_given_back, make, release),
        cmocka_unit_test_setup_teardown(test_who_waits_gets_it_before_who_has_given_it_back, make,
                                        release),
        cmocka_unit_test_setup_teardown(test_no_two_have_it_and_it_is_never_lost, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
