// SPDX-License-Identifier: Apache-2.0
// The event loop: the order of posts, timers, and the end of a round.
#include "platform/loop.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "platform/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct trail {
    struct loop *loop;
    struct loop_hook *hook;
    struct loop_timer *timer;
    char steps[64];
    size_t count;
    int rounds;
};

static int set_up(void **state)
{
    static struct trail trail;
    trail = (struct trail){.loop = loop_new()};
    *state = &trail;
    return 0;
}

static int tear_down(void **state)
{
    struct trail *trail = *state;
    loop_hook_free(&trail->hook);
    loop_timer_free(&trail->timer);
    loop_free(&trail->loop);
    assert_null(trail->loop);
    return 0;
}

static void step(struct trail *trail, char name)
{
    trail->steps[trail->count++] = name;
}

static void step_a(void *arg)
{
    step(arg, 'a');
}

static void step_b(void *arg)
{
    struct trail *trail = arg;
    step(trail, 'b');
    loop_post(trail->loop, step_a, trail);
    loop_stop(trail->loop);
}

static void test_posts_run_in_their_order(void **state)
{
    struct trail *trail = *state;
    loop_post(trail->loop, step_a, trail);
    loop_post(trail->loop, step_b, trail);
    loop_post(trail->loop, step_a, trail);
    loop_run(trail->loop);
    assert_string_equal(trail->steps, "abaa");
}

static void count_to_thousand(void *arg)
{
    struct trail *trail = arg;
    if (++trail->rounds == 1000) {
        loop_stop(trail->loop);
    }
}

static void *post_thousand(void *arg)
{
    struct trail *trail = arg;
    for (int i = 0; i < 1000; i++) {
        loop_post(trail->loop, count_to_thousand, trail);
    }
    return NULL;
}

static void test_no_post_of_another_thread_is_lost(void **state)
{
    struct trail *trail = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_thousand, trail), 0);
    loop_run(trail->loop);
    pthread_join(thread, NULL);
    assert_int_equal(trail->rounds, 1000);
}

static void round_ended(void *arg)
{
    struct trail *trail = arg;
    if (trail->count > 0) {
        step(trail, '|');
        loop_stop(trail->loop);
    }
}

static void test_a_round_ends_after_all_its_posts(void **state)
{
    struct trail *trail = *state;
    trail->hook = loop_on_round_end(trail->loop, round_ended, trail);
    loop_post(trail->loop, step_a, trail);
    loop_post(trail->loop, step_a, trail);
    loop_run(trail->loop);
    assert_string_equal(trail->steps, "aa|");
}

// Both hooks run in each round, the later one first.
struct pair {
    struct trail *trail;
    struct loop_hook *later;
    bool asked;
};

static void look_for_work(void *arg)
{
    struct pair *pair = arg;
    step(pair->trail, 'l');
    if (pair->asked) {
        loop_stop(pair->trail->loop);
    }
}

static void make_work(void *arg)
{
    struct pair *pair = arg;
    step(pair->trail, 'm');
    if (!pair->asked) {
        pair->asked = true;
        loop_has_work(pair->trail->loop);
    }
}

// Without that the loop would wait for input that does not come.
static void test_work_for_a_hook_that_has_run_has_a_round_of_its_own(void **state)
{
    struct trail *trail = *state;
    struct pair pair = {.trail = trail};
    trail->hook = loop_on_round_end(trail->loop, make_work, &pair);
    pair.later = loop_on_round_end(trail->loop, look_for_work, &pair);
    loop_run(trail->loop);
    loop_hook_free(&pair.later);
    assert_string_equal(trail->steps, "lmlm");
}

#define LONG_US 10000000
#define SHORT_US 20000

static void rest_long(void *arg)
{
    struct trail *trail = arg;
    loop_rest(trail->loop, LONG_US);
}

static void *stop(void *arg)
{
    struct trail *trail = arg;
    loop_stop(trail->loop);
    return NULL;
}

static void test_a_post_ends_a_rest(void **state)
{
    struct trail *trail = *state;
    const int64_t begun = clock_monotonic_us();
    pthread_t thread;
    trail->hook = loop_on_round_end(trail->loop, rest_long, trail);
    assert_int_equal(pthread_create(&thread, NULL, stop, trail), 0);
    loop_run(trail->loop);
    pthread_join(thread, NULL);
    assert_true(clock_monotonic_us() - begun < LONG_US / 2);
}

static void stop_now(void *arg)
{
    stop(arg);
}

// Were it before the other hook, nothing would end it.
static void check_rest_follows(struct trail *trail, loop_fn *first, loop_fn *second)
{
    const int64_t begun = clock_monotonic_us();
    trail->hook = loop_on_round_end(trail->loop, first, trail);
    struct loop_hook *other = loop_on_round_end(trail->loop, second, trail);
    loop_run(trail->loop);
    assert_true(clock_monotonic_us() - begun < LONG_US / 2);
    loop_hook_free(&other);
    loop_hook_free(&trail->hook);
}

static void test_the_loop_rests_after_all_hooks_of_a_round(void **state)
{
    check_rest_follows(*state, rest_long, stop_now);
    check_rest_follows(*state, stop_now, rest_long);
}

static void rest_once(void *arg)
{
    struct trail *trail = arg;
    if (trail->rounds++ == 0) {
        loop_rest(trail->loop, SHORT_US);
    } else {
        loop_stop(trail->loop);
    }
}

static void test_a_rest_ends_by_itself_and_a_round_follows(void **state)
{
    struct trail *trail = *state;
    const int64_t begun = clock_monotonic_us();
    trail->hook = loop_on_round_end(trail->loop, rest_once, trail);
    // Nothing else wakes the loop, unless it waits for input after its rest.
    trail->timer = loop_timer_start(trail->loop, LONG_US / 1000, 0, stop_now, trail);
    loop_run(trail->loop);
    const int64_t taken = clock_monotonic_us() - begun;
    assert_true(taken >= SHORT_US && taken < LONG_US);
}

static void test_the_shortest_of_several_rests_holds(void **state)
{
    check_rest_follows(*state, rest_long, rest_once);
    ((struct trail *)*state)->rounds = 0;
    check_rest_follows(*state, rest_once, rest_long);
}

static void timer_fired(void *arg)
{
    struct trail *trail = arg;
    step(trail, 't');
    if (trail->count == 3) {
        loop_timer_free(&trail->timer);
        loop_stop(trail->loop);
    }
}

static void test_a_timer_repeats_until_it_is_freed(void **state)
{
    struct trail *trail = *state;
    trail->timer = loop_timer_start(trail->loop, 1, 1, timer_fired, trail);
    loop_run(trail->loop);
    assert_string_equal(trail->steps, "ttt");
    assert_null(trail->timer);
}

static void test_a_stop_before_the_run_ends_it_at_once(void **state)
{
    struct trail *trail = *state;
    loop_stop(trail->loop);
    loop_run(trail->loop);
    assert_int_equal(trail->count, 0);
}

static void stop_at_the_loops_time(void *arg)
{
    struct trail *trail = arg;
    const int64_t now = clock_monotonic_ms();
    assert_in_range(now - loop_now_ms(trail->loop), 0, 1000);
    loop_stop(trail->loop);
}

static void test_the_loops_time_is_that_of_its_round(void **state)
{
    struct trail *trail = *state;
    const int64_t before = clock_monotonic_ms();
    trail->timer = loop_timer_start(trail->loop, 20, 0, stop_at_the_loops_time, trail);
    loop_run(trail->loop);
    assert_true(loop_now_ms(trail->loop) >= before + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_posts_run_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_post_of_another_thread_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_round_ends_after_all_its_posts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_work_for_a_hook_that_has_run_has_a_round_of_its_own,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_post_ends_a_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_loop_rests_after_all_hooks_of_a_round, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_rest_ends_by_itself_and_a_round_follows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_shortest_of_several_rests_holds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_timer_repeats_until_it_is_freed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stop_before_the_run_ends_it_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_loops_time_is_that_of_its_round, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
