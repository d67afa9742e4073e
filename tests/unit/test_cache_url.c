// SPDX-License-Identifier: Apache-2.0
// Which addresses of a Redis server are accepted, and how they are read.
#include "platform/cache/cache.h"
#include "platform/cache/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_the_shortest_form(void **state)
{
    (void)state;
    struct cache_address address;
    assert_true(cache_url_parse("redis://cache:6379", &address));
    assert_string_equal(address.host, "cache");
    assert_int_equal(address.port, 6379);
    assert_int_equal(address.database, 0);
    assert_string_equal(address.password, "");
}

static void test_the_whole_form(void **state)
{
    (void)state;
    struct cache_address address;
    assert_true(cache_url_parse("redis://:s3cret@127.0.0.1:1/15", &address));
    assert_string_equal(address.host, "127.0.0.1");
    assert_int_equal(address.port, 1);
    assert_int_equal(address.database, 15);
    assert_string_equal(address.password, "s3cret");
}

static void test_a_password_is_percent_decoded(void **state)
{
    (void)state;
    struct cache_address address;
    assert_true(cache_url_parse("redis://:a%40%2f%3A:%25%C3%A9@h:65535/", &address));
    assert_string_equal(address.password, "a@/::%\xc3\xa9");
    assert_int_equal(address.port, 65535);
}

static void test_an_ipv6_address_loses_its_brackets(void **state)
{
    (void)state;
    struct cache_address address;
    assert_true(cache_url_parse("redis://[::1]:6379/0", &address));
    assert_string_equal(address.host, "::1");
}

static void test_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "redis",
        "redis://",
        "rediss://h:1",
        "REDIS://h:1",
        "http://h:1",
        "redis:h:1",
        " redis://h:1",
        "redis://h",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:99999999999999999999",
        "redis://h:-1",
        "redis://h:+1",
        "redis://h:1a",
        "redis://h: 1",
        "redis://:1",
        "redis://h h:1",
        "redis://h:1/a",
        "redis://h:1/-1",
        "redis://h:1/65536",
        "redis://h:1/0/",
        "redis://h:1/0?x=1",
        "redis://h:1#f",
        "redis://h:1\n",
        "redis://:@h:1",
        "redis://user@h:1",
        "redis://user:p@h:1",
        "redis://:p%@h:1",
        "redis://:p%4@h:1",
        "redis://:p%zz@h:1",
        "redis://:p%00q@h:1",
        "redis://:p q@h:1",
        "redis://:p/q@h:1",
        "redis://:p@q@h:1",
        "redis://[::1:1",
        "redis://[]:1",
        "redis://[::1]",
        "redis://[h]:1",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct cache_address address = {.port = -7};
        if (cache_url_parse(urls[i], &address) || address.port != -7) {
            fail_msg("accepted: %s", urls[i]);
        }
        assert_false(cache_url_valid(urls[i]));
    }
}

static void test_no_part_can_be_too_long(void **state)
{
    (void)state;
    struct cache_address address;
    char part[400];
    char url[900];
    memset(part, 'x', sizeof part);
    part[CACHE_PASSWORD_MAX] = '\0';
    snprintf(url, sizeof url, "redis://:%s@%s:1", part, part);
    assert_true(cache_url_parse(url, &address));
    assert_string_equal(address.password, part);
    assert_string_equal(address.host, part);
    snprintf(url, sizeof url, "redis://:%sx@h:1", part);
    assert_false(cache_url_parse(url, &address));
    snprintf(url, sizeof url, "redis://%sx:1", part);
    assert_false(cache_url_parse(url, &address));
}

static void test_no_url_is_a_cache_that_never_holds_anything(void **state)
{
    (void)state;
    assert_true(cache_url_valid(""));
    struct cache_health *health = cache_health_new(NULL);
    struct cache *cache = cache_new("", health);
    int64_t number = 0;
    cache_set(cache, "key", "value", 5, 60);
    assert_true(cache_remove(cache, "key"));
    assert_false(cache_count(cache, "number", 1, 60, &number));
    assert_true(cache_is_up(health));
    cache_free(&cache);
    cache_health_free(&health);
    assert_null(cache);
    assert_null(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_shortest_form),
        cmocka_unit_test(test_the_whole_form),
        cmocka_unit_test(test_a_password_is_percent_decoded),
        cmocka_unit_test(test_an_ipv6_address_loses_its_brackets),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_no_part_can_be_too_long),
        cmocka_unit_test(test_no_url_is_a_cache_that_never_holds_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
