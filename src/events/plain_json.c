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

void plain_require(struct plain_json *json, bool condition)
{
    json->stopped = json->stopped || !condition;
}

static void skip_space(struct plain_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r')) {
        json->at++;
    }
}

// Takes the character, with space before it, if it is next.
static bool take(struct plain_json *json, char character)
{
    skip_space(json);
    if (json->at < json->end && *json->at == character) {
        json->at++;
        return true;
    }
    return false;
}

struct plain_text plain_string(struct plain_json *json)
{
    plain_require(json, take(json, '"'));
    const char *start = json->at;
    while (json->at < json->end && json_is_plain(*json->at)) {
        json->at++;
    }
    struct plain_text text = {start, (size_t)(json->at - start)};
    plain_require(json, json->at < json->end && *json->at == '"');
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
    if (json->at < json->end && *json->at == '.') {
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

static int place_of(const struct plain_text *name, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strncmp(names[i], name->data, name->length) == 0 && names[i][name->length] == '\0') {
            return i;
        }
    }
    return -1;
}

int plain_member(struct plain_json *json, const char *const *names, unsigned *seen)
{
    bool first = json->at_start;
    json->at_start = false;
    if (json->stopped || take(json, '}')) {
        return -1;
    }
    plain_require(json, first || take(json, ','));
    struct plain_text name = plain_string(json);
    plain_require(json, take(json, ':'));
    int place = json->stopped ? -1 : place_of(&name, names);
    plain_require(json, place >= 0 && (*seen & 1U << place) == 0);
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
