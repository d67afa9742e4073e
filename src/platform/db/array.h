// SPDX-License-Identifier: Apache-2.0
// Arrays of PostgreSQL in their binary form, for statements that take a whole batch (unnest).
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"
#include "platform/buffer.h"
#include "platform/db/db.h"

#include <stddef.h>
#include <stdint.h>

enum db_array_kind { DB_UUIDS, DB_TIMESTAMPS, DB_INT4S, DB_INT8S, DB_TEXTS };

struct db_array {
    enum db_array_kind kind;
    size_t count;
    struct buffer bytes;
};

// An empty array; db_array_free gives its memory back, db_array_clear keeps it for the next batch.
void db_array_init(struct db_array *array, enum db_array_kind kind);
void db_array_clear(struct db_array *array);
void db_array_free(struct db_array *array);

// Adds one element; the kind must fit.
void db_array_add_uuid(struct db_array *array, const struct uuid *value);
void db_array_add_timestamp(struct db_array *array, timestamp value);
void db_array_add_int4(struct db_array *array, int32_t value);
void db_array_add_int8(struct db_array *array, int64_t value);
void db_array_add_text(struct db_array *array, const char *text, size_t length);

// The array as a parameter; valid until the next change of the array.
struct db_parameter db_array_parameter(struct db_array *array);
