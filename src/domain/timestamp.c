// SPDX-License-Identifier: Apache-2.0
// Instants and their RFC 3339 text. The C library does the calendar; every character is checked
// here, so that neither a locale nor a lenient reader has a say.
#include "domain/timestamp.h"

#include <string.h>
#include <time.h>

#define EARLIEST (INT64_C(-62135596800) * MICROSECONDS_A_SECOND) /* 0001-01-01T00:00:00Z */
#define LATEST                                                                                     \
    (INT64_C(253402300800) * MICROSECONDS_A_SECOND - 1) /* 9999-12-31T23:59:59.999999Z             \
                                                         */

// What is left of the text. A failed read sets `bad`, and every later one fails too.
struct reader {
    const char *at;
    const char *end;
    bool bad;
};

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool next_is(const struct reader *reader, char character)
{
    return reader->at < reader->end && *reader->at == character;
}

// One of the two characters; answers which.
static char read_either(struct reader *reader, char one, char other)
{
    if (next_is(reader, one) || next_is(reader, other)) {
        return *reader->at++;
    }
    reader->bad = true;
    return '\0';
}

static int read_number(struct reader *reader, int digits, int least, int most)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (reader->at == reader->end || !is_digit(*reader->at)) {
            reader->bad = true;
            return least;
        }
        number = number * 10 + (*reader->at++ - '0');
    }
    reader->bad = reader->bad || number < least || number > most;
    return number;
}

// Microseconds of the optional `.digits`.
static int64_t read_fraction(struct reader *reader)
{
    if (!next_is(reader, '.')) {
        return 0;
    }
    reader->at++;
    const char *first = reader->at;
    int64_t fraction = 0;
    int64_t unit = MICROSECONDS_A_SECOND / 10;
    while (reader->at < reader->end && is_digit(*reader->at)) {
        fraction += (*reader->at++ - '0') * unit;
        unit /= 10;
    }
    reader->bad = reader->bad || reader->at == first;
    return fraction;
}

// Seconds that local time is ahead of UTC.
static int64_t read_zone(struct reader *reader)
{
    if (next_is(reader, 'Z') || next_is(reader, 'z')) {
        reader->at++;
        return 0;
    }
    int sign = read_either(reader, '+', '-') == '-' ? -1 : 1;
    int hours = read_number(reader, 2, 0, 23);
    read_either(reader, ':', ':');
    int minutes = read_number(reader, 2, 0, 59);
    return sign * (hours * 60 + minutes) * INT64_C(60);
}

// Seconds since 1970 of a date and a minute. False for a day that the month does not have.
static bool calendar_seconds(const struct tm *date, int64_t *ret)
{
    struct tm normal = *date;
    *ret = timegm(&normal);
    return normal.tm_mday == date->tm_mday;
}

bool timestamp_parse(const char *text, size_t length, timestamp *ret)
{
    struct reader reader = {.at = text, .end = text + length};
    struct tm date = {0};
    date.tm_year = read_number(&reader, 4, 1, 9999) - 1900;
    read_either(&reader, '-', '-');
    date.tm_mon = read_number(&reader, 2, 1, 12) - 1;
    read_either(&reader, '-', '-');
    date.tm_mday = read_number(&reader, 2, 1, 31);
    read_either(&reader, 'T', 't');
    date.tm_hour = read_number(&reader, 2, 0, 23);
    read_either(&reader, ':', ':');
    date.tm_min = read_number(&reader, 2, 0, 59);
    read_either(&reader, ':', ':');
    int second = read_number(&reader, 2, 0, 60);
    int64_t fraction = read_fraction(&reader);
    int64_t zone = read_zone(&reader);

    int64_t minute;
    if (reader.bad || reader.at != reader.end || !calendar_seconds(&date, &minute)) {
        return false;
    }
    timestamp at = (minute + second - zone) * MICROSECONDS_A_SECOND + fraction;
    if (at < EARLIEST || at > LATEST) {
        return false;
    }
    *ret = at;
    return true;
}

static int64_t divide_down(int64_t dividend, int64_t divisor)
{
    return dividend / divisor - (dividend % divisor < 0 ? 1 : 0);
}

static void write_number(char *at, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

void timestamp_format(timestamp at, char text[static TIMESTAMP_TEXT_SIZE])
{
    at = at < EARLIEST ? EARLIEST : at > LATEST ? LATEST : at;
    time_t seconds = divide_down(at, MICROSECONDS_A_SECOND);
    struct tm date;
    gmtime_r(&seconds, &date);
    memcpy(text, "yyyy-mm-ddThh:mm:ss.ffffffZ", TIMESTAMP_TEXT_SIZE);
    write_number(text, date.tm_year + 1900, 4);
    write_number(text + 5, date.tm_mon + 1, 2);
    write_number(text + 8, date.tm_mday, 2);
    write_number(text + 11, date.tm_hour, 2);
    write_number(text + 14, date.tm_min, 2);
    write_number(text + 17, date.tm_sec, 2);
    write_number(text + 20, (int)(at - seconds * MICROSECONDS_A_SECOND), 6);
}

int32_t timestamp_day(timestamp at)
{
    return (int32_t)divide_down(at, MICROSECONDS_A_DAY);
}
