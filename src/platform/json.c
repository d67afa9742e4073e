// SPDX-License-Identifier: Apache-2.0
// Strict JSON over jansson. Its own error texts quote the input, which may hold a password, so the
// errors are worded here. Nothing is kept between calls.
#include "platform/json.h"

#include "platform/buffer.h"
#include "platform/memory.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *what_is_wrong(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return "invalid UTF-8";
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_stack_overflow:
        return "it is nested too deeply";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL in a string";
    case json_error_duplicate_key:
        return "a field stands twice";
    case json_error_numeric_overflow:
        return "a number is too large";
    default:
        return "wrong syntax";
    }
}

json_t *json_read(const char *text, size_t length, char error[static JSON_ERROR_SIZE])
{
    json_error_t why;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL) {
        snprintf(error, JSON_ERROR_SIZE, "not valid JSON: %s (line %d, column %d)",
                 what_is_wrong(&why), why.line, why.column);
    }
    return value;
}

json_t *json_read_object(const char *text, size_t length, char error[static JSON_ERROR_SIZE])
{
    json_t *value = json_read(text, length, error);
    if (value != NULL && !json_is_object(value)) {
        snprintf(error, JSON_ERROR_SIZE, "must be a JSON object");
        json_decref(value);
        return NULL;
    }
    return value;
}

// ---- finding a number's text. The text is known to be valid JSON: these only have to find ends.

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

// From the opening quote to behind the closing one.
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at < end ? at + 1 : end;
}

// To the comma or the bracket that ends the value.
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (depth == 0 && (*at == ',' || *at == '}')) {
            break;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
    }
    return at;
}

// Whether a quoted string stands for the key; one with escapes is decoded first.
static bool string_is(const char *quoted, const char *end, const char *key)
{
    size_t length = (size_t)(end - quoted);
    if (memchr(quoted, '\\', length) == NULL) {
        return length == strlen(key) + 2 && memcmp(quoted + 1, key, length - 2) == 0;
    }
    json_t *decoded = json_loadb(quoted, length, JSON_DECODE_ANY, NULL);
    bool same = decoded != NULL && strcmp(json_string_value(decoded), key) == 0;
    json_decref(decoded);
    return same;
}

// The value of the member, or NULL.
static const char *find_member(const char *at, const char *end, const char *key)
{
    at = skip_space(at, end);
    while (at < end && *at != '}') {
        const char *name = skip_space(at + 1, end); /* behind the `{` or the `,` */
        if (name == end || *name != '"') {
            return NULL;
        }
        const char *name_end = skip_string(name, end);
        const char *colon = skip_space(name_end, end);
        const char *value = colon < end ? skip_space(colon + 1, end) : end;
        if (string_is(name, name_end, key)) {
            return value;
        }
        at = skip_value(value, end);
    }
    return NULL;
}

bool json_number_text(const char *text, size_t length, const char *key, const char **ret_number,
                      size_t *ret_length)
{
    const char *end = text + length;
    const char *value = find_member(text, end, key);
    if (value == NULL || value == end || strchr("-0123456789", *value) == NULL) {
        return false;
    }
    const char *at = value;
    while (at < end && *at != '\0' && strchr("+-.0123456789eE", *at) != NULL) {
        at++;
    }
    *ret_number = value;
    *ret_length = (size_t)(at - value);
    return true;
}

// ---- making JSON

static int add_to_buffer(const char *bytes, size_t length, void *buffer)
{
    return buffer_add(buffer, bytes, length) ? 0 : -1;
}

char *json_text(const json_t *value, size_t *ret_length)
{
    struct buffer text = {0};
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    if (json_dump_callback(value, add_to_buffer, &text, flags) != 0) {
        buffer_clear(&text);
        buffer_add_text(&text, "null");
    }
    *ret_length = text.length;
    return text.data;
}

json_t *json_money(money_cents amount)
{
    // A double carries 15 decimal digits there and back unchanged, which is all that
    // numeric(15,2) has; nothing is computed with it.
    char text[MONEY_TEXT_SIZE];
    money_format(amount, text);
    return json_real(strtod(text, NULL));
}

json_t *json_uuid(const struct uuid *id)
{
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    return json_string(text);
}

json_t *json_timestamp(timestamp at)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(at, text);
    return json_string(text);
}

json_t *json_faults(const struct faults *faults)
{
    json_t *errors = json_array();
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        json_array_append_new(
            errors, json_pack("{s:s, s:s}", "field", fault->field, "message", fault->message));
    }
    return errors;
}

#define IN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

// The highest bit of each of eight bytes that is not plain. A byte that is smaller than what is
// taken off it borrows, which sets that bit, and may spoil the bytes after it: the first is exact.
static uint64_t not_plain(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    bytes = le64toh(bytes);
    const uint64_t below_space = bytes - IN_EACH_BYTE(' ');
    const uint64_t quote = (bytes ^ IN_EACH_BYTE('"')) - IN_EACH_BYTE(1);
    const uint64_t backslash = (bytes ^ IN_EACH_BYTE('\\')) - IN_EACH_BYTE(1);
    const uint64_t delete = (bytes ^ IN_EACH_BYTE(0x7f)) - IN_EACH_BYTE(1);
    return (bytes | below_space | quote | backslash | delete) & IN_EACH_BYTE(0x80);
}

size_t json_plain_length(const char *text, size_t length)
{
    size_t plain = 0;
    for (; length - plain >= sizeof(uint64_t); plain += sizeof(uint64_t)) {
        const uint64_t found = not_plain(text + plain);
        if (found != 0) {
            return plain + (size_t)__builtin_ctzll(found) / 8;
        }
    }
    while (plain < length && json_is_plain(text[plain])) {
        plain++;
    }
    return plain;
}

// Most texts need no escape; they are spared the library's allocations.
size_t json_quote(const char *text, size_t length, char *to, size_t size)
{
    if (length + 3 <= size && json_plain_length(text, length) == length) {
        to[0] = '"';
        memcpy(to + 1, text, length);
        memcpy(to + 1 + length, "\"", 2);
        return length + 2;
    }
    json_t *string = json_stringn(text, length);
    size_t written = string == NULL ? 0 : json_dumpb(string, to, size - 1, JSON_ENCODE_ANY);
    json_decref(string);
    if (written == 0 || written > size - 1) {
        memcpy(to, "\"\"", 2);
        written = 2;
    }
    to[written] = '\0';
    return written;
}

void json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
