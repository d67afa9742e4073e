// SPDX-License-Identifier: Apache-2.0
// What the SQLSTATEs of PostgreSQL mean for a caller, and what of a message may be logged.
#include "platform/db/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_each_sqlstate_has_its_status(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum db_status status;
    } rows[] = {
        {"08006", DB_AWAY},     {"57P01", DB_AWAY},     {"57P03", DB_AWAY},
        {"53100", DB_AWAY},     {"53300", DB_AWAY},     {"25P03", DB_AWAY},
        {"40001", DB_RETRY},    {"40P01", DB_RETRY},    {"55P03", DB_RETRY},
        {"57014", DB_LATE},     {"26000", DB_RETRY},    {"23505", DB_CONFLICT},
        {"23503", DB_RETRY},    {"23514", DB_REJECTED}, {"22003", DB_REJECTED},
        {"22P02", DB_REJECTED}, {"42501", DB_BROKEN},   {"42P01", DB_BROKEN},
        {"25P02", DB_BROKEN},   {"XX000", DB_BROKEN},   {"40002", DB_BROKEN},
        {"", DB_BROKEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(db_status_of(rows[i].sqlstate), rows[i].status);
    }
    assert_int_equal(db_status_of(NULL), DB_BROKEN);
}

static void test_only_what_is_wrong_by_itself_does_not_pass(void **state)
{
    (void)state;
    const enum db_status passing[] = {DB_AWAY, DB_RETRY, DB_LATE, DB_UNKNOWN};
    const enum db_status staying[] = {DB_OK, DB_CONFLICT, DB_REJECTED, DB_BROKEN};
    for (size_t i = 0; i < 4; i++) {
        assert_true(db_may_pass(passing[i]));
        assert_false(db_may_pass(staying[i]));
    }
}

static void test_an_error_is_one_line(void **state)
{
    (void)state;
    struct db db = {.sqlstate = "23505"};
    db_set_error(&db, "%s", "connection refused\n\tIs the server running?\n\n");
    assert_string_equal(db.error, "connection refused  Is the server running?");
    assert_string_equal(db.sqlstate, "");
    assert_string_equal(db_error(&db), db.error);
}

static void test_a_long_error_is_cut(void **state)
{
    (void)state;
    struct db db = {0};
    char message[2 * DB_ERROR_SIZE];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    db_set_error(&db, "%s", message);
    assert_int_equal(strlen(db_error(&db)), DB_ERROR_SIZE - 1);
}

static void test_a_url_that_cannot_be_read_is_not_quoted(void **state)
{
    (void)state;
    char error[DB_ERROR_SIZE] = "";
    assert_null(db_open("postgresql://u:s3cr%zz@h/d", "test", NULL, error));
    assert_null(strstr(error, "s3cr"));
    assert_string_not_equal(error, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sqlstate_has_its_status),
        cmocka_unit_test(test_only_what_is_wrong_by_itself_does_not_pass),
        cmocka_unit_test(test_an_error_is_one_line),
        cmocka_unit_test(test_a_long_error_is_cut),
        cmocka_unit_test(test_a_url_that_cannot_be_read_is_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
