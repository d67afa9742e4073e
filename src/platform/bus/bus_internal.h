// SPDX-License-Identifier: Apache-2.0
// What the files of platform/bus share: the link (one connection of the client library) and what
// hangs on the bus. Nobody outside this folder includes it, or nats.h.
#pragma once

#include "platform/bus/broker_url.h"
#include "platform/bus/bus.h"
#include "platform/bus/keeper.h"
#include "platform/bus/rooms.h"
#include "platform/bus/sequences.h"
#include "platform/condition.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// ---- one connection of the client library

enum link_sending {
    LINK_SENDS_AT_ONCE, /* each message is written by who sends it: the shortest way to an ack */
    LINK_GATHERS,       /* the library's thread writes what gathered: many small acks, few writes */
};

struct link_options {
    const char *url;
    const char *name;
    struct bus_tls tls;
    struct log *log;
    enum link_sending sending;
    void (*came_up)(void *arg); /* on a thread of the client library; or NULL */
    void *arg;
};

struct link {
    natsConnection *connection; /* NULL before the first connection; may be used once `up` was */
    jsCtx *jetstream;           /* the same */
    natsOptions *options;
    pthread_t connector;           /* ends when it has connected */
    struct subscription *waiting;  /* under `lock`: to be made when it connects */
    char inbox[BROKER_INBOX_SIZE]; /* what our inboxes begin with */
    struct log *log;
    void (*came_up)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* `up` or `closed` did */
    bool connected;         /* under `lock`: the library's last word */
    atomic_bool up;         /* the same, once there is a connection to use */
    atomic_bool closing;    /* we asked for it */
    bool closed;            /* under `lock`: the library's last call has happened */
};

// Starts connecting and returns at once. Ends the process when the broker refuses it.
struct link *link_open(const struct link_options *options, char error[static BUS_ERROR_SIZE]);
void link_close(struct link **link);

// Never asks the library, whose lock is held for as long as an attempt to connect lasts.
bool link_is_up(const struct link *link);
bool link_wait(struct link *link, int64_t timeout_ms);

#define LINK_INBOX_SIZE 128

// Makes a subject for answers that nobody else has, below the user's own part of the inboxes.
natsStatus link_new_inbox(const struct link *link, char inbox[static LINK_INBOX_SIZE]);

// Has what was published reach the broker; does nothing while it is away.
void link_flush(struct link *link);

// What a failed call of the library means to a publisher; `code` is JetStream's own, or 0.
enum bus_result link_result(natsStatus status, jsErrCode code);

// What the library says about a call that just failed with `status` on this thread; static text or
// the thread's own.
const char *link_error_text(natsStatus status);

// ---- the bus

struct bus {
    struct link *link;
    bool is_branch; /* all below belongs to the bus that it came from */
    char *url;      /* may hold credentials: never logged */
    char *name;
    struct bus_tls tls;
    struct log *log;
    struct metrics *metrics;
    struct sequences *sequences;
    struct keeper *keeper;
    struct rooms *rooms;
};

// Publishes over the given link and waits for the acknowledgement.
enum bus_result bus_publish_over(struct bus *bus, struct link *link,
                                 const struct bus_outgoing *message, int64_t timeout_ms);

// Counts a message that is about to be published; anything but BUS_OK: it must not be.
enum bus_result bus_take_room(struct bus *bus, const char *subject, size_t length);

// Says that a stream or a consumer is not there; whoever keeps the streams makes it anew.
void bus_streams_missing(struct bus *bus);

// Says that a stream lost what it had acknowledged; whoever keeps the streams looks at it.
void bus_stream_went_back(struct bus *bus);

// ---- a subscription outside JetStream

struct subscription;

// `called` gets each message, which is its own to destroy, on a thread of the client library. Ends
// the process when the library cannot subscribe, which the broker's absence is no reason for: then
// it subscribes later.
struct subscription *subscription_open(struct bus *bus, const char *subject, natsMsgHandler called,
                                       void *arg);

// Waits until the last call has returned. NULL is allowed.
void subscription_close(struct subscription **subscription);

// Makes those that wait for the link's connection. Called under the link's lock.
void subscriptions_make(struct link *link);

// ---- the streams

#define STREAM_COUNT 5

struct stream_row {
    const char *name;
    const char *subject; /* may end with `>` */
    const char *durable; /* its consumer, or NULL */
};

extern const struct stream_row stream_rows[STREAM_COUNT];

// Where a stream ends, and whether nothing is missing before that.
struct stream_end {
    uint64_t last;
    bool whole;
};

// Whether a stream ends before a number that it is known to have given. One that goes on while it
// is looked at was only asked too early, or is led by a server that has not caught up: so a loss is
// believed after a second. Any thread but the library's.
bool stream_ends_before(jsCtx *jetstream, const char *stream, uint64_t number,
                        struct stream_end *ret);
