// SPDX-License-Identifier: Apache-2.0
// Tests of domain/offer.c: every move in the life of an offer.
#include "domain/offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct offer_state open_offer = {.status = OFFER_OFFERED, .expires_at = 1000};

static void test_an_open_offer_can_be_accepted_until_it_expires(void **state)
{
    (void)state;
    assert_int_equal(offer_accept(&open_offer, 0), ACCEPT_NOW);
    assert_int_equal(offer_accept(&open_offer, 1000), ACCEPT_NOW);
}

static void test_an_expired_offer_cannot_be_accepted(void **state)
{
    (void)state;
    struct offer_state expired = open_offer;
    assert_int_equal(offer_accept(&expired, 1001), ACCEPT_EXPIRED);
    expired.status = OFFER_EXPIRED;
    assert_int_equal(offer_accept(&expired, 0), ACCEPT_EXPIRED);
}

static void test_a_superseded_offer_cannot_be_accepted(void **state)
{
    (void)state;
    struct offer_state superseded = open_offer;
    superseded.status = OFFER_SUPERSEDED;
    assert_int_equal(offer_accept(&superseded, 0), ACCEPT_SUPERSEDED);
}

static void test_an_acceptance_in_time_stands_after_the_end(void **state)
{
    (void)state;
    struct offer_state accepted = open_offer;
    accepted.accepted = true;
    accepted.accepted_at = 999;
    assert_int_equal(offer_accept(&accepted, 5000), ACCEPT_PENDING);
    assert_int_equal(offer_activate(&accepted), ACTIVATE_NOW);
}

static void test_an_active_offer_is_neither_accepted_nor_activated_again(void **state)
{
    (void)state;
    struct offer_state active = {OFFER_ACTIVE, true, 10, 1000};
    assert_int_equal(offer_accept(&active, 5000), ACCEPT_ACTIVE);
    assert_int_equal(offer_activate(&active), ACTIVATE_DONE_BEFORE);
}

static void test_only_an_offer_accepted_in_time_is_activated(void **state)
{
    (void)state;
    struct offer_state offer = open_offer;
    assert_int_equal(offer_activate(&offer), ACTIVATE_REFUSED);
    offer.accepted = true;
    offer.accepted_at = 1000;
    assert_int_equal(offer_activate(&offer), ACTIVATE_NOW);
    offer.accepted_at = 1001;
    assert_int_equal(offer_activate(&offer), ACTIVATE_REFUSED);
    offer.accepted_at = 10;
    offer.status = OFFER_SUPERSEDED;
    assert_int_equal(offer_activate(&offer), ACTIVATE_REFUSED);
    offer.status = OFFER_EXPIRED;
    assert_int_equal(offer_activate(&offer), ACTIVATE_REFUSED);
}

static void test_states_are_stored_by_name(void **state)
{
    (void)state;
    for (enum offer_status status = OFFER_OFFERED; status <= OFFER_SUPERSEDED; status++) {
        enum offer_status read = OFFER_OFFERED;
        assert_true(offer_status_parse(offer_status_name(status), &read));
        assert_int_equal(read, status);
    }
    assert_string_equal(offer_status_name(OFFER_SUPERSEDED), "superseded");
    enum offer_status read = OFFER_ACTIVE;
    assert_false(offer_status_parse("cancelled", &read));
    assert_false(offer_status_parse("", &read));
    assert_int_equal(read, OFFER_ACTIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_offer_can_be_accepted_until_it_expires),
        cmocka_unit_test(test_an_expired_offer_cannot_be_accepted),
        cmocka_unit_test(test_a_superseded_offer_cannot_be_accepted),
        cmocka_unit_test(test_an_acceptance_in_time_stands_after_the_end),
        cmocka_unit_test(test_an_active_offer_is_neither_accepted_nor_activated_again),
        cmocka_unit_test(test_only_an_offer_accepted_in_time_is_activated),
        cmocka_unit_test(test_states_are_stored_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
