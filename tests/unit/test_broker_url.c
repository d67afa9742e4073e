// SPDX-License-Identifier: Apache-2.0
// Which addresses of the broker are accepted, when TLS is asked for, and whose answers go where.
#include "platform/bus/broker_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_servers_need_a_scheme_and_a_host(void **state)
{
    (void)state;
    assert_true(broker_url_valid("nats://127.0.0.1:4222"));
    assert_true(broker_url_valid("tls://user:password@broker:4222"));
    assert_true(broker_url_valid("nats://a:1, nats://b:2,tls://c:3"));
    static const char *const bad[] = {"",           "broker:4222",      "http://broker",
                                      "nats://",    "nats://,nats://b", "nats://a,",
                                      "nats://a,b", "NATS://a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(broker_url_valid(bad[i]));
    }
}

static void test_one_server_by_tls_means_all_by_tls(void **state)
{
    (void)state;
    assert_true(broker_url_asks_for_tls("tls://broker:4222"));
    assert_true(broker_url_asks_for_tls("nats://a:1, tls://b:2"));
    assert_false(broker_url_asks_for_tls("nats://a:1,nats://b:2"));
    assert_false(broker_url_asks_for_tls("nats://tls:tls@a:1"));
}

static void expect_inbox(const char *urls, const char *expected)
{
    char inbox[BROKER_INBOX_SIZE];
    broker_url_inbox(urls, inbox);
    assert_string_equal(inbox, expected);
}

static void test_answers_go_where_only_the_user_reads(void **state)
{
    (void)state;
    expect_inbox("nats://emotion-ingestion-service:secret@a:1", "_INBOX.emotion-ingestion-service");
    expect_inbox(" tls://one@a:1,tls://two@b:2", "_INBOX.one");
    expect_inbox("nats://user:p@ss@a:1", "_INBOX.user");
}

static void test_without_a_user_that_can_be_named_they_go_to_the_common_place(void **state)
{
    (void)state;
    expect_inbox("nats://a:1", "_INBOX");
    expect_inbox("nats://a:1,nats://user@b:2", "_INBOX");
    expect_inbox("nats://:token@a:1", "_INBOX");
    expect_inbox("nats://us.er:x@a:1", "_INBOX");
    expect_inbox("nats://user*:x@a:1", "_INBOX");
    expect_inbox("nats://us%65r:x@a:1", "_INBOX");
    expect_inbox(
        "nats://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:x@a:1",
        "_INBOX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_need_a_scheme_and_a_host),
        cmocka_unit_test(test_one_server_by_tls_means_all_by_tls),
        cmocka_unit_test(test_answers_go_where_only_the_user_reads),
        cmocka_unit_test(test_without_a_user_that_can_be_named_they_go_to_the_common_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
