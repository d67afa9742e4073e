// SPDX-License-Identifier: Apache-2.0
// What may be sent between two looks at a stream, and that many processes together stay below its
// limit however fast they are.
#include "platform/bus/room.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define LIMIT 1024000
#define MARK (LIMIT / 8 * 7)
#define CREDIT (LIMIT / 128)
#define MESSAGE 100
#define SENDERS 12

static void test_nothing_is_sent_before_the_first_look(void **state)
{
    (void)state;
    struct room room = {0};
    assert_int_equal(room_state(&room), ROOM_UNKNOWN);
    assert_false(room_looked_at(&room, room_sent(&room), 0, LIMIT));
    assert_int_equal(room_state(&room), ROOM_OPEN);
}

static void test_a_look_is_wanted_once_a_credit_and_needed_at_its_end(void **state)
{
    (void)state;
    struct room room = {0};
    room_looked_at(&room, 0, 0, LIMIT);
    size_t wanted = 0;
    while (room_state(&room) == ROOM_OPEN) {
        wanted += room_take(&room, MESSAGE);
    }
    assert_int_equal(wanted, 1);
    assert_int_equal(room_sent(&room), CREDIT);
}

static void test_what_is_sent_during_a_look_counts_against_the_next_credit(void **state)
{
    (void)state;
    struct room room = {0};
    room_looked_at(&room, 0, 0, LIMIT);
    const uint64_t before = room_sent(&room);
    room_take(&room, CREDIT - MESSAGE);
    room_looked_at(&room, before, 0, LIMIT);
    assert_int_equal(room_state(&room), ROOM_OPEN);
    assert_true(room_wants_look(&room)); // though no message will pass the mark any more
    room_take(&room, MESSAGE);
    assert_int_equal(room_state(&room), ROOM_UNKNOWN);
    room_looked_at(&room, room_sent(&room), 0, LIMIT);
    assert_false(room_wants_look(&room));
}

static void test_a_stream_is_full_above_the_mark_and_opens_well_below_it(void **state)
{
    (void)state;
    struct room room = {0};
    assert_false(room_looked_at(&room, 0, MARK, LIMIT));
    assert_true(room_looked_at(&room, 0, MARK + 1, LIMIT));
    assert_int_equal(room_state(&room), ROOM_FULL);
    assert_false(room_looked_at(&room, 0, MARK, LIMIT));
    assert_int_equal(room_state(&room), ROOM_FULL);
    assert_true(room_looked_at(&room, 0, LIMIT / 2, LIMIT));
    assert_int_equal(room_state(&room), ROOM_OPEN);
    assert_true(room_looked_at(&room, 0, 2 * LIMIT, LIMIT));
    assert_int_equal(room_state(&room), ROOM_FULL);
}

// The worst case: each sender's look comes just before the mark is passed, each uses all of it.
static void test_many_senders_stay_below_the_limit(void **state)
{
    (void)state;
    struct room rooms[SENDERS] = {0};
    uint64_t used = MARK;
    for (size_t i = 0; i < SENDERS; i++) {
        room_looked_at(&rooms[i], 0, used, LIMIT);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        for (; room_state(&rooms[i]) == ROOM_OPEN; used += MESSAGE) {
            room_take(&rooms[i], MESSAGE);
        }
        room_looked_at(&rooms[i], room_sent(&rooms[i]), used, LIMIT);
        assert_int_equal(room_state(&rooms[i]), ROOM_FULL);
    }
    assert_true(used < LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_sent_before_the_first_look),
        cmocka_unit_test(test_a_look_is_wanted_once_a_credit_and_needed_at_its_end),
        cmocka_unit_test(test_what_is_sent_during_a_look_counts_against_the_next_credit),
        cmocka_unit_test(test_a_stream_is_full_above_the_mark_and_opens_well_below_it),
        cmocka_unit_test(test_many_senders_stay_below_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
