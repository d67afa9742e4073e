// SPDX-License-Identifier: Apache-2.0
// Lists of trusted addresses: what belongs to one, and what is no list.
#include "platform/http/proxies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void addresses_and_networks_are_found(void **state)
{
    (void)state;
    struct proxies *list = proxies_new("127.0.0.0/8, ::1,10.1.2.3 192.168.4.0/22 2001:db8::/33");
    assert_non_null(list);
    static const char *const inside[] = {"127.0.0.1",       "127.255.255.255",     "::1",
                                         "10.1.2.3",        "192.168.7.255",       "2001:db8::5",
                                         "::ffff:10.1.2.3", "2001:db8:7fff::ffff", "192.168.4.0"};
    static const char *const outside[] = {"128.0.0.1",        "::2", "10.1.2.4", "192.168.8.0",
                                          "2001:db8:8000::1", "",    "x",        "10.1.2.3 "};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        assert_true(proxies_have(list, inside[i]));
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        assert_false(proxies_have(list, outside[i]));
    }
    proxies_free(&list);
    assert_null(list);
}

static void an_empty_list_trusts_nobody(void **state)
{
    (void)state;
    struct proxies *list = proxies_new("");
    assert_non_null(list);
    assert_false(proxies_have(list, "127.0.0.1"));
    assert_false(proxies_have(NULL, "127.0.0.1"));
    proxies_free(&list);
}

static void all_of_a_kind_can_be_trusted(void **state)
{
    (void)state;
    struct proxies *list = proxies_new("0.0.0.0/0");
    assert_true(proxies_have(list, "203.0.113.9"));
    assert_false(proxies_have(list, "2001:db8::1"));
    proxies_free(&list);
}

static void whoever_opens_a_socket_is_trusted_when_listed(void **state)
{
    (void)state;
    struct proxies *with = proxies_new("10.0.0.0/8,unix:");
    struct proxies *without = proxies_new("0.0.0.0/0,::/0");
    assert_true(proxies_have(with, "unix:"));
    assert_true(proxies_have(with, "10.1.1.1"));
    assert_false(proxies_have(with, "11.1.1.1"));
    assert_false(proxies_have(without, "unix:"));
    proxies_free(&with);
    proxies_free(&without);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost",
                                      "10.0.0.0/33",
                                      "::1/129",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/",
                                      "10.0.0.0/8x",
                                      "10.0.0",
                                      "10.0.0.1;::1",
                                      "unix:/run/ecs.sock",
                                      "unix",
                                      "10.0.0.0/99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(proxies_new(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_networks_are_found),
        cmocka_unit_test(an_empty_list_trusts_nobody),
        cmocka_unit_test(all_of_a_kind_can_be_trusted),
        cmocka_unit_test(whoever_opens_a_socket_is_trusted_when_listed),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
