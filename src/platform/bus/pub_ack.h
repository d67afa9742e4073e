// SPDX-License-Identifier: Apache-2.0
// JetStream's answer to a publish, read without building a JSON tree: it comes once a message on
// the hot path, and only the broker writes it.
#pragma once

#include "platform/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pub_ack {
    uint64_t sequence; /* in the stream; 0 when refused */
    bool duplicate;    /* the message id was known: the sequence is that of the first */
};

// Reads `{"stream":"emotions","seq":4}` or `{"error":{"code":503,"err_code":10023,...},...}`.
enum bus_result pub_ack_read(const char *data, size_t length, struct pub_ack *ret);

// What an error code of JetStream means to a publisher; `status` is the HTTP-like code beside it.
enum bus_result pub_ack_error(int64_t error_code, int64_t status);
