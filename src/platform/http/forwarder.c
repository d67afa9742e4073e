// SPDX-License-Identifier: Apache-2.0
// libcurl's multi interface on the loop: libcurl says which sockets to watch and when to wake it.
// A kept connection stays armed for reading between calls, because arming costs two system calls.
// Everything is on the loop's thread.
#include "platform/http/client.h"

#include "platform/http/easy.h"
#include "platform/memory.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define CONNECTIONS_KEPT 512L

struct forward {
    struct http_forwarder *forwarder;
    struct forward *next; /* in one of the forwarder's lists */
    struct forward *previous;
    CURL *easy;
    struct gathered gathered;
    http_done_fn *done;
    void *arg;
};

struct watched_socket {
    uv_poll_t poll;
    struct http_forwarder *forwarder;
    curl_socket_t fd;
    int wanted;         /* by libcurl now, of enum uv_poll_event */
    int armed;          /* in libuv */
    bool is_connection; /* made by us, and closed through us */
};

struct http_forwarder {
    CURLM *multi;
    struct loop *loop;
    uv_timer_t *timer;
    struct forward *running;
    struct forward *spare;
    struct watched_socket **sockets; /* by file descriptor */
    size_t socket_count;
};

// ---- finished calls

static void link_running(struct http_forwarder *forwarder, struct forward *forward)
{
    forward->previous = NULL;
    forward->next = forwarder->running;
    if (forward->next != NULL) {
        forward->next->previous = forward;
    }
    forwarder->running = forward;
}

static void unlink_running(struct http_forwarder *forwarder, struct forward *forward)
{
    if (forward->previous != NULL) {
        forward->previous->next = forward->next;
    } else {
        forwarder->running = forward->next;
    }
    if (forward->next != NULL) {
        forward->next->previous = forward->previous;
    }
}

static void finish(struct http_forwarder *forwarder, CURL *easy, CURLcode code)
{
    char *private = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct forward *forward = (void *)private;
    curl_multi_remove_handle(forwarder->multi, easy);
    if (easy_restart(easy, code, &forward->gathered)) {
        curl_multi_add_handle(forwarder->multi, easy);
        return;
    }
    struct http_result result = easy_result(easy, code, &forward->gathered);
    unlink_running(forwarder, forward);
    forward->done(forward->arg, &result);
    easy_forget(&forward->gathered);
    forward->next = forwarder->spare;
    forwarder->spare = forward;
}

static void finish_ended(struct http_forwarder *forwarder)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(forwarder->multi, &left); message != NULL;
         message = curl_multi_info_read(forwarder->multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            finish(forwarder, message->easy_handle, message->data.result);
        }
    }
}

// ---- waking libcurl

static void timer_fired(uv_timer_t *timer)
{
    struct http_forwarder *forwarder = timer->data;
    int running = 0;
    curl_multi_socket_action(forwarder->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_ended(forwarder);
}

// A time of zero means the next round of the loop, so that the calls of one round start together.
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_forwarder *forwarder = arg;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(forwarder->timer);
    } else {
        uv_timer_start(forwarder->timer, timer_fired, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct watched_socket *watched = poll->data;
    struct http_forwarder *forwarder = watched->forwarder;
    if (watched->wanted == 0) {
        // The other side closed a kept connection: libcurl sees that when it wants it again.
        uv_poll_stop(poll);
        watched->armed = 0;
        return;
    }
    int actions = (status < 0 ? CURL_CSELECT_ERR : 0) |
                  ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                  ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    int running = 0;
    curl_multi_socket_action(forwarder->multi, watched->fd, actions, &running);
    finish_ended(forwarder);
}

// ---- sockets

static struct watched_socket *watch(struct http_forwarder *forwarder, curl_socket_t fd)
{
    size_t index = (size_t)fd;
    if (index >= forwarder->socket_count) {
        size_t count = (index + 1) * 2;
        forwarder->sockets =
            memory_resize(forwarder->sockets, count * sizeof(struct watched_socket *));
        memset(forwarder->sockets + forwarder->socket_count, 0,
               (count - forwarder->socket_count) * sizeof(struct watched_socket *));
        forwarder->socket_count = count;
    }
    struct watched_socket *watched = forwarder->sockets[index];
    if (watched == NULL) {
        watched = memory_zeroed(1, sizeof *watched);
        watched->forwarder = forwarder;
        watched->fd = fd;
        uv_poll_init(loop_handle(forwarder->loop), &watched->poll, fd);
        watched->poll.data = watched;
        forwarder->sockets[index] = watched;
    }
    return watched;
}

static void free_watched(uv_handle_t *handle)
{
    free(handle->data);
}

static void unwatch(struct http_forwarder *forwarder, curl_socket_t fd)
{
    size_t index = (size_t)fd;
    if (index < forwarder->socket_count && forwarder->sockets[index] != NULL) {
        uv_close((uv_handle_t *)&forwarder->sockets[index]->poll, free_watched);
        forwarder->sockets[index] = NULL;
    }
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http_forwarder *forwarder = arg;
    (void)easy, (void)socket_arg;
    struct watched_socket *watched = watch(forwarder, fd);
    watched->wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
                      (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);
    if (watched->wanted == 0) {
        if (!watched->is_connection) {
            unwatch(forwarder, fd);
            return 0;
        }
        if (watched->armed == UV_READABLE) {
            return 0;
        }
    }
    if (watched->armed != watched->wanted) {
        watched->armed = watched->wanted;
        uv_poll_start(&watched->poll, watched->wanted, socket_ready);
    }
    return 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct forward *forward = arg;
    (void)purpose;
    forward->gathered.connecting = true;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    watch(forward->forwarder, fd)->is_connection = true;
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    unwatch(arg, fd);
    return close(fd);
}

// ---- calls

static struct forward *take_forward(struct http_forwarder *forwarder)
{
    struct forward *forward = forwarder->spare;
    if (forward != NULL) {
        forwarder->spare = forward->next;
        return forward;
    }
    forward = memory_zeroed(1, sizeof *forward);
    forward->forwarder = forwarder;
    forward->easy = curl_easy_init();
    if (forward->easy == NULL) {
        fputs("ecs: libcurl cannot start\n", stderr);
        abort();
    }
    easy_set_up(forward->easy, &forward->gathered);
    curl_easy_setopt(forward->easy, CURLOPT_PRIVATE, forward);
    curl_easy_setopt(forward->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(forward->easy, CURLOPT_OPENSOCKETDATA, forward);
    curl_easy_setopt(forward->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(forward->easy, CURLOPT_CLOSESOCKETDATA, forwarder);
    return forward;
}

void http_forwarder_call(struct http_forwarder *forwarder, const struct http_call *call,
                         http_done_fn *done, void *arg)
{
    struct forward *forward = take_forward(forwarder);
    forward->done = done;
    forward->arg = arg;
    easy_prepare(forward->easy, call, &forward->gathered);
    link_running(forwarder, forward);
    curl_multi_add_handle(forwarder->multi, forward->easy);
}

// ---- life

struct http_forwarder *http_forwarder_new(struct loop *loop)
{
    struct http_forwarder *forwarder = memory_zeroed(1, sizeof *forwarder);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    forwarder->loop = loop;
    forwarder->multi = curl_multi_init();
    if (forwarder->multi == NULL) {
        fputs("ecs: libcurl cannot start\n", stderr);
        abort();
    }
    curl_multi_setopt(forwarder->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    curl_multi_setopt(forwarder->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(forwarder->multi, CURLMOPT_SOCKETDATA, forwarder);
    curl_multi_setopt(forwarder->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(forwarder->multi, CURLMOPT_TIMERDATA, forwarder);
    forwarder->timer = memory_zeroed(1, sizeof *forwarder->timer);
    uv_timer_init(loop_handle(loop), forwarder->timer);
    forwarder->timer->data = forwarder;
    return forwarder;
}

static void free_forward(struct forward *forward)
{
    curl_easy_cleanup(forward->easy);
    easy_release(&forward->gathered);
    free(forward);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void http_forwarder_free(struct http_forwarder **forwarder)
{
    struct http_forwarder *old = *forwarder;
    if (old == NULL) {
        return;
    }
    struct forward *next = NULL;
    for (struct forward *forward = old->running; forward != NULL; forward = next) {
        next = forward->next;
        curl_multi_remove_handle(old->multi, forward->easy);
        free_forward(forward);
    }
    for (struct forward *forward = old->spare; forward != NULL; forward = next) {
        next = forward->next;
        free_forward(forward);
    }
    curl_multi_cleanup(old->multi);
    curl_global_cleanup();
    uv_close((uv_handle_t *)old->timer, free_handle);
    for (size_t fd = 0; fd < old->socket_count; fd++) {
        unwatch(old, (curl_socket_t)fd);
    }
    free(old->sockets);
    free(old);
    *forwarder = NULL;
}
