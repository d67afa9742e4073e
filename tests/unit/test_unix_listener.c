// SPDX-License-Identifier: Apache-2.0
// The file of a listening Unix domain socket: whose it is, who may open it, when it is replaced.
#include "platform/http/unix_listener.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 16
#define AT_ONCE 8
#define ROUNDS 20

static char folder[] = "/tmp/ecs-unix-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    const char *made = mkdtemp(folder);
    snprintf(path, sizeof path, "%s/s.sock", folder);
    return made != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static bool exists(void)
{
    struct stat file;
    return lstat(path, &file) == 0;
}

static bool answers(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool connected = connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return connected;
}

static void assert_in_use(void)
{
    assert_int_equal(unix_listener_open(path, BACKLOG), -1);
    assert_int_equal(errno, EADDRINUSE);
}

static void test_only_its_owner_and_their_group_may_open_it(void **state)
{
    (void)state;
    const mode_t masks[] = {0, 022, 077};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        mode_t before = umask(masks[i]);
        int listener = unix_listener_open(path, BACKLOG);
        umask(before);
        struct stat file;
        assert_int_equal(lstat(path, &file), 0);
        assert_true(S_ISSOCK(file.st_mode));
        assert_int_equal(file.st_mode & 07777, 0660);
        assert_true(answers());
        unix_listener_close(listener, path);
        assert_false(exists());
    }
}

static void test_the_file_of_a_process_that_was_killed_is_replaced(void **state)
{
    (void)state;
    close(unix_listener_open(path, BACKLOG));
    assert_true(exists());
    int listener = unix_listener_open(path, BACKLOG);
    assert_true(listener >= 0 && answers());
    unix_listener_close(listener, path);
}

static void test_where_somebody_listens_nobody_else_does(void **state)
{
    (void)state;
    int listener = unix_listener_open(path, BACKLOG);
    assert_in_use();
    assert_true(answers());
    unix_listener_close(listener, path);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_in_use();
    assert_true(exists());
    unlink(path);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_in_use();
    assert_true(exists());
    unlink(path);
}

static void test_a_file_that_is_another_listener_s_by_now_stays(void **state)
{
    (void)state;
    int first = unix_listener_open(path, BACKLOG);
    unlink(path);
    int second = unix_listener_open(path, BACKLOG);
    unix_listener_close(first, path);
    assert_true(answers());
    unix_listener_close(second, path);
    assert_false(exists());
}

// The ends of pipes: a child waits until the parent closes `start` or `end`, and writes to `tried`.
struct race {
    int start[2];
    int tried[2];
    int end[2];
};

static void wait_closed(const int ends[2])
{
    char byte = 0;
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
}

// Answers by its exit whether it listened; it does so until all have tried.
static pid_t start_one(const struct race *race)
{
    pid_t child = fork();
    if (child == 0) {
        wait_closed(race->start);
        int listener = unix_listener_open(path, BACKLOG);
        assert_int_equal(write(race->tried[1], "x", 1), 1);
        wait_closed(race->end);
        _exit(listener >= 0);
    }
    return child;
}

static int run_race(const struct race *race)
{
    pid_t children[AT_ONCE];
    char bytes[AT_ONCE];
    int listening = 0;
    for (size_t i = 0; i < AT_ONCE; i++) {
        children[i] = start_one(race);
    }
    close(race->start[1]);
    for (size_t i = 0; i < AT_ONCE; i++) {
        assert_int_equal(read(race->tried[0], &bytes[i], 1), 1);
    }
    assert_true(answers());
    close(race->end[1]);
    for (size_t i = 0; i < AT_ONCE; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        listening += WEXITSTATUS(status);
    }
    return listening;
}

static void test_of_many_that_start_at_once_one_listens(void **state)
{
    (void)state;
    close(unix_listener_open(path, BACKLOG));
    for (int i = 0; i < ROUNDS; i++) {
        struct race race;
        assert_int_equal(pipe(race.start) | pipe(race.tried) | pipe(race.end), 0);
        assert_int_equal(run_race(&race), 1);
        close(race.start[0]);
        close(race.end[0]);
        close(race.tried[0]);
        close(race.tried[1]);
    }
    unlink(path);
}

static void test_where_no_socket_can_be_is_told(void **state)
{
    (void)state;
    char longest[128];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(unix_listener_open(longest, BACKLOG), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(unix_listener_open("/does/not/exist/s.sock", BACKLOG), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_its_owner_and_their_group_may_open_it),
        cmocka_unit_test(test_the_file_of_a_process_that_was_killed_is_replaced),
        cmocka_unit_test(test_where_somebody_listens_nobody_else_does),
        cmocka_unit_test(test_what_is_no_socket_is_left_alone),
        cmocka_unit_test(test_a_file_that_is_another_listener_s_by_now_stays),
        cmocka_unit_test(test_of_many_that_start_at_once_one_listens),
        cmocka_unit_test(test_where_no_socket_can_be_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
