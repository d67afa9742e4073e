// SPDX-License-Identifier: Apache-2.0
// The message broker (NATS with JetStream by cnats): one connection a process, and one more for
// each consumer and each further event loop, that come back by themselves for ever. Streams and
// consumers are described in bus/streams.h.
#pragma once

#include "platform/bus/room.h"
#include "platform/log.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;

enum bus_result {
    BUS_OK,
    BUS_DOWN,    /* not connected, or no stream takes the subject */
    BUS_TIMEOUT, /* no acknowledgement in time: the message may or may not be stored */
    BUS_FULL,    /* the stream or its disk is full, or nearly so */
    BUS_FAILED,  /* anything else */
};

#define BUS_ERROR_SIZE 256

// Files in PEM form; each NULL or "" when there is none. With tls:// or an authority of our own the
// broker must show a certificate for the host of its URL. The texts must outlive the bus.
struct bus_tls {
    const char *ca_file;          /* who signs the broker's certificate; none: the system's */
    const char *certificate_file; /* what the client shows, with the key to it */
    const char *key_file;
};

struct bus_options {
    const char *url;  /* servers, separated by commas */
    const char *name; /* shown by the broker's monitoring */
    struct bus_tls tls;
    struct log *log;
    struct metrics *metrics;
};

// Starts connecting and returns at once, also while the broker is away. NULL with one line in
// `error` when the URL is bad.
struct bus *bus_open(const struct bus_options *options, char error[static BUS_ERROR_SIZE]);

// The same bus over a connection of its own, for an event loop that shares neither its locks nor
// its threads with others; what is known of the streams is common. Closed by bus_close, before the
// bus that it came from.
struct bus *bus_branch(struct bus *bus);

// Sends what is buffered and ends the connection; the consumers must be closed before.
void bus_close(struct bus **bus);

bool bus_is_up(const struct bus *bus);

// True once a stream lost messages that it had acknowledged to this process: it still works, but
// somebody has to look.
bool bus_sequence_went_back(const struct bus *bus);

// Says that this process publishes to a subject or consumes it: what its stream tells of itself is
// looked at, by the thread of bus_keep_streams, before anything is published to it.
void bus_declare(struct bus *bus, const char *subject);

// Whether anything may be published to a subject's stream now. ROOM_UNKNOWN ends by itself once the
// stream was looked at. Any thread.
enum room_state bus_room(const struct bus *bus, const char *subject);

// The name of a stream to which nothing is published since it is full, or NULL; static text.
const char *bus_full_stream(const struct bus *bus);

// Waits until connected, at most `timeout_ms`.
bool bus_wait(struct bus *bus, int64_t timeout_ms);

// What a result means, one sentence without a final stop; static text.
const char *bus_result_text(enum bus_result result);

struct bus_header {
    const char *name; /* NULL ends a list */
    const char *value;
};

struct bus_outgoing {
    const char *subject;
    const char *data;
    size_t length;
    const char *message_id;           /* Nats-Msg-Id, or NULL */
    const struct bus_header *headers; /* or NULL */
};

// Publishes and waits for JetStream's acknowledgement.
enum bus_result bus_publish(struct bus *bus, const struct bus_outgoing *message,
                            int64_t timeout_ms);

// ---- publishing without waiting, for group commit

struct bus_publisher;

// Called once for each acknowledgement or refusal that came, on a thread of the client library.
// What never comes is the caller's to time out.
typedef void bus_acked_fn(void *arg, uint64_t token, enum bus_result result);

struct bus_publisher *bus_publisher_open(struct bus *bus, bus_acked_fn *acked, void *arg);
void bus_publisher_close(struct bus_publisher **publisher);

// Hands one message to the connection; `token` comes back with the acknowledgement. BUS_OK means
// handed over and nothing more, BUS_TIMEOUT that it may have left, anything else that it did not.
enum bus_result bus_publisher_send(struct bus_publisher *publisher, const char *subject,
                                   const char *data, size_t length, uint64_t token);

// ---- what processes tell each other: kept nowhere, heard by whoever listens at that moment

struct bus_listener;

// Called for each message that another process told, on a thread of the client library; `data`
// lasts for the call.
typedef void bus_heard_fn(void *arg, const char *data, size_t length);

struct bus_listener *bus_listen(struct bus *bus, const char *subject, bus_heard_fn *heard,
                                void *arg);
void bus_listener_close(struct bus_listener **listener);

// Tells the other processes. False when the broker is away: nobody was told. What is told before
// something is published reaches them before its acknowledgement reaches us, or about then.
bool bus_tell(struct bus *bus, const char *subject, const void *data, size_t length);
