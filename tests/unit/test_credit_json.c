// SPDX-License-Identifier: Apache-2.0
// Tests of events/credit_json.c: acceptances there and back, and notifications.
#include "events/credit_json.h"

#include "platform/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct accepted_offer offer = {
    .offer_id = {{1}},
    .user_id = {{2}},
    .credit_limit = "7500.00",
    .interest_rate = "8.75",
    .credit_type = "LONG_TERM_PERSONAL_LOAN",
    .accepted_at = 1,
    .trace_id = "trace \"1\"",
};

static void test_an_accepted_offer_keeps_the_digits_of_its_figures(void **state)
{
    (void)state;
    size_t length;
    char *json = accepted_offer_json(&offer, &length);
    assert_string_equal(json, "{\"offerId\":\"01000000-0000-0000-0000-000000000000\","
                              "\"userId\":\"02000000-0000-0000-0000-000000000000\","
                              "\"creditLimit\":7500.00,\"interestRate\":8.75,"
                              "\"creditType\":\"LONG_TERM_PERSONAL_LOAN\","
                              "\"acceptedAt\":\"1970-01-01T00:00:00.000001Z\","
                              "\"traceId\":\"trace \\\"1\\\"\"}");
    assert_int_equal(length, strlen(json));
    free(json);
}

static void test_an_acceptance_is_read_back_by_its_ids(void **state)
{
    (void)state;
    size_t length;
    char *json = accepted_offer_json(&offer, &length);
    struct uuid offer_id, user_id;
    const char *reason = NULL;
    assert_true(accepted_offer_from_json(json, length, &offer_id, &user_id, &reason));
    assert_true(uuid_equal(&offer_id, &offer.offer_id));
    assert_true(uuid_equal(&user_id, &offer.user_id));
    free(json);
}

static void test_a_bad_acceptance_has_a_reason(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"", "not JSON"},
        {"[]", "must be a JSON object"},
        {"{}", "offerId must be a UUID"},
        {"{\"offerId\":\"01000000-0000-0000-0000-000000000000\",\"userId\":\"x\"}",
         "userId must be a UUID"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct uuid offer_id = {{42}}, user_id = {{42}};
        const char *reason = NULL;
        assert_false(
            accepted_offer_from_json(rows[i][0], strlen(rows[i][0]), &offer_id, &user_id, &reason));
        assert_string_equal(reason, rows[i][1]);
        assert_int_equal(offer_id.bytes[0], 42);
        assert_int_equal(user_id.bytes[0], 42);
    }
}

static void test_a_notification_has_the_fields_of_the_stream(void **state)
{
    (void)state;
    const struct notification notification = {
        .notification_id = {{1}},
        .user_id = {{2}},
        .offer_id = {{3}},
        .type = "CREDIT_LIMIT_APPLIED",
        .title = "Your credit is \"active\"",
        .message = "R$ 10\n",
        .trace_id = "t",
    };
    size_t length;
    char *json = notification_json(&notification, &length);
    assert_string_equal(json, "{\"notificationId\":\"01000000-0000-0000-0000-000000000000\","
                              "\"userId\":\"02000000-0000-0000-0000-000000000000\","
                              "\"type\":\"CREDIT_LIMIT_APPLIED\","
                              "\"title\":\"Your credit is \\\"active\\\"\","
                              "\"message\":\"R$ 10\\n\","
                              "\"offerId\":\"03000000-0000-0000-0000-000000000000\","
                              "\"traceId\":\"t\"}");
    assert_int_equal(length, strlen(json));
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_accepted_offer_keeps_the_digits_of_its_figures),
        cmocka_unit_test(test_an_acceptance_is_read_back_by_its_ids),
        cmocka_unit_test(test_a_bad_acceptance_has_a_reason),
        cmocka_unit_test(test_a_notification_has_the_fields_of_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
