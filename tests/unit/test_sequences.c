// SPDX-License-Identifier: Apache-2.0
// What a process knows of its streams: a number that comes again is a loss, told once; and nothing
// is sent to a stream before somebody looked at it, or while it is not to be trusted.
#include "platform/bus/sequences.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT "user.emotions.topic"
#define OTHER "transactions.topic"

static struct log *logged;
static struct metrics *metrics;
static struct sequences *sequences;

static int set_up(void **state)
{
    (void)state;
    logged = log_open("test", LOG_ERROR, LOG_AS_TEXT);
    metrics = metrics_new();
    sequences = sequences_new(logged, metrics);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sequences_free(&sequences);
    metrics_free(&metrics);
    log_close(&logged);
    return 0;
}

static void assert_alarms(const char *count)
{
    char *text = metrics_text(metrics);
    char line[96];
    snprintf(line, sizeof line, "\necs_stream_sequence_went_back_total %s\n", count);
    assert_non_null(strstr(text, line));
    free(text);
}

static bool may_send(const char *subject)
{
    return !sequences_mark(sequences, subject).distrusted;
}

static void test_numbers_that_grow_are_well_in_any_order_of_their_answers(void **state)
{
    (void)state;
    const struct sequence_mark first = sequences_mark(sequences, SUBJECT);
    const struct sequence_mark second = sequences_mark(sequences, SUBJECT);
    assert_true(sequences_seen(sequences, second, 8));
    assert_true(sequences_seen(sequences, first, 7));
    assert_true(sequences_seen(sequences, sequences_mark(sequences, SUBJECT), 9));
    assert_false(sequences_went_back(sequences));
    assert_alarms("0");
}

static void test_a_number_that_comes_again_is_a_loss_and_one_alarm(void **state)
{
    (void)state;
    assert_true(sequences_seen(sequences, sequences_mark(sequences, SUBJECT), 2000));
    const struct sequence_mark mark = sequences_mark(sequences, SUBJECT);
    assert_false(sequences_seen(sequences, mark, 33));
    assert_false(sequences_seen(sequences, mark, 34));
    assert_true(sequences_went_back(sequences));
    assert_alarms("1");
    assert_false(may_send(SUBJECT));
    assert_true(may_send(OTHER));
    sequences_looked_at(sequences, SUBJECT, true);
    assert_true(may_send(SUBJECT));
    assert_true(sequences_went_back(sequences)); // until somebody has looked
}

static void test_a_loss_that_the_broker_tells_is_one_alarm_until_it_is_trusted(void **state)
{
    (void)state;
    sequences_declare(sequences, SUBJECT);
    sequences_lost(sequences, SUBJECT, 2000, 101);
    sequences_lost(sequences, SUBJECT, 2000, 101);
    sequences_looked_at(sequences, SUBJECT, false);
    assert_true(sequences_went_back(sequences));
    assert_alarms("1");
    assert_false(may_send(SUBJECT));
    sequences_looked_at(sequences, SUBJECT, true);
    assert_true(may_send(SUBJECT));
    sequences_lost(sequences, SUBJECT, 300, 200);
    assert_alarms("2");
}

static void test_nothing_is_sent_to_a_declared_subject_before_a_look(void **state)
{
    (void)state;
    sequences_declare(sequences, SUBJECT);
    sequences_declare(sequences, "dead." SUBJECT);
    assert_false(may_send(SUBJECT));
    assert_true(may_send(OTHER));
    sequences_looked_at(sequences, OTHER, true);
    assert_false(may_send(SUBJECT));
    sequences_looked_at(sequences, SUBJECT, true);
    assert_true(may_send(SUBJECT));
    assert_false(may_send("dead." SUBJECT));
    sequences_looked_at(sequences, "dead.>", true);
    assert_true(may_send("dead." SUBJECT));
    sequences_declare(sequences, SUBJECT); // again, by another part of the process
    assert_true(may_send(SUBJECT));
}

static void test_what_is_used_was_declared_or_sent_to(void **state)
{
    (void)state;
    assert_false(sequences_is_used(sequences, SUBJECT));
    sequences_declare(sequences, SUBJECT);
    (void)sequences_mark(sequences, "dead." OTHER);
    assert_true(sequences_is_used(sequences, SUBJECT));
    assert_true(sequences_is_used(sequences, "dead.>"));
    assert_false(sequences_is_used(sequences, OTHER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_numbers_that_grow_are_well_in_any_order_of_their_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_number_that_comes_again_is_a_loss_and_one_alarm,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_loss_that_the_broker_tells_is_one_alarm_until_it_is_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_sent_to_a_declared_subject_before_a_look,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_used_was_declared_or_sent_to, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
