// SPDX-License-Identifier: Apache-2.0
// Finds the few members that matter in the text of a publish acknowledgement.
#include "platform/bus/pub_ack.h"

#include <string.h>

// Error codes of nats-server (server/errors.json).
enum {
    ACCOUNT_RESOURCES_EXCEEDED = 10002,
    INSUFFICIENT_RESOURCES = 10023,
    MEMORY_RESOURCES_EXCEEDED = 10028,
    STORAGE_RESOURCES_EXCEEDED = 10047,
    STREAM_STORE_FAILED = 10077, /* maximum bytes or messages exceeded, or the disk is full */
    SERVICE_UNAVAILABLE = 503,
};

// Answers where the value of the member begins, or NULL.
static const char *find_member(const char *data, size_t length, const char *name)
{
    const char *found = memmem(data, length, name, strlen(name));
    if (found == NULL) {
        return NULL;
    }
    found += strlen(name);
    while (found < data + length && (*found == ' ' || *found == ':')) {
        found++;
    }
    return found;
}

static uint64_t find_number(const char *data, size_t length, const char *name)
{
    const char *at = find_member(data, length, name);
    uint64_t number = 0;
    while (at != NULL && at < data + length && *at >= '0' && *at <= '9') {
        number = number * 10 + (uint64_t)(*at - '0');
        at++;
    }
    return number;
}

enum bus_result pub_ack_error(int64_t error_code, int64_t status)
{
    switch (error_code) {
    case ACCOUNT_RESOURCES_EXCEEDED:
    case INSUFFICIENT_RESOURCES:
    case MEMORY_RESOURCES_EXCEEDED:
    case STORAGE_RESOURCES_EXCEEDED:
    case STREAM_STORE_FAILED:
        return BUS_FULL;
    default:
        return status == SERVICE_UNAVAILABLE ? BUS_DOWN : BUS_FAILED;
    }
}

enum bus_result pub_ack_read(const char *data, size_t length, struct pub_ack *ret)
{
    *ret = (struct pub_ack){0};
    if (memmem(data, length, "\"error\"", 7) != NULL) {
        return pub_ack_error((int64_t)find_number(data, length, "\"err_code\""),
                             (int64_t)find_number(data, length, "\"code\""));
    }
    ret->sequence = find_number(data, length, "\"seq\"");
    if (ret->sequence == 0) {
        return BUS_FAILED;
    }
    const char *duplicate = find_member(data, length, "\"duplicate\"");
    ret->duplicate = duplicate != NULL && duplicate < data + length && *duplicate == 't';
    return BUS_OK;
}
