// SPDX-License-Identifier: Apache-2.0
// The binary form of a one-dimensional PostgreSQL array (array_recv of the server): number of
// dimensions, flags, element type, length, lower bound, and then each element after its own length;
// all numbers are 32 bits, most significant byte first. An array without elements has no dimension.
#include "platform/db/array.h"

#include <limits.h>
#include <string.h>

#define HEADER_SIZE 20
#define EMPTY_SIZE 12 /* dimensions, flags and element type */

// Microseconds from 1970 to 2000, where PostgreSQL's clock begins.
#define POSTGRES_EPOCH (INT64_C(10957) * MICROSECONDS_A_DAY)

struct kind_types {
    uint32_t element;
    uint32_t array;
};

// The Oids are fixed for ever (pg_type.dat).
static struct kind_types types_of(enum db_array_kind kind)
{
    static const struct kind_types types[] = {
        [DB_UUIDS] = {2950, 2951}, [DB_TIMESTAMPS] = {1184, 1185}, [DB_INT4S] = {23, 1007},
        [DB_INT8S] = {20, 1016},   [DB_TEXTS] = {25, 1009},
    };
    return types[kind];
}

static void put32(char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (char)(value >> (24 - 8 * i));
    }
}

static void put64(char *to, uint64_t value)
{
    put32(to, (uint32_t)(value >> 32));
    put32(to + 4, (uint32_t)value);
}

void db_array_init(struct db_array *array, enum db_array_kind kind)
{
    *array = (struct db_array){.kind = kind};
    db_array_clear(array);
}

void db_array_clear(struct db_array *array)
{
    static const char header[HEADER_SIZE];
    array->count = 0;
    buffer_clear(&array->bytes);
    buffer_add(&array->bytes, header, sizeof header);
}

void db_array_free(struct db_array *array)
{
    buffer_free(&array->bytes);
    array->count = 0;
}

static void add(struct db_array *array, const void *bytes, size_t length)
{
    char size[4];
    put32(size, (uint32_t)length);
    buffer_add(&array->bytes, size, sizeof size);
    buffer_add(&array->bytes, bytes, length);
    array->count++;
}

void db_array_add_uuid(struct db_array *array, const struct uuid *value)
{
    add(array, value->bytes, sizeof value->bytes);
}

void db_array_add_timestamp(struct db_array *array, timestamp value)
{
    db_array_add_int8(array, value - POSTGRES_EPOCH);
}

void db_array_add_int4(struct db_array *array, int32_t value)
{
    char bytes[4];
    put32(bytes, (uint32_t)value);
    add(array, bytes, sizeof bytes);
}

void db_array_add_int8(struct db_array *array, int64_t value)
{
    char bytes[8];
    put64(bytes, (uint64_t)value);
    add(array, bytes, sizeof bytes);
}

void db_array_add_text(struct db_array *array, const char *text, size_t length)
{
    add(array, text, length);
}

struct db_parameter db_array_parameter(struct db_array *array)
{
    struct kind_types types = types_of(array->kind);
    char *header = array->bytes.data;
    put32(header, array->count > 0 ? 1 : 0);
    put32(header + 4, 0); // no element is NULL
    put32(header + 8, types.element);
    put32(header + 12, (uint32_t)array->count);
    put32(header + 16, 1);
    size_t length = array->count > 0 ? array->bytes.length : EMPTY_SIZE;
    // Beyond its limit of 1 GiB the server refuses the message, which a wrapped length would hide.
    return (struct db_parameter){
        .data = header,
        .length = length < INT_MAX ? (int)length : INT_MAX,
        .binary = true,
        .type = types.array,
    };
}
