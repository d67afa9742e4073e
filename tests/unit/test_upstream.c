// SPDX-License-Identifier: Apache-2.0
// A connection to a service elsewhere that ends at a bad moment, over a line of the test's own:
// whoever waits is told once, and nothing of it stays on the loop.
#include "platform/http/upstream.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define HEAD "POST / HTTP/1.1\r\n\r\n"
#define BODY "a body that is sent apart"

// ---- the line

struct line {
    int unused;
};

static struct {
    struct line line;
    dialled_fn *dialled;
    void *dialled_arg;
    int ends[2]; /* of a socket that is watched and says nothing */
    size_t sends_until_broken;
    size_t hung_up;
} fake;

struct line *line_dial(struct dialler *dialler, const char *origin, dialled_fn *done, void *arg)
{
    (void)dialler;
    (void)origin;
    fake.dialled = done;
    fake.dialled_arg = arg;
    return &fake.line;
}

void line_hang_up(struct line **line)
{
    fake.hung_up++;
    *line = NULL;
}

int line_socket(const struct line *line)
{
    (void)line;
    return fake.ends[0];
}

bool line_is_encrypted(const struct line *line)
{
    (void)line;
    return false;
}

enum line_outcome line_send(struct line *line, const char *data, size_t length, size_t *ret_length)
{
    (void)line;
    (void)data;
    if (fake.sends_until_broken == 0) {
        return LINE_BROKEN;
    }
    fake.sends_until_broken--;
    *ret_length = length;
    return LINE_DONE;
}

enum line_outcome line_receive(struct line *line, char *data, size_t size, size_t *ret_length)
{
    (void)line;
    (void)data;
    (void)size;
    (void)ret_length;
    return LINE_BROKEN;
}

struct dialler *dialler_new(struct loop *loop)
{
    (void)loop;
    return NULL;
}

void dialler_free(struct dialler **dialler)
{
    *dialler = NULL;
}

// ---- whoever waits

static struct {
    size_t answers;
    size_t losses;
    struct upstream_loss loss;
} told;

static void answered(void *arg, const struct http_result *result)
{
    (void)arg;
    (void)result;
    told.answers++;
}

static void lost(void *arg, const struct upstream_loss *loss)
{
    (void)arg;
    told.losses++;
    told.loss = *loss;
}

static const struct upstream_user user = {.answered = answered, .lost = lost};

// ---- the loop

static void count_handle(uv_handle_t *handle, void *arg)
{
    size_t *count = arg;
    (void)handle;
    (*count)++;
}

static size_t handles(struct loop *loop)
{
    size_t count = 0;
    uv_walk(loop_handle(loop), count_handle, &count);
    return count;
}

static struct loop *set_up(struct upstream_host *host)
{
    memset(&fake, 0, sizeof fake);
    memset(&told, 0, sizeof told);
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fake.ends), 0);
    struct loop *loop = loop_new();
    *host = (struct upstream_host){.loop = loop};
    return loop;
}

static void tear_down(struct loop *loop)
{
    loop_free(&loop);
    close(fake.ends[0]);
    close(fake.ends[1]);
}

static const struct upstream_request request = {
    .head = {HEAD, sizeof HEAD - 1},
    .body = {BODY, sizeof BODY - 1},
    .maximum_answer = 1024,
};

// The other side went away after so many parts of the request.
static void break_after(size_t parts)
{
    static struct upstream_host host;
    struct loop *loop = set_up(&host);
    const size_t before = handles(loop);
    fake.sends_until_broken = parts;
    upstream_carry(upstream_dial(&host, "http://127.0.0.1"), &request, &user, NULL);
    assert_int_equal(told.losses, 0);
    fake.dialled(fake.dialled_arg, NULL, false);
    assert_int_equal(told.losses, 1);
    assert_int_equal(told.answers, 0);
    assert_true(told.loss.gone);
    assert_int_equal(told.loss.sent, parts > 0);
    assert_int_equal(fake.hung_up, 1);
    loop_run_once(loop);
    assert_int_equal(handles(loop), before);
    tear_down(loop);
}

static void test_one_that_ends_before_the_request_is_sent(void **state)
{
    (void)state;
    break_after(0);
}

static void test_one_that_ends_while_the_request_is_sent(void **state)
{
    (void)state;
    break_after(1);
}

static void test_one_that_is_never_connected(void **state)
{
    (void)state;
    static struct upstream_host host;
    struct loop *loop = set_up(&host);
    const size_t before = handles(loop);
    upstream_carry(upstream_dial(&host, "http://127.0.0.1"), &request, &user, NULL);
    fake.dialled(fake.dialled_arg, "nobody is there", true);
    assert_int_equal(told.losses, 1);
    assert_string_equal(told.loss.why, "nobody is there");
    assert_false(told.loss.sent);
    assert_int_equal(handles(loop), before);
    tear_down(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_ends_before_the_request_is_sent),
        cmocka_unit_test(test_one_that_ends_while_the_request_is_sent),
        cmocka_unit_test(test_one_that_is_never_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
