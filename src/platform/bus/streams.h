// SPDX-License-Identifier: Apache-2.0
// Which streams, subjects and durable consumers exist, and how they are made. File storage, limits
// retention, `discard: new`, explicit acks.
#pragma once

#include "platform/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBJECT_EMOTIONS "user.emotions.topic"
#define SUBJECT_TRANSACTIONS "transactions.topic"
#define SUBJECT_CREDITS "credit.offers.approved"
#define SUBJECT_NOTIFICATIONS "user.notifications"
#define SUBJECT_DEAD_PREFIX "dead."

#define STREAM_EMOTIONS "emotions"
#define STREAM_TRANSACTIONS "transactions"
#define STREAM_CREDITS "credits"
#define STREAM_NOTIFICATIONS "notifications"
#define STREAM_DEAD_LETTERS "dead-letters"

struct stream_settings {
    int64_t replicas;
    int64_t max_age_hours;
    int64_t max_bytes;
    int64_t ack_wait_ms;
};

enum provision_result {
    PROVISION_MADE,
    PROVISION_SAME,
    PROVISION_DIFFERS, /* exists with other settings; left alone */
    PROVISION_FAILED,
};

// Told for each stream and each consumer; `difference` says what differs or failed, "" otherwise.
typedef void provision_report_fn(void *arg, const char *kind, const char *name,
                                 enum provision_result result, const char *difference);

// Makes what is missing; changes nothing that exists. False when anything failed.
bool streams_provision(struct bus *bus, const struct stream_settings *settings,
                       provision_report_fn *report, void *arg);

// Has a thread of the bus make what is missing: now, whenever the broker was connected again, and
// when a publisher or a consumer finds its stream gone. To be called once; ends with bus_close.
void bus_keep_streams(struct bus *bus, const struct stream_settings *settings);

// True when the thread of bus_keep_streams found everything there, or made it, when it last looked.
bool bus_streams_ready(const struct bus *bus);
