// SPDX-License-Identifier: Apache-2.0
// Instants and their RFC 3339 text. The C library does the calendar; every character is checked
// here, so that neither a locale nor a lenient reader has a say. The library takes a lock and looks
// at the time zone: each thread remembers the last day it asked for, since most events are of one.
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
    if (reader->end - reader->at < digits) {
        reader->bad = true;
        return least;
    }
    for (int i = 0; i < digits; i++) {
        reader->bad = reader->bad || !is_digit(reader->at[i]);
        number = number * 10 + (reader->at[i] - '0');
    }
    reader->at += digits;
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

// ---- the calendar

#define DATE_LENGTH 10 /* yyyy-mm-dd */
#define SECONDS_A_DAY 86400

struct day {
    char date[DATE_LENGTH + 1];
    int64_t number; /* days since 1970 */
};

static _Thread_local struct day last_day = {"1970-01-01", 0};

static void write_two(char *at, unsigned number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
}

// A day that its month does not have is bad.
static int64_t find_day(struct reader *reader)
{
    const char *date = reader->at;
    struct tm fields = {0};
    fields.tm_year = read_number(reader, 4, 1, 9999) - 1900;
    read_either(reader, '-', '-');
    fields.tm_mon = read_number(reader, 2, 1, 12) - 1;
    read_either(reader, '-', '-');
    fields.tm_mday = read_number(reader, 2, 1, 31);
    if (reader->bad) {
        return 0;
    }
    struct tm normal = fields;
    const int64_t seconds = timegm(&normal);
    reader->bad = normal.tm_mday != fields.tm_mday;
    if (!reader->bad) {
        memcpy(last_day.date, date, DATE_LENGTH);
        last_day.number = seconds / SECONDS_A_DAY;
    }
    return seconds / SECONDS_A_DAY;
}

static int64_t read_day(struct reader *reader)
{
    const bool known = reader->end - reader->at >= DATE_LENGTH &&
                       memcmp(reader->at, last_day.date, DATE_LENGTH) == 0;
    if (!known) {
        return find_day(reader);
    }
    reader->at += DATE_LENGTH;
    return last_day.number;
}

static void write_day(int64_t number, char *text)
{
    if (last_day.number != number) {
        const time_t seconds = number * SECONDS_A_DAY;
        struct tm fields;
        gmtime_r(&seconds, &fields);
        memcpy(last_day.date, "yyyy-mm-dd", sizeof last_day.date);
        write_two(last_day.date, (unsigned)(fields.tm_year + 1900) / 100);
        write_two(last_day.date + 2, (unsigned)(fields.tm_year + 1900) % 100);
        write_two(last_day.date + 5, (unsigned)fields.tm_mon + 1);
        write_two(last_day.date + 8, (unsigned)fields.tm_mday);
        last_day.number = number;
    }
    memcpy(text, last_day.date, DATE_LENGTH);
}

// ---- reading and writing

bool timestamp_parse(const char *text, size_t length, timestamp *ret)
{
    struct reader reader = {.at = text, .end = text + length};
    int64_t day = read_day(&reader);
    read_either(&reader, 'T', 't');
    int64_t hour = read_number(&reader, 2, 0, 23);
    read_either(&reader, ':', ':');
    int64_t minute = read_number(&reader, 2, 0, 59);
    read_either(&reader, ':', ':');
    int second = read_number(&reader, 2, 0, 60);
    int64_t fraction = read_fraction(&reader);
    int64_t zone = read_zone(&reader);

    if (reader.bad || reader.at != reader.end) {
        return false;
    }
    int64_t minutes = (day * 24 + hour) * 60 + minute;
    timestamp at = (minutes * 60 + second - zone) * MICROSECONDS_A_SECOND + fraction;
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

void timestamp_format(timestamp at, char text[static TIMESTAMP_TEXT_SIZE])
{
    at = at < EARLIEST ? EARLIEST : at > LATEST ? LATEST : at;
    const int64_t days = divide_down(at, MICROSECONDS_A_DAY);
    const int64_t of_day = at - days * MICROSECONDS_A_DAY;
    const unsigned second = (unsigned)(of_day / MICROSECONDS_A_SECOND);
    const unsigned fraction = (unsigned)(of_day % MICROSECONDS_A_SECOND);
    memcpy(text, "yyyy-mm-ddThh:mm:ss.ffffffZ", TIMESTAMP_TEXT_SIZE);
    write_day(days, text);
    write_two(text + 11, second / 3600);
    write_two(text + 14, second / 60 % 60);
    write_two(text + 17, second % 60);
    write_two(text + 20, fraction / 10000);
    write_two(text + 22, fraction / 100 % 100);
    write_two(text + 24, fraction % 100);
}

int32_t timestamp_day(timestamp at)
{
    return (int32_t)divide_down(at, MICROSECONDS_A_DAY);
}
