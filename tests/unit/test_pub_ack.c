// SPDX-License-Identifier: Apache-2.0
// What JetStream answers to a publish, in the texts that nats-server sends.
#include "platform/bus/pub_ack.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

static enum bus_result read_ack(const char *text, struct pub_ack *ret)
{
    return pub_ack_read(text, strlen(text), ret);
}

static void test_an_acknowledgement_gives_the_sequence(void **state)
{
    (void)state;
    struct pub_ack ack;
    assert_int_equal(read_ack("{\"stream\":\"emotions\", \"seq\":4711}", &ack), BUS_OK);
    assert_int_equal(ack.sequence, 4711);
    assert_false(ack.duplicate);
    assert_int_equal(
        read_ack("{\"stream\":\"emotions\",\"domain\":\"a\",\"seq\":7,\"duplicate\": true}", &ack),
        BUS_OK);
    assert_int_equal(ack.sequence, 7);
    assert_true(ack.duplicate);
}

static void test_a_full_stream_or_disk_is_full(void **state)
{
    (void)state;
    struct pub_ack ack;
    assert_int_equal(read_ack("{\"error\":{\"code\":503,\"err_code\":10023,\"description\":"
                              "\"insufficient resources\"},\"stream\":\"emotions\",\"seq\":0}",
                              &ack),
                     BUS_FULL);
    assert_int_equal(read_ack("{\"error\":{\"code\":503,\"err_code\":10077,\"description\":"
                              "\"maximum bytes exceeded\"},\"stream\":\"emotions\",\"seq\":0}",
                              &ack),
                     BUS_FULL);
    assert_int_equal(ack.sequence, 0);
}

static void test_other_refusals(void **state)
{
    (void)state;
    struct pub_ack ack;
    assert_int_equal(read_ack("{\"error\":{\"code\":503,\"err_code\":10008}}", &ack), BUS_DOWN);
    assert_int_equal(read_ack("{\"error\":{\"code\":400,\"err_code\":10054}}", &ack), BUS_FAILED);
}

static void test_what_is_no_acknowledgement_is_a_failure(void **state)
{
    (void)state;
    struct pub_ack ack;
    assert_int_equal(read_ack("", &ack), BUS_FAILED);
    assert_int_equal(read_ack("{\"stream\":\"emotions\",\"seq\"", &ack), BUS_FAILED);
    assert_int_equal(read_ack("{\"stream\":\"emotions\",\"seq\":", &ack), BUS_FAILED);
    assert_int_equal(read_ack("{\"stream\":\"emotions\",\"seq\":0}", &ack), BUS_FAILED);
    assert_int_equal(read_ack("+OK", &ack), BUS_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_acknowledgement_gives_the_sequence),
        cmocka_unit_test(test_a_full_stream_or_disk_is_full),
        cmocka_unit_test(test_other_refusals),
        cmocka_unit_test(test_what_is_no_acknowledgement_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
