// SPDX-License-Identifier: Apache-2.0
// Group commit on a loop, a publisher and a clock of the test's own: what leaves when, who is told
// what, and that nothing late can hurt.
#include "platform/bus/group_commit.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 2000
#define MESSAGE_BYTES 32
#define WAITING_BYTES 64
#define SENT_MAX 16
#define WORTH_SENDING 3 /* lines, to the patient */

// ---- what group commit stands on

struct sent {
    char data[GROUP_LINE_MAX];
    uint64_t token;
};

static struct {
    loop_fn *round_end;
    loop_fn *tick;
    void *group;
    bus_acked_fn *acked;
    void *acked_arg;
    bool up;
    enum room_state room;
    int64_t now_us;
    int64_t us_a_look; /* that pass with each look at the clock */
    enum bus_result send_result;
    struct sent sent[SENT_MAX];
    size_t sent_count;
    size_t wake_ups;
    size_t work; /* for the hook at the round's end */
    size_t rests;
    int64_t last_rest_us;
} fake;

int64_t loop_now_ms(struct loop *loop)
{
    (void)loop;
    return fake.now_us / 1000;
}

int64_t clock_monotonic_us(void)
{
    fake.now_us += fake.us_a_look;
    return fake.now_us;
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    fake.wake_ups++;
    fn(arg);
}

void loop_rest(struct loop *loop, int64_t microseconds)
{
    (void)loop;
    assert_in_range(microseconds, 1, 1000);
    fake.rests++;
    fake.last_rest_us = microseconds;
}

void loop_has_work(struct loop *loop)
{
    (void)loop;
    fake.work++;
}

struct loop_hook *loop_on_round_end(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    fake.round_end = fn;
    fake.group = arg;
    return NULL;
}

void loop_hook_free(struct loop_hook **hook)
{
    *hook = NULL;
}

struct loop_timer *loop_timer_start(struct loop *loop, uint64_t first_ms, uint64_t repeat_ms,
                                    loop_fn *fn, void *arg)
{
    (void)loop;
    (void)first_ms;
    (void)repeat_ms;
    (void)arg;
    fake.tick = fn;
    return NULL;
}

void loop_timer_free(struct loop_timer **timer)
{
    *timer = NULL;
}

bool bus_is_up(const struct bus *bus)
{
    (void)bus;
    return fake.up;
}

enum room_state bus_room(const struct bus *bus, const char *subject)
{
    (void)bus;
    (void)subject;
    return fake.room;
}

struct bus_publisher *bus_publisher_open(struct bus *bus, bus_acked_fn *acked, void *arg)
{
    (void)bus;
    fake.acked = acked;
    fake.acked_arg = arg;
    return NULL;
}

void bus_publisher_close(struct bus_publisher **publisher)
{
    *publisher = NULL;
}

enum bus_result bus_publisher_send(struct bus_publisher *publisher, const char *subject,
                                   const char *data, size_t length, uint64_t token)
{
    (void)publisher;
    assert_string_equal(subject, "some.subject");
    assert_true(fake.sent_count < SENT_MAX);
    struct sent *sent = &fake.sent[fake.sent_count++];
    snprintf(sent->data, sizeof sent->data, "%.*s", (int)length, data);
    sent->token = token;
    return fake.send_result;
}

static void end_round(void)
{
    fake.round_end(fake.group);
}

static void tick_after(int64_t milliseconds)
{
    fake.now_us += milliseconds * 1000;
    fake.tick(fake.group);
}

static void ack(size_t message, enum bus_result result)
{
    fake.acked(fake.acked_arg, fake.sent[message].token, result);
    end_round();
}

// ---- who waits for a line

#define NOT_TOLD (-1)

static int told[SENT_MAX * 4];

static void tell(void *arg, enum bus_result result)
{
    int *place = arg;
    assert_int_equal(*place, NOT_TOLD);
    *place = (int)result;
}

static enum bus_result add(struct group_commit *group, const char *line, size_t who)
{
    told[who] = NOT_TOLD;
    return group_commit_add(group, line, strlen(line), tell, &told[who]);
}

struct fixture {
    struct metrics *metrics;
    struct group_commit *group;
};

static int open_group(void **state, size_t worth_sending)
{
    static struct fixture fixture;
    memset(&fake, 0, sizeof fake);
    fake.up = true;
    fake.now_us = 1000000;
    fixture.metrics = metrics_new();
    fixture.group = group_commit_new(NULL, NULL,
                                     &(struct group_commit_options){
                                         .subject = "some.subject",
                                         .maximum_in_flight = 2,
                                         .worth_sending = worth_sending,
                                         .maximum_message_bytes = MESSAGE_BYTES,
                                         .maximum_waiting_bytes = WAITING_BYTES,
                                         .timeout_ms = TIMEOUT_MS,
                                         .metrics = fixture.metrics,
                                     });
    *state = &fixture;
    return 0;
}

static int set_up(void **state)
{
    return open_group(state, 1);
}

static int set_up_patient(void **state)
{
    return open_group(state, WORTH_SENDING);
}

static int set_up_for_many(void **state)
{
    return open_group(state, 32);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    group_commit_free(&fixture->group);
    assert_null(fixture->group);
    group_commit_free(&fixture->group);
    metrics_free(&fixture->metrics);
    return 0;
}

static struct group_commit *group_of(void **state)
{
    return ((struct fixture *)*state)->group;
}

// ---- tests

static void test_lines_of_one_round_leave_as_one_message(void **state)
{
    struct group_commit *group = group_of(state);
    assert_int_equal(add(group, "{\"a\":1}", 0), BUS_OK);
    assert_int_equal(add(group, "{\"b\":2}", 1), BUS_OK);
    assert_int_equal(fake.work, 2);
    assert_int_equal(fake.sent_count, 0);
    end_round();
    assert_int_equal(fake.sent_count, 1);
    assert_string_equal(fake.sent[0].data, "{\"a\":1}\n{\"b\":2}");
    assert_int_equal(group_commit_pending(group), 2);
    assert_int_equal(told[0], NOT_TOLD);
    ack(0, BUS_OK);
    assert_int_equal(told[0], BUS_OK);
    assert_int_equal(told[1], BUS_OK);
    assert_int_equal(group_commit_pending(group), 0);
}

static void test_at_most_two_messages_are_in_flight(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(add(group, "{\"a\":1}", i), BUS_OK);
        end_round();
    }
    assert_int_equal(fake.sent_count, 2);
    ack(1, BUS_OK);
    assert_int_equal(told[1], BUS_OK);
    assert_int_equal(told[0], NOT_TOLD);
    assert_int_equal(fake.sent_count, 3);
    assert_string_equal(fake.sent[2].data, "{\"a\":1}\n{\"a\":1}");
}

static void test_a_message_is_bounded(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(add(group, "0123456789", i), BUS_OK);
    }
    end_round();
    assert_int_equal(fake.sent_count, 2);
    assert_string_equal(fake.sent[0].data, "0123456789\n0123456789");
    assert_string_equal(fake.sent[1].data, "0123456789\n0123456789");
    ack(0, BUS_OK);
    assert_string_equal(fake.sent[2].data, "0123456789");
}

static void test_what_waits_is_bounded(void **state)
{
    struct group_commit *group = group_of(state);
    size_t added = 0;
    while (add(group, "0123456789", added) == BUS_OK) {
        added++;
    }
    assert_int_equal(added, WAITING_BYTES / 11);
    assert_int_equal(add(group, "0123456789", added), BUS_FULL);
    assert_int_equal(told[added], NOT_TOLD);
}

static void test_a_line_that_cannot_be_a_line_is_refused(void **state)
{
    struct group_commit *group = group_of(state);
    assert_int_equal(add(group, "", 0), BUS_FAILED);
    assert_int_equal(add(group, "a\nb", 0), BUS_FAILED);
    assert_int_equal(add(group, "01234567890123456789012345678901", 0), BUS_FAILED);
    assert_int_equal(group_commit_pending(group), 0);
}

static void test_a_refusal_reaches_all_lines_of_the_message(void **state)
{
    struct group_commit *group = group_of(state);
    add(group, "{}", 0);
    add(group, "{}", 1);
    end_round();
    ack(0, BUS_FULL);
    assert_int_equal(told[0], BUS_FULL);
    assert_int_equal(told[1], BUS_FULL);
}

static void test_a_full_stream_refuses_what_comes_and_what_waits(void **state)
{
    struct group_commit *group = group_of(state);
    assert_int_equal(add(group, "{}", 0), BUS_OK);
    fake.room = ROOM_FULL;
    fake.send_result = BUS_FULL;
    assert_int_equal(add(group, "{}", 1), BUS_FULL);
    end_round();
    assert_int_equal(told[0], BUS_FULL);
    assert_int_equal(told[1], NOT_TOLD);
    assert_int_equal(group_commit_pending(group), 0);
}

static void test_lines_wait_until_the_stream_was_looked_at(void **state)
{
    struct group_commit *group = group_of(state);
    fake.room = ROOM_UNKNOWN;
    assert_int_equal(add(group, "{}", 0), BUS_OK);
    end_round();
    assert_int_equal(fake.sent_count, 0);
    fake.room = ROOM_OPEN;
    tick_after(50);
    assert_int_equal(fake.sent_count, 1);
    ack(0, BUS_OK);
    assert_int_equal(told[0], BUS_OK);
}

static void test_nothing_is_added_while_the_broker_is_away(void **state)
{
    fake.up = false;
    assert_int_equal(add(group_of(state), "{}", 0), BUS_DOWN);
    assert_int_equal(group_commit_pending(group_of(state)), 0);
}

static void test_a_message_that_cannot_be_handed_over_is_told_at_once(void **state)
{
    add(group_of(state), "{}", 0);
    fake.send_result = BUS_DOWN;
    end_round();
    assert_int_equal(told[0], BUS_DOWN);
    assert_int_equal(group_commit_pending(group_of(state)), 0);
}

static void test_an_unacknowledged_line_is_told_in_time_and_its_late_answer_ignored(void **state)
{
    struct group_commit *group = group_of(state);
    add(group, "{\"a\":1}", 0);
    end_round();
    fake.now_us += 1000000;
    add(group, "{\"b\":2}", 1);
    end_round();
    tick_after(TIMEOUT_MS - 1000);
    assert_int_equal(told[0], BUS_TIMEOUT);
    assert_int_equal(told[1], NOT_TOLD);
    ack(0, BUS_OK);
    assert_int_equal(told[0], BUS_TIMEOUT);
    assert_int_equal(told[1], NOT_TOLD);
    ack(1, BUS_OK);
    assert_int_equal(told[1], BUS_OK);
}

static void test_a_line_that_never_left_is_told_in_time(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 3; i++) {
        add(group, "{}", i);
        end_round();
    }
    tick_after(TIMEOUT_MS);
    assert_int_equal(told[2], BUS_TIMEOUT);
    assert_int_equal(group_commit_pending(group), 0);
    add(group, "{\"d\":4}", 3);
    end_round();
    assert_string_equal(fake.sent[fake.sent_count - 1].data, "{\"d\":4}");
}

static void test_all_are_told_soon_when_the_broker_goes_away(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 3; i++) {
        add(group, "{}", i);
        end_round();
    }
    fake.up = false;
    tick_after(50);
    assert_int_equal(told[0], BUS_TIMEOUT);
    assert_int_equal(told[1], BUS_TIMEOUT);
    assert_int_equal(told[2], BUS_DOWN);
    assert_int_equal(group_commit_pending(group), 0);
}

static void test_a_round_wakes_the_loop_once_for_several_answers(void **state)
{
    struct group_commit *group = group_of(state);
    add(group, "{}", 0);
    end_round();
    add(group, "{}", 1);
    end_round();
    fake.acked(fake.acked_arg, fake.sent[0].token, BUS_OK);
    fake.acked(fake.acked_arg, fake.sent[1].token, BUS_OK);
    fake.acked(fake.acked_arg, 12345, BUS_OK);
    assert_int_equal(fake.wake_ups, 1);
    end_round();
    assert_int_equal(told[0], BUS_OK);
    assert_int_equal(told[1], BUS_OK);
}

static void test_lines_keep_their_order_over_many_rounds(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < SENT_MAX; i++) {
        char line[16];
        snprintf(line, sizeof line, "{\"n\":%zu}", i);
        add(group, line, i);
        end_round();
        assert_string_equal(fake.sent[i].data, line);
        ack(i, BUS_OK);
        assert_int_equal(told[i], BUS_OK);
    }
}

// ---- lines that are not worth a message of their own

static void test_few_lines_wait_for_the_message_on_its_way(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(add(group, "{\"a\":1}", i), BUS_OK);
        end_round();
    }
    assert_int_equal(fake.sent_count, 1);
    fake.now_us += 300;
    ack(0, BUS_OK);
    assert_int_equal(fake.sent_count, 2);
    assert_string_equal(fake.sent[1].data, "{\"a\":1}\n{\"a\":1}");
}

static void test_many_lines_leave_beside_the_message_on_its_way(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(add(group, "{\"a\":1}", i), BUS_OK);
        end_round();
    }
    assert_int_equal(fake.sent_count, 2);
    assert_string_equal(fake.sent[1].data, "{\"a\":1}\n{\"a\":1}\n{\"a\":1}");
}

static void test_few_lines_do_not_wait_for_an_answer_that_is_lost(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(add(group, "{\"a\":1}", i), BUS_OK);
        end_round();
    }
    assert_int_equal(fake.sent_count, 1);
    tick_after(50);
    assert_int_equal(fake.sent_count, 2);
    ack(1, BUS_OK);
    assert_int_equal(told[1], BUS_OK);
    assert_int_equal(told[0], NOT_TOLD);
}

static void test_lines_gather_while_a_message_is_on_its_way(void **state)
{
    struct group_commit *group = group_of(state);
    assert_int_equal(add(group, "{\"a\":1}", 0), BUS_OK);
    end_round();
    assert_int_equal(fake.rests, 1);
    assert_int_equal(add(group, "{\"a\":1}", 1), BUS_OK);
    end_round();
    assert_int_equal(fake.rests, 2);
    end_round(); // nothing came
    ack(0, BUS_OK);
    ack(1, BUS_OK);
    assert_int_equal(fake.rests, 2);
}

static void test_the_loop_does_not_rest_where_many_lines_come_at_once(void **state)
{
    struct group_commit *group = group_of(state);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(add(group, "{\"a\":1}", i), BUS_OK);
    }
    end_round();
    assert_int_equal(fake.sent_count, 2);
    assert_int_equal(fake.rests, 0);
}

static void test_the_loop_does_not_rest_when_nothing_is_on_its_way(void **state)
{
    struct group_commit *group = group_of(state);
    fake.send_result = BUS_DOWN;
    assert_int_equal(add(group, "{\"a\":1}", 0), BUS_OK);
    end_round();
    assert_int_equal(told[0], BUS_DOWN);
    assert_int_equal(fake.rests, 0);
}

// ---- lines of a stream, of which each alone is not worth a message

#define CROWD 6

// A message of as many lines at once leaves and is acknowledged.
static void a_crowd_was_here(struct group_commit *group)
{
    const size_t sent = fake.sent_count;
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(add(group, "{}", i), BUS_OK);
    }
    end_round();
    assert_int_equal(fake.sent_count, sent + 1);
    ack(sent, BUS_OK);
    fake.rests = 0;
}

// As the client does whose next request was there before the answer.
static void add_another(void *arg, enum bus_result result)
{
    assert_int_equal(result, BUS_OK);
    assert_int_equal(add(arg, "{}", 0), BUS_OK);
}

static void end_round_after(int64_t microseconds)
{
    fake.now_us += microseconds;
    end_round();
}

static void add_after(struct group_commit *group, int64_t microseconds, size_t who)
{
    fake.now_us += microseconds;
    assert_int_equal(add(group, "{}", who), BUS_OK);
    end_round();
}

static void test_lines_that_follow_closely_gather_until_none_comes(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    add_after(group, 300, 0);
    assert_int_equal(fake.last_rest_us, 100);
    add_after(group, 80, 1);
    end_round_after(60);
    assert_int_equal(fake.last_rest_us, 40);
    assert_int_equal(fake.rests, 3);
    assert_int_equal(fake.sent_count, 1);
    end_round_after(40);
    assert_int_equal(fake.sent_count, 2);
    assert_string_equal(fake.sent[1].data, "{}\n{}");
}

// Whenever the time to leave comes: between two looks at the clock too.
static void test_lines_that_wait_either_leave_or_have_the_loop_come_back(void **state)
{
    struct group_commit *group = group_of(state);
    for (int64_t early_us = 0; early_us < 8; early_us++) {
        const size_t sent = fake.sent_count;
        fake.us_a_look = 0;
        a_crowd_was_here(group);
        add_after(group, 300, 0);
        assert_int_equal(fake.rests, 1);
        fake.now_us += 100 - early_us;
        fake.us_a_look = 2;
        end_round();
        assert_int_equal(fake.sent_count - sent - 1 + fake.rests - 1, 1);
        fake.us_a_look = 0;
        end_round_after(100);
        assert_int_equal(fake.sent_count, sent + 2);
        ack(sent + 1, BUS_OK);
    }
}

static void test_lines_do_not_gather_longer_than_two_milliseconds(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    add_after(group, 1950, 0);
    assert_int_equal(fake.last_rest_us, 50);
    assert_int_equal(fake.sent_count, 1);
    add_after(group, 50, 1);
    assert_string_equal(fake.sent[1].data, "{}\n{}");
}

// After a crowd, lines that follow closely leave with the last of so many, not before.
static void check_they_wait_for_one_another(struct group_commit *group, size_t count)
{
    a_crowd_was_here(group);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fake.sent_count, 1);
        add_after(group, 10, i);
    }
    assert_int_equal(fake.sent_count, 2);
}

static void test_when_all_who_usually_send_are_here_nothing_else_is_waited_for(void **state)
{
    check_they_wait_for_one_another(group_of(state), CROWD);
}

static void test_who_comes_alone_is_not_kept_waiting(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    add_after(group, 2000, 0);
    assert_int_equal(fake.sent_count, 2);
}

static void test_a_line_that_follows_an_answer_gathers_too(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    fake.now_us += 300;
    assert_int_equal(group_commit_add(group, "{}", 2, add_another, group), BUS_OK);
    end_round();
    end_round_after(100);
    assert_int_equal(fake.sent_count, 2);
    fake.rests = 0;
    fake.now_us += 300;
    ack(1, BUS_OK);
    assert_int_equal(fake.sent_count, 2);
    assert_int_equal(fake.rests, 1);
    end_round_after(100);
    assert_int_equal(fake.sent_count, 3);
}

static void test_many_lines_do_not_gather(void **state)
{
    check_they_wait_for_one_another(group_of(state), WORTH_SENDING);
}

static void test_lines_that_may_not_leave_do_not_keep_the_loop_awake(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    fake.room = ROOM_UNKNOWN;
    add_after(group, 10, 0);
    end_round_after(100);
    end_round_after(100);
    assert_int_equal(fake.rests, 1);
    assert_int_equal(fake.sent_count, 1);
    fake.room = ROOM_OPEN;
    tick_after(50);
    assert_int_equal(fake.sent_count, 2);
}

static void test_a_crowd_that_is_gone_is_soon_forgotten(void **state)
{
    struct group_commit *group = group_of(state);
    a_crowd_was_here(group);
    size_t waited_for = 0;
    for (size_t i = 1; i < SENT_MAX; i++) {
        add_after(group, 200, 0);
        waited_for += fake.sent_count == i;
        end_round_after(100);
        assert_int_equal(fake.sent_count, i + 1);
        ack(i, BUS_OK);
    }
    assert_in_range(waited_for, 1, SENT_MAX / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define PATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_patient, tear_down)

#define STREAM(name) cmocka_unit_test_setup_teardown(name, set_up_for_many, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_of_one_round_leave_as_one_message),
        TEST(test_at_most_two_messages_are_in_flight),
        TEST(test_a_message_is_bounded),
        TEST(test_what_waits_is_bounded),
        TEST(test_a_line_that_cannot_be_a_line_is_refused),
        TEST(test_a_refusal_reaches_all_lines_of_the_message),
        TEST(test_a_full_stream_refuses_what_comes_and_what_waits),
        TEST(test_lines_wait_until_the_stream_was_looked_at),
        TEST(test_nothing_is_added_while_the_broker_is_away),
        TEST(test_a_message_that_cannot_be_handed_over_is_told_at_once),
        TEST(test_an_unacknowledged_line_is_told_in_time_and_its_late_answer_ignored),
        TEST(test_a_line_that_never_left_is_told_in_time),
        TEST(test_all_are_told_soon_when_the_broker_goes_away),
        TEST(test_a_round_wakes_the_loop_once_for_several_answers),
        TEST(test_lines_keep_their_order_over_many_rounds),
        PATIENT(test_few_lines_wait_for_the_message_on_its_way),
        PATIENT(test_many_lines_leave_beside_the_message_on_its_way),
        PATIENT(test_few_lines_do_not_wait_for_an_answer_that_is_lost),
        TEST(test_lines_gather_while_a_message_is_on_its_way),
        TEST(test_the_loop_does_not_rest_where_many_lines_come_at_once),
        TEST(test_the_loop_does_not_rest_when_nothing_is_on_its_way),
        STREAM(test_lines_that_follow_closely_gather_until_none_comes),
        STREAM(test_lines_that_wait_either_leave_or_have_the_loop_come_back),
        STREAM(test_lines_do_not_gather_longer_than_two_milliseconds),
        STREAM(test_when_all_who_usually_send_are_here_nothing_else_is_waited_for),
        STREAM(test_who_comes_alone_is_not_kept_waiting),
        STREAM(test_a_line_that_follows_an_answer_gathers_too),
        PATIENT(test_many_lines_do_not_gather),
        STREAM(test_lines_that_may_not_leave_do_not_keep_the_loop_awake),
        STREAM(test_a_crowd_that_is_gone_is_soon_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
