// SPDX-License-Identifier: Apache-2.0
// Reads the members of an event's JSON, adding a fault for each that is missing or wrong. A path
// such as emotionEvent.type names the member of the innermost object by its last part; it must be
// static text.
#pragma once

#include "domain/faults.h"
#include "domain/timestamp.h"
#include "domain/uuid.h"
#include "events/emotion_json.h"
#include "platform/json.h"

#include <stdbool.h>
#include <stddef.h>

// What an event's JSON is: EVENT_GOOD sets *ret, which the caller owns; valid JSON that is no
// object is EVENT_FAULTY with a fault of the field "".
enum event_read members_open(const char *json, size_t length, json_t **ret, struct faults *faults,
                             char *error);

// The member, borrowed from the object; NULL when it is absent. member_required makes a fault of
// that.
const json_t *member_optional(const json_t *object, const char *path);
const json_t *member_required(const json_t *object, const char *path, struct faults *faults);

// Each reads a required member; false when it made a fault.
bool member_object(const json_t *object, const char *path, struct faults *faults,
                   const json_t **ret);
bool member_uuid(const json_t *object, const char *path, struct faults *faults, struct uuid *ret);
bool member_timestamp(const json_t *object, const char *path, struct faults *faults,
                      timestamp *ret);

// Why a line can never be stored: one sentence a field, since a dead letter's reason is static.
struct member_reason {
    const char *path;
    const char *reason;
};

// The reason for the first fault; the table must have a row for every path its reader can fault.
const char *member_reason(const struct member_reason *table, const struct faults *faults);
