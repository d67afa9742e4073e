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

static bool is_space(char character)
{
    return character <= ' ' &&
           (character == ' ' || character == '\t' || character == '\n' || character == '\r');
}

static inline void skip_space(struct plain_json *json)
{
    while (json->at < json->end && is_space(*json->at)) {
        json->at++;
    }
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

static size_t skip_digits(struct plain_json *json)
{
    const char *start = json->at;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
        json->at++;
    }
    return (size_t)(json->at - start);
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

static bool is_name(const struct plain_json *json, const struct plain_name *name)
{
    return is_next(json, name->text[0]) && name->length <= (size_t)(json->end - json->at) &&
           memcmp(name->text, json->at, name->length) == 0;
}

// Takes the name that is next, with its quotes; answers its place, or -1.
static int take_name(struct plain_json *json, const struct plain_name *names)
{
    if (!take(json, '"')) {
        return -1;
    }
    for (int i = 0; names[i].text != NULL; i++) {
        if (is_name(json, &names[i])) {
            json->at += names[i].length;
            return i;
        }
    }
    return -1;
}

int plain_member(struct plain_json *json, const struct plain_name *names, unsigned *seen)
{
    bool first = json->at_start;
    json->at_start = false;
    if (json->stopped || take(json, '}')) {
        return -1;
    }
    plain_require(json, first || take(json, ','));
    const int place = take_name(json, names);
    plain_require(json, place >= 0 && (*seen & 1U << place) == 0 && take(json, ':'));
    if (json->stopped) {
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
