// SPDX-License-Identifier: Apache-2.0
// The members of an event's JSON: one place that says what a missing or wrong one is called.
#include "events/members.h"

#include <string.h>

enum event_read members_open(const char *json, size_t length, json_t **ret, struct faults *faults,
                             char *error)
{
    json_t *value = json_read(json, length, error);
    if (value == NULL) {
        return EVENT_NOT_JSON;
    }
    if (!json_is_object(value)) {
        faults_add(faults, "", "must be a JSON object");
        json_decref(value);
        return EVENT_FAULTY;
    }
    *ret = value;
    return EVENT_GOOD;
}

const json_t *member_optional(const json_t *object, const char *path)
{
    const char *dot = strrchr(path, '.');
    return json_object_get(object, dot != NULL ? dot + 1 : path);
}

const json_t *member_required(const json_t *object, const char *path, struct faults *faults)
{
    const json_t *member = member_optional(object, path);
    if (member == NULL) {
        faults_add(faults, path, "is required");
    }
    return member;
}

bool member_object(const json_t *object, const char *path, struct faults *faults,
                   const json_t **ret)
{
    const json_t *member = member_required(object, path, faults);
    if (member == NULL) {
        return false;
    }
    if (!json_is_object(member)) {
        faults_add(faults, path, "must be an object");
        return false;
    }
    *ret = member;
    return true;
}

bool member_uuid(const json_t *object, const char *path, struct faults *faults, struct uuid *ret)
{
    const json_t *member = member_required(object, path, faults);
    if (member == NULL) {
        return false;
    }
    if (!json_is_string(member) ||
        !uuid_parse(json_string_value(member), json_string_length(member), ret)) {
        faults_add(faults, path, "must be a UUID");
        return false;
    }
    return true;
}

bool member_timestamp(const json_t *object, const char *path, struct faults *faults, timestamp *ret)
{
    const json_t *member = member_required(object, path, faults);
    if (member == NULL) {
        return false;
    }
    if (!json_is_string(member) ||
        !timestamp_parse(json_string_value(member), json_string_length(member), ret)) {
        faults_add(faults, path, "must be an RFC 3339 timestamp with a zone");
        return false;
    }
    return true;
}

const char *member_reason(const struct member_reason *table, const struct faults *faults)
{
    while (strcmp(table->path, faults->items[0].field) != 0) {
        table++;
    }
    return table->reason;
}
