// SPDX-License-Identifier: Apache-2.0
// JSON by jansson, strict: duplicate keys, NUL in a string and trailing bytes are refused. This is
// the one header that brings in jansson; code that reads or makes JSON includes it.
#pragma once

#include "domain/faults.h"
#include "domain/money.h"
#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_ERROR_SIZE 256

// Reads one JSON object. NULL when it is not one; `error` then says why and where, quoting nothing
// of the input. The caller owns the result (json_decref).
json_t *json_read_object(const char *text, size_t length, char error[static JSON_ERROR_SIZE]);

// Reads any JSON value, for who treats text that is JSON but no object in its own way. Otherwise as
// json_read_object.
json_t *json_read(const char *text, size_t length, char error[static JSON_ERROR_SIZE]);

// Finds the text of the number that is the member `key` of the outermost object, exactly as it
// stands in `text`, so that money never passes through a double. `text` must have been accepted by
// json_read_object. False when there is no such member or it is not a number.
bool json_number_text(const char *text, size_t length, const char *key, const char **ret_number,
                      size_t *ret_length);

// The value as compact text with NUL; reals with 15 significant digits. The caller frees it. A
// value that was never made (NULL) becomes `null`.
char *json_text(const json_t *value, size_t *ret_length);

// JSON numbers with exactly the decimal text of the amount, the id's and the instant's canonical
// text as JSON strings. New references.
json_t *json_money(money_cents amount);
json_t *json_uuid(const struct uuid *id);
json_t *json_timestamp(timestamp at);

// An array of each fault's `field` and `message`. A new reference.
json_t *json_faults(const struct faults *faults);

// Whether the byte is ASCII that stands for itself in a JSON string.
static inline bool json_is_plain(char byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

// How many bytes at the start of the text are plain.
size_t json_plain_length(const char *text, size_t length);

// Writes text as a JSON string with its quotes and a NUL; answers its length. `size` is at least 3.
// Text that is not UTF-8, or does not fit, becomes the empty string, so that what it is put into
// stays JSON.
size_t json_quote(const char *text, size_t length, char *to, size_t size);

// decref for __attribute__((cleanup(json_release))).
void json_release(json_t **value);
