// SPDX-License-Identifier: Apache-2.0
// A consumer's work on lines, without a broker: taking messages apart, finding the poisoned line,
// and the delays between tries.
#include "platform/bus/lines.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

// ---- splitting

static void assert_line(const struct line_list *list, size_t index, const char *expected)
{
    assert_int_equal(list->items[index].length, strlen(expected));
    assert_memory_equal(list->items[index].data, expected, strlen(expected));
    assert_null(list->items[index].rejected);
}

static size_t split(struct line_list *list, const char *message)
{
    return lines_split(list, message, strlen(message));
}

static void test_messages_are_taken_apart_into_lines(void **state)
{
    (void)state;
    struct line_list list = {0};
    assert_int_equal(split(&list, "{\"a\":1}\n{\"b\":2}"), 2);
    assert_int_equal(split(&list, "{\"c\":3}\n"), 1);
    assert_int_equal(list.count, 3);
    assert_line(&list, 0, "{\"a\":1}");
    assert_line(&list, 1, "{\"b\":2}");
    assert_line(&list, 2, "{\"c\":3}");
    lines_clear(&list);
    assert_int_equal(list.count, 0);
    lines_free(&list);
}

static void test_empty_lines_are_nothing(void **state)
{
    (void)state;
    struct line_list list = {0};
    assert_int_equal(split(&list, "\n{}\r\n\n"), 1);
    assert_line(&list, 0, "{}");
    lines_free(&list);
}

static void test_a_message_without_a_line_is_one_that_cannot_be_read(void **state)
{
    (void)state;
    struct line_list list = {0};
    assert_int_equal(split(&list, "\n\r\n\n"), 1);
    assert_line(&list, 0, "");
    assert_int_equal(lines_split(&list, NULL, 0), 1);
    assert_line(&list, 1, "");
    lines_free(&list);
}

static void test_a_message_of_many_lines_is_taken_apart(void **state)
{
    (void)state;
    static char message[20000];
    for (size_t i = 0; i < sizeof message; i += 2) {
        message[i] = 'x';
        message[i + 1] = '\n';
    }
    struct line_list list = {0};
    assert_int_equal(lines_split(&list, message, sizeof message), sizeof message / 2);
    assert_line(&list, sizeof message / 2 - 1, "x");
    lines_free(&list);
}

// ---- handling

#define LINES 100

struct handler {
    size_t calls;
    size_t largest;
    size_t stored;
    size_t in_time;       /* of more lines it is late; 0: never */
    size_t fails_at_call; /* 0: never */
    enum handled failure;
};

// P poisons its transaction; R is rejected by the handler itself.
static enum handled handle(void *arg, struct event_line *lines, size_t count)
{
    struct handler *handler = arg;
    handler->calls++;
    handler->largest = count > handler->largest ? count : handler->largest;
    if (handler->calls == handler->fails_at_call) {
        return handler->failure;
    }
    if (handler->in_time > 0 && count > handler->in_time) {
        return HANDLED_LATE;
    }
    for (size_t i = 0; i < count; i++) {
        assert_null(lines[i].rejected);
        if (lines[i].data[0] == 'P') {
            return HANDLED_POISONED;
        }
    }
    for (size_t i = 0; i < count; i++) {
        lines[i].rejected = lines[i].data[0] == 'R' ? "of no use" : NULL;
        handler->stored += lines[i].rejected == NULL;
    }
    return HANDLED;
}

static void fill(struct event_line lines[static LINES])
{
    for (size_t i = 0; i < LINES; i++) {
        lines[i] = (struct event_line){.data = "x", .length = 1};
    }
}

static void test_a_good_batch_is_one_transaction(void **state)
{
    (void)state;
    struct event_line lines[LINES];
    struct handler handler = {0};
    fill(lines);
    assert_int_equal(lines_handle(handle, &handler, lines, LINES, LINES), HANDLED);
    assert_int_equal(handler.calls, 1);
    assert_int_equal(handler.stored, LINES);
    assert_int_equal(lines_handle(handle, &handler, lines, 0, LINES), HANDLED);
    assert_int_equal(handler.calls, 1);
}

static void test_a_large_batch_is_several_transactions(void **state)
{
    (void)state;
    struct event_line lines[LINES];
    struct handler handler = {0};
    fill(lines);
    assert_int_equal(lines_handle(handle, &handler, lines, LINES, 30), HANDLED);
    assert_int_equal(handler.stored, LINES);
    assert_int_equal(handler.calls, 3);
    assert_true(handler.largest < 45);
}

static void test_poisoned_lines_are_found_and_their_neighbours_stored(void **state)
{
    (void)state;
    struct event_line lines[LINES];
    struct handler handler = {0};
    fill(lines);
    lines[0].data = "P";
    lines[41].data = "P";
    lines[42].data = "R";
    lines[LINES - 1].data = "P";
    assert_int_equal(lines_handle(handle, &handler, lines, LINES, LINES), HANDLED);
    assert_int_equal(handler.stored, LINES - 4);
    assert_string_equal(lines[0].rejected, "refused by the database");
    assert_string_equal(lines[41].rejected, "refused by the database");
    assert_string_equal(lines[42].rejected, "of no use");
    assert_string_equal(lines[LINES - 1].rejected, "refused by the database");
    assert_null(lines[1].rejected);
    assert_true(handler.calls < 50);
}

static void test_a_batch_that_is_late_is_stored_in_parts(void **state)
{
    (void)state;
    struct event_line lines[LINES];
    struct handler handler = {.in_time = 10};
    fill(lines);
    lines[42].data = "P";
    assert_int_equal(lines_handle(handle, &handler, lines, LINES, LINES), HANDLED);
    assert_int_equal(handler.stored, LINES - 1);
    assert_string_equal(lines[42].rejected, "refused by the database");
    assert_null(lines[41].rejected);
}

static void test_a_line_that_is_late_alone_is_no_dead_letter(void **state)
{
    (void)state;
    struct event_line line = {.data = "x", .length = 1};
    struct handler handler = {.fails_at_call = 1, .failure = HANDLED_LATE};
    assert_int_equal(lines_handle(handle, &handler, &line, 1, LINES), HANDLED_AWAY);
    assert_null(line.rejected);
}

static void test_a_failure_ends_the_search(void **state)
{
    (void)state;
    const enum handled failures[] = {HANDLED_FAILED, HANDLED_AWAY};
    for (size_t i = 0; i < 2; i++) {
        struct event_line lines[LINES];
        struct handler handler = {.fails_at_call = 3, .failure = failures[i]};
        fill(lines);
        lines[0].data = "P";
        assert_int_equal(lines_handle(handle, &handler, lines, LINES, LINES), failures[i]);
        assert_int_equal(handler.calls, 3);
    }
}

// ---- delays

static void test_delays_double_up_to_their_maximum(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(0), 100);
    assert_int_equal(retry_delay_ms(1), 100);
    assert_int_equal(retry_delay_ms(2), 200);
    assert_int_equal(retry_delay_ms(8), 12800);
    assert_int_equal(retry_delay_ms(9), 25600);
    assert_int_equal(retry_delay_ms(10), 30000);
    assert_int_equal(retry_delay_ms(UINT64_MAX), 30000);
    assert_int_equal(away_delay_ms(1), 100);
    assert_int_equal(away_delay_ms(5), 1600);
    assert_int_equal(away_delay_ms(6), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_taken_apart_into_lines),
        cmocka_unit_test(test_empty_lines_are_nothing),
        cmocka_unit_test(test_a_message_without_a_line_is_one_that_cannot_be_read),
        cmocka_unit_test(test_a_message_of_many_lines_is_taken_apart),
        cmocka_unit_test(test_a_good_batch_is_one_transaction),
        cmocka_unit_test(test_a_large_batch_is_several_transactions),
        cmocka_unit_test(test_poisoned_lines_are_found_and_their_neighbours_stored),
        cmocka_unit_test(test_a_batch_that_is_late_is_stored_in_parts),
        cmocka_unit_test(test_a_line_that_is_late_alone_is_no_dead_letter),
        cmocka_unit_test(test_a_failure_ends_the_search),
        cmocka_unit_test(test_delays_double_up_to_their_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
