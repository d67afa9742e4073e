// SPDX-License-Identifier: Apache-2.0
// libcurl's multi interface with CURLOPT_CONNECT_ONLY: it stops when the connection is made. The
// handle then stays in the multi handle for as long as the connection is used, since libcurl closes
// the connection of one that leaves.
#include "platform/http/line.h"

#include "platform/http/easy.h"
#include "platform/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct dialler {
    CURLM *multi;
    struct loop *loop;
    uv_timer_t *timer;
};

struct line {
    struct dialler *dialler;
    CURL *easy;
    curl_socket_t socket;
    bool encrypted;
    dialled_fn *done;
    void *arg;
};

// A socket that libcurl waits for while it connects.
struct watch {
    uv_poll_t poll;
    struct dialler *dialler;
    curl_socket_t socket;
};

static void must(bool works)
{
    if (!works) {
        fputs("ecs: libcurl cannot start\n", stderr);
        abort();
    }
}

// ---- connected

// libcurl takes a connection for an idle one, which it may close, until it was used once.
static bool hold_connection(struct line *line)
{
    char byte = 0;
    size_t length = 0;
    line->socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(line->easy, CURLINFO_ACTIVESOCKET, &line->socket);
    return line->socket != CURL_SOCKET_BAD &&
           curl_easy_recv(line->easy, &byte, 1, &length) == CURLE_AGAIN;
}

static void tell(struct line *line, CURLcode code)
{
    if (code == CURLE_OK && !hold_connection(line)) {
        code = CURLE_RECV_ERROR;
    }
    const char *why = code == CURLE_OK ? NULL : curl_easy_strerror(code);
    line->done(line->arg, why, code == CURLE_OPERATION_TIMEDOUT || easy_is_absence(code));
}

static void tell_ended(struct dialler *dialler)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(dialler->multi, &left); message != NULL;
         message = curl_multi_info_read(dialler->multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result;
            char *private = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
            tell((void *)private, code);
        }
    }
}

// ---- waking libcurl

static void timer_fired(uv_timer_t *timer)
{
    struct dialler *dialler = timer->data;
    int running = 0;
    curl_multi_socket_action(dialler->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_ended(dialler);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct dialler *dialler = arg;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(dialler->timer);
    } else {
        uv_timer_start(dialler->timer, timer_fired, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    struct dialler *dialler = watch->dialler;
    int actions = (status < 0 ? CURL_CSELECT_ERR : 0) |
                  ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                  ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    int running = 0;
    curl_multi_socket_action(dialler->multi, watch->socket, actions, &running);
    tell_ended(dialler);
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_socket(struct dialler *dialler, curl_socket_t socket)
{
    struct watch *watch = memory_zeroed(1, sizeof *watch);
    watch->dialler = dialler;
    watch->socket = socket;
    watch->poll.data = watch;
    if (uv_poll_init(loop_handle(dialler->loop), &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    curl_multi_assign(dialler->multi, socket, watch);
    return watch;
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    struct dialler *dialler = arg;
    struct watch *watch = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            uv_close((uv_handle_t *)&watch->poll, free_data);
        }
        return 0;
    }
    watch = watch != NULL ? watch : watch_socket(dialler, socket);
    // Without a watch it will be late; an error from here would end the multi handle for good.
    if (watch != NULL) {
        int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                     ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
        uv_poll_start(&watch->poll, events, socket_ready);
    }
    return 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

// ---- a line

struct line *line_dial(struct dialler *dialler, const char *origin, dialled_fn *done, void *arg)
{
    struct line *line = memory_zeroed(1, sizeof *line);
    line->dialler = dialler;
    line->encrypted = origin[sizeof "http" - 1] == 's';
    line->done = done;
    line->arg = arg;
    line->easy = curl_easy_init();
    must(line->easy != NULL);
    easy_set_up_connecting(line->easy);
    easy_set_url(line->easy, origin);
    curl_easy_setopt(line->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(line->easy, CURLOPT_PRIVATE, line);
    curl_easy_setopt(line->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    must(curl_multi_add_handle(dialler->multi, line->easy) == CURLM_OK);
    return line;
}

void line_hang_up(struct line **line)
{
    struct line *old = *line;
    if (old != NULL) {
        curl_multi_remove_handle(old->dialler->multi, old->easy);
        curl_easy_cleanup(old->easy);
        free(old);
        *line = NULL;
    }
}

int line_socket(const struct line *line)
{
    return line->socket;
}

bool line_is_encrypted(const struct line *line)
{
    return line->encrypted;
}

static enum line_outcome outcome_of(CURLcode code)
{
    return code == CURLE_OK ? LINE_DONE : code == CURLE_AGAIN ? LINE_WAIT : LINE_BROKEN;
}

// Of send(2) or recv(2). libcurl would search all its connections for this one at each call.
static enum line_outcome outcome_of_plain(ssize_t result, size_t *ret_length)
{
    *ret_length = result > 0 ? (size_t)result : 0;
    return result >= 0                                                 ? LINE_DONE
           : errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LINE_WAIT
                                                                       : LINE_BROKEN;
}

enum line_outcome line_send(struct line *line, const char *data, size_t length, size_t *ret_length)
{
    return line->encrypted
               ? outcome_of(curl_easy_send(line->easy, data, length, ret_length))
               : outcome_of_plain(send(line->socket, data, length, MSG_NOSIGNAL), ret_length);
}

enum line_outcome line_receive(struct line *line, char *data, size_t size, size_t *ret_length)
{
    return line->encrypted ? outcome_of(curl_easy_recv(line->easy, data, size, ret_length))
                           : outcome_of_plain(recv(line->socket, data, size, 0), ret_length);
}

// ---- life

struct dialler *dialler_new(struct loop *loop)
{
    struct dialler *dialler = memory_zeroed(1, sizeof *dialler);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    dialler->loop = loop;
    dialler->multi = curl_multi_init();
    must(dialler->multi != NULL);
    curl_multi_setopt(dialler->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(dialler->multi, CURLMOPT_SOCKETDATA, dialler);
    curl_multi_setopt(dialler->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(dialler->multi, CURLMOPT_TIMERDATA, dialler);
    dialler->timer = memory_zeroed(1, sizeof *dialler->timer);
    uv_timer_init(loop_handle(loop), dialler->timer);
    dialler->timer->data = dialler;
    return dialler;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void dialler_free(struct dialler **dialler)
{
    struct dialler *old = *dialler;
    if (old != NULL) {
        curl_multi_cleanup(old->multi);
        curl_global_cleanup();
        uv_close((uv_handle_t *)old->timer, free_handle);
        free(old);
        *dialler = NULL;
    }
}
