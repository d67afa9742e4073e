// SPDX-License-Identifier: Apache-2.0
// Group commit on a loop. Lines wait in one run of bytes; at the end of a round a prefix of them
// leaves as one message and only their waiters stay, in the message's slot, until the
// acknowledgement, the deadline, or the loss of the broker. Acknowledgements come on a thread of
// the client library, wait in the mailbox, and wake the loop at most once a round.
#include "platform/bus/group_commit.h"

#include "platform/clock.h"
#include "platform/fault_point.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 50
#define FEW_LINES 4   /* of a round */
#define GATHER_US 200 /* while a message is on its way */
#define CLOSE_US 100  /* from one line to the next that gathers with it */
#define APART_US 2000 /* from one message to the next; later few lines leave at once */
#define LABELS_SIZE 160

struct waiter {
    group_done_fn *done;
    void *arg;
    int64_t added_ms;
    size_t length; /* of its line, with the newline */
};

struct waiters {
    struct waiter *items;
    size_t first; /* those before it have been told */
    size_t count; /* from `first` on */
    size_t capacity;
};

struct message {
    uint64_t token; /* 0: the slot is free */
    int64_t sent_us;
    struct waiters waiters;
};

struct acked {
    uint64_t token;
    enum bus_result result;
};

struct mailbox {
    struct acked *items;
    size_t count;
    size_t capacity;
};

struct group_commit {
    struct loop *loop;
    struct bus *bus;
    struct bus_publisher *publisher;
    struct loop_hook *hook;
    struct loop_timer *timer;
    char *subject;
    size_t maximum_message_bytes;
    size_t maximum_waiting_bytes;
    size_t worth_sending; /* lines */
    int64_t timeout_ms;

    char *bytes; /* waiting lines, each with its newline */
    size_t first_byte;
    size_t byte_count;
    size_t byte_capacity;
    struct waiters waiting;
    size_t pending;
    size_t usual; /* the most that were pending at once of late */
    size_t added; /* in this round */
    int64_t last_added_us;

    struct message *messages; /* the slots */
    size_t slots;
    size_t in_flight;
    int64_t last_sent_us;
    uint64_t last_token; /* tokens are never used again: a late answer finds no slot */

    pthread_mutex_t lock;
    struct mailbox arriving; /* under `lock` */
    struct mailbox arrived;  /* the loop's own */

    void (*before_send)(void *arg);
    void *arg;

    struct counter *lines_published;
    struct counter *messages_published;
    struct histogram *seconds;
};

// ---- waiters

static void waiters_add(struct waiters *waiters, const struct waiter *waiter)
{
    if (waiters->first + waiters->count == waiters->capacity) {
        if (waiters->first > waiters->count) {
            memmove(waiters->items, waiters->items + waiters->first,
                    waiters->count * sizeof *waiters->items);
            waiters->first = 0;
        } else {
            waiters->capacity = waiters->capacity > 0 ? waiters->capacity * 2 : 64;
            waiters->items =
                memory_resize(waiters->items, waiters->capacity * sizeof *waiters->items);
        }
    }
    waiters->items[waiters->first + waiters->count++] = *waiter;
}

static struct waiter waiters_take(struct waiters *waiters)
{
    struct waiter taken = waiters->items[waiters->first];
    waiters->first++;
    waiters->count--;
    if (waiters->count == 0) {
        waiters->first = 0;
    }
    return taken;
}

static void tell_first(struct group_commit *group, struct waiters *waiters, enum bus_result result)
{
    const struct waiter waiter = waiters_take(waiters);
    group->pending--;
    waiter.done(waiter.arg, result);
}

static void drop_line(struct group_commit *group, size_t length)
{
    group->first_byte += length;
    group->byte_count -= length;
    if (group->byte_count == 0) {
        group->first_byte = 0;
    }
}

static void fail_first_waiting(struct group_commit *group, enum bus_result result)
{
    drop_line(group, group->waiting.items[group->waiting.first].length);
    tell_first(group, &group->waiting, result);
}

// ---- adding

static void make_room(struct group_commit *group, size_t length)
{
    if (group->first_byte + group->byte_count + length <= group->byte_capacity) {
        return;
    }
    if (group->first_byte > 0) {
        memmove(group->bytes, group->bytes + group->first_byte, group->byte_count);
        group->first_byte = 0;
    }
    while (group->byte_count + length > group->byte_capacity) {
        group->byte_capacity = group->byte_capacity > 0 ? group->byte_capacity * 2 : 8192;
        group->bytes = memory_resize(group->bytes, group->byte_capacity);
    }
}

enum bus_result group_commit_add(struct group_commit *group, const char *line, size_t length,
                                 group_done_fn *done, void *arg)
{
    if (length == 0 || length > GROUP_LINE_MAX || length >= group->maximum_message_bytes ||
        memchr(line, '\n', length) != NULL) {
        return BUS_FAILED;
    }
    if (!bus_is_up(group->bus)) {
        return BUS_DOWN;
    }
    if (group->byte_count + length + 1 > group->maximum_waiting_bytes ||
        bus_room(group->bus, group->subject) == ROOM_FULL) {
        return BUS_FULL;
    }
    make_room(group, length + 1);
    char *end = group->bytes + group->first_byte + group->byte_count;
    memcpy(end, line, length);
    end[length] = '\n';
    group->byte_count += length + 1;
    const struct waiter waiter = {done, arg, loop_now_ms(group->loop), length + 1};
    waiters_add(&group->waiting, &waiter);
    group->pending++;
    group->usual = group->pending > group->usual ? group->pending : group->usual;
    group->added++;
    loop_has_work(group->loop);
    return BUS_OK;
}

size_t group_commit_pending(const struct group_commit *group)
{
    return group->pending;
}

// ---- sending

static struct message *find_slot(struct group_commit *group, uint64_t token)
{
    for (size_t i = 0; i < group->slots; i++) {
        if (group->messages[i].token == token) {
            return &group->messages[i];
        }
    }
    return NULL;
}

static void free_slot(struct group_commit *group, struct message *message)
{
    message->token = 0;
    group->in_flight--;
}

static void finish(struct group_commit *group, struct message *message, enum bus_result result)
{
    while (message->waiters.count > 0) {
        tell_first(group, &message->waiters, result);
    }
    free_slot(group, message);
}

// Moves the waiters of as many lines as one message holds to the slot; answers their bytes.
static size_t fill(struct group_commit *group, struct message *message)
{
    size_t bytes = 0;
    while (group->waiting.count > 0) {
        const struct waiter *next = &group->waiting.items[group->waiting.first];
        if (bytes + next->length > group->maximum_message_bytes) {
            break;
        }
        bytes += next->length;
        waiters_add(&message->waiters, next);
        waiters_take(&group->waiting);
    }
    return bytes;
}

// So that a crowd that is gone is not waited for for long.
static void forget_slowly(struct group_commit *group, size_t sent)
{
    if (sent < group->usual) {
        group->usual = (3 * group->usual + sent) / 4;
    }
}

static void send_one(struct group_commit *group)
{
    struct message *message = find_slot(group, 0);
    message->token = ++group->last_token;
    message->sent_us = group->last_sent_us = clock_monotonic_us();
    group->in_flight++;
    const size_t bytes = fill(group, message);
    forget_slowly(group, message->waiters.count);
    if (group->before_send != NULL) {
        group->before_send(group->arg);
    }
    // The newline of the last line stays at home.
    enum bus_result result = BUS_DOWN;
    if (!fault_fires(before_group_publish)) {
        result = bus_publisher_send(group->publisher, group->subject,
                                    group->bytes + group->first_byte, bytes - 1, message->token);
    }
    drop_line(group, bytes);
    if (result != BUS_OK) {
        finish(group, message, result);
    }
}

// How long, in microseconds, the lines that wait may still do so for others when nothing is on its
// way: while these follow closely, unless as many are here as were ever pending of late, since
// then nobody may be left to send one. A message costs the broker and the workers as much as many
// lines.
static int64_t may_gather_us(const struct group_commit *group)
{
    if (group->in_flight > 0 || group->waiting.count == 0 || group->waiting.count >= group->usual) {
        return 0;
    }
    const int64_t next = group->last_added_us + CLOSE_US;
    const int64_t latest = group->last_sent_us + APART_US;
    return (next < latest ? next : latest) - clock_monotonic_us();
}

// As many messages as there are slots for, each with so many lines or when it is time. What must
// wait until the stream was looked at waits for the next tick. Answers how long, in microseconds,
// what did not leave may gather.
static int64_t send_waiting(struct group_commit *group, size_t lines)
{
    int64_t gather_us = may_gather_us(group);
    while (group->waiting.count > 0 && group->in_flight < group->slots &&
           bus_room(group->bus, group->subject) != ROOM_UNKNOWN &&
           (group->waiting.count >= lines || (group->in_flight == 0 && gather_us <= 0))) {
        send_one(group);
        gather_us = may_gather_us(group);
    }
    return gather_us;
}

// ---- acknowledgements

static void wake_only(void *arg)
{
    (void)arg;
}

static void on_acked(void *arg, uint64_t token, enum bus_result result)
{
    struct group_commit *group = arg;
    pthread_mutex_lock(&group->lock);
    struct mailbox *box = &group->arriving;
    if (box->count == box->capacity) {
        box->capacity = box->capacity > 0 ? box->capacity * 2 : 16;
        box->items = memory_resize(box->items, box->capacity * sizeof *box->items);
    }
    box->items[box->count++] = (struct acked){token, result};
    const bool first = box->count == 1;
    pthread_mutex_unlock(&group->lock);
    if (first) {
        // The hook at the round's end empties the mailbox; a post that carried the group could
        // outlive it.
        loop_post(group->loop, wake_only, NULL);
    }
}

static void take_arrived(struct group_commit *group)
{
    pthread_mutex_lock(&group->lock);
    struct mailbox taken = group->arriving;
    group->arriving = group->arrived;
    group->arriving.count = 0;
    group->arrived = taken;
    pthread_mutex_unlock(&group->lock);
}

static void settle(struct group_commit *group, const struct acked *acked)
{
    struct message *message = find_slot(group, acked->token);
    if (message == NULL) {
        return;
    }
    histogram_observe(group->seconds, clock_monotonic_us() - message->sent_us);
    if (acked->result == BUS_OK) {
        counter_add(group->messages_published, 1);
        counter_add(group->lines_published, (int64_t)message->waiters.count);
    }
    finish(group, message, fault_fires(after_group_publish) ? BUS_TIMEOUT : acked->result);
}

// Lines that would wait for an acknowledgement anyway need not wake the loop one by one. A round
// that found many shows that nobody wakes for each.
static int64_t rest_us(const struct group_commit *group, int64_t gather_us)
{
    if (group->in_flight == 0) {
        return gather_us;
    }
    return group->added > 0 && group->added <= FEW_LINES ? GATHER_US : 0;
}

static void let_lines_gather(struct group_commit *group, int64_t gather_us)
{
    const int64_t rest = rest_us(group, gather_us);
    if (rest > 0) {
        loop_rest(group->loop, rest);
    }
    group->added = 0;
}

static void on_round_end(void *arg)
{
    struct group_commit *group = arg;
    take_arrived(group);
    for (size_t i = 0; i < group->arrived.count; i++) {
        settle(group, &group->arrived.items[i]); // who is answered may add the next line at once
    }
    if (group->added > 0) {
        group->last_added_us = clock_monotonic_us();
    }
    let_lines_gather(group, send_waiting(group, group->worth_sending));
}

// ---- deadlines

static void fail_overdue(struct group_commit *group, struct message *message, int64_t now)
{
    while (message->waiters.count > 0 &&
           now - message->waiters.items[message->waiters.first].added_ms >= group->timeout_ms) {
        tell_first(group, &message->waiters, BUS_TIMEOUT);
    }
    if (message->waiters.count == 0) {
        free_slot(group, message);
    }
}

// What is in flight may be stored; what waits is not.
static void fail_all(struct group_commit *group)
{
    for (size_t i = 0; i < group->slots; i++) {
        if (group->messages[i].token != 0) {
            finish(group, &group->messages[i], BUS_TIMEOUT);
        }
    }
    for (size_t left = group->waiting.count; left > 0; left--) {
        fail_first_waiting(group, BUS_DOWN);
    }
}

static void on_tick(void *arg)
{
    struct group_commit *group = arg;
    if (group->pending == 0) {
        return;
    }
    if (!bus_is_up(group->bus)) {
        fail_all(group);
        return;
    }
    const int64_t now = loop_now_ms(group->loop);
    for (size_t i = 0; i < group->slots; i++) {
        if (group->messages[i].token != 0) {
            fail_overdue(group, &group->messages[i], now);
        }
    }
    while (group->waiting.count > 0 &&
           now - group->waiting.items[group->waiting.first].added_ms >= group->timeout_ms) {
        fail_first_waiting(group, BUS_TIMEOUT);
    }
    // The acknowledgement that the others wait for may be lost.
    send_waiting(group, 1);
}

// ---- life

static void make_metrics(struct group_commit *group, struct metrics *metrics)
{
    char labels[LABELS_SIZE];
    snprintf(labels, sizeof labels, "subject=\"%s\"", group->subject);
    group->lines_published = metrics_counter(metrics, "ecs_events_published_total", labels,
                                             "Events acknowledged by JetStream.");
    group->messages_published = metrics_counter(metrics, "ecs_publish_messages_total", labels,
                                                "Messages acknowledged by JetStream.");
    group->seconds = metrics_histogram(metrics, "ecs_publish_seconds", labels,
                                       "From sending a message to its acknowledgement.");
}

struct group_commit *group_commit_new(struct loop *loop, struct bus *bus,
                                      const struct group_commit_options *options)
{
    struct group_commit *group = memory_zeroed(1, sizeof *group);
    group->loop = loop;
    group->bus = bus;
    group->subject = memory_copy_text(options->subject);
    group->slots = options->maximum_in_flight;
    group->messages = memory_zeroed(group->slots, sizeof *group->messages);
    group->maximum_message_bytes = options->maximum_message_bytes;
    group->maximum_waiting_bytes = options->maximum_waiting_bytes;
    group->worth_sending = options->worth_sending;
    group->before_send = options->before_send;
    group->arg = options->arg;
    // Told at a tick, so that it is never told late.
    group->timeout_ms = options->timeout_ms - TICK_MS;
    pthread_mutex_init(&group->lock, NULL);
    make_metrics(group, options->metrics);
    group->publisher = bus_publisher_open(bus, on_acked, group);
    group->hook = loop_on_round_end(loop, on_round_end, group);
    group->timer = loop_timer_start(loop, TICK_MS, TICK_MS, on_tick, group);
    return group;
}

void group_commit_free(struct group_commit **group)
{
    struct group_commit *freed = *group;
    if (freed == NULL) {
        return;
    }
    *group = NULL;
    bus_publisher_close(&freed->publisher);
    loop_hook_free(&freed->hook);
    loop_timer_free(&freed->timer);
    for (size_t i = 0; i < freed->slots; i++) {
        free(freed->messages[i].waiters.items);
    }
    pthread_mutex_destroy(&freed->lock);
    free(freed->messages);
    free(freed->waiting.items);
    free(freed->arriving.items);
    free(freed->arrived.items);
    free(freed->bytes);
    free(freed->subject);
    free(freed);
}
