// SPDX-License-Identifier: Apache-2.0
// Each function looks at the next bytes only, and none goes beyond `end`. RFC 8259 is the grammar
// of which this is a part.
#include "events/plain_json.h"

#include "platform/json.h"

#include <string.h>

struct plain_json plain_json_of(const char *json, size_t length)
{
    return (struct plain_json){.at = json, .end = json + length};
}

static inline bool is_next(const struct plain_json *json, char character)
{
    return json->at < json->end && *json->at == character;
}

static inline bool is_space(char character)
{
    return character <= ' ' &&
           (character == ' ' || character == '\t' || character == '\n' || character == '\r');
}

static inline void skip_space(struct plain_json *json)
{
    const char *at = json->at;
    while (at < json->end && is_space(*at)) {
        at++;
    }
    json->at = at;
}

// Takes the character, with space before it, if it is next.
static inline bool take(struct plain_json *json, char character)
{
    skip_space(json);
    const bool taken = is_next(json, character);
    json->at += taken;
    return taken;
}

struct plain_text plain_string(struct plain_json *json)
{
    plain_require(json, take(json, '"'));
    const size_t length = json_plain_length(json->at, (size_t)(json->end - json->at));
    struct plain_text text = {json->at, length};
    json->at += length;
    plain_require(json, is_next(json, '"'));
    if (json->stopped) {
        return (struct plain_text){json->at, 0};
    }
    json->at++;
    return text;
}

// The digits and hyphens of an id need no escape: its end is where it must be.
void plain_uuid(struct plain_json *json, struct uuid *ret)
{
    const size_t length = UUID_TEXT_SIZE - 1;
    const bool quoted = !json->stopped && take(json, '"') &&
                        (size_t)(json->end - json->at) > length && json->at[length] == '"';
    if (quoted && uuid_parse(json->at, length, ret)) {
        json->at += length + 1;
    } else {
        json->stopped = true;
    }
}

void plain_timestamp(struct plain_json *json, timestamp *ret)
{
    const struct plain_text text = plain_string(json);
    plain_require(json, timestamp_parse(text.data, text.length, ret));
}

static size_t skip_digits(struct plain_json *json)
{
    const char *start = json->at;
    const char *at = start;
    while (at < json->end && *at >= '0' && *at <= '9') {
        at++;
    }
    json->at = at;
    return (size_t)(at - start);
}

struct plain_text plain_number(struct plain_json *json)
{
    skip_space(json);
    const char *start = json->at;
    size_t whole = skip_digits(json);
    plain_require(json, whole == 1 || (whole > 1 && *start != '0'));
    if (is_next(json, '.')) {
        json->at++;
        plain_require(json, skip_digits(json) > 0);
    }
    plain_require(json, json->at < json->end && *json->at != 'e' && *json->at != 'E');
    return (struct plain_text){start, json->stopped ? 0 : (size_t)(json->at - start)};
}

void plain_open(struct plain_json *json)
{
    plain_require(json, take(json, '{'));
    json->at_start = true;
}

static inline bool is_text(const struct plain_json *json, const char *text, size_t length)
{
    return length <= (size_t)(json->end - json->at) && memcmp(json->at, text, length) == 0;
}

// Most senders write members in one order and no space: then the first name that was not seen yet
// is next, all of it. Answers its place, or -1 with nothing taken.
static inline int take_likely_name(struct plain_json *json, const struct plain_name *names,
                                   unsigned seen, bool first)
{
    const int place = __builtin_ctz(~seen);
    const struct plain_name *name = &names[place];
    const char *before = json->at;
    if (name->text == NULL || (!first && !is_next(json, ','))) {
        return -1;
    }
    json->at += first ? 0 : 1;
    if (!is_text(json, name->text, name->length)) {
        json->at = before;
        return -1;
    }
    json->at += name->length;
    return place;
}

// The same for every name that was not seen yet, with space wherever it may stand.
static int take_name(struct plain_json *json, const struct plain_name *names, unsigned seen,
                     bool first)
{
    if (!first && !take(json, ',')) {
        return -1;
    }
    skip_space(json);
    for (int i = 0; names[i].text != NULL; i++) {
        const size_t without_colon = names[i].length - 1;
        if (is_text(json, names[i].text, without_colon)) {
            json->at += without_colon;
            return (seen & 1U << i) == 0 && take(json, ':') ? i : -1;
        }
    }
    return -1;
}

int plain_member(struct plain_json *json, const struct plain_name *names, unsigned *seen)
{
    const bool first = json->at_start;
    json->at_start = false;
    if (json->stopped) {
        return -1;
    }
    int place = take_likely_name(json, names, *seen, first);
    if (place < 0) {
        if (take(json, '}')) {
            return -1;
        }
        place = take_name(json, names, *seen, first);
    }
    if (place < 0) {
        json->stopped = true;
        return -1;
    }
    *seen |= 1U << place;
    return place;
}

bool plain_is_done(struct plain_json *json)
{
    skip_space(json);
    return !json->stopped && json->at == json->end;
}
