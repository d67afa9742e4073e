// SPDX-License-Identifier: Apache-2.0
// Instants and their RFC 3339 text. Every character is checked here, so that neither a locale nor a
// lenient reader has a say. The calendar is plain arithmetic: that of the C library takes a lock,
// looks at the time zone, and costs ten times as much.
#include "domain/timestamp.h"

#include <string.h>

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

// ---- the calendar (Gregorian, of the years 1 to 9999)

// A year that begins with March has its leap day at its end, and months whose first days lie on a
// line: (153 * month + 2) / 5.
#define DAYS_BEFORE_1970 719468 /* since the 1st of March of the year 0 */
#define DAYS_OF_400_YEARS 146097

struct date {
    int year;
    int month; /* from 1 */
    int day;   /* from 1 */
};

static int64_t days_of(const struct date *date)
{
    const int year = date->month > 2 ? date->year : date->year - 1;
    const int month = date->month > 2 ? date->month - 3 : date->month + 9;
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date->day - 1 -
           DAYS_BEFORE_1970;
}

static struct date date_of(int64_t days)
{
    const int since = (int)(days + DAYS_BEFORE_1970);
    const int rest = since % DAYS_OF_400_YEARS;
    const int year_of_400 = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    const int day_of_year = rest - (year_of_400 * 365 + year_of_400 / 4 - year_of_400 / 100);
    const int month = (5 * day_of_year + 2) / 153; /* from March */
    const int year = since / DAYS_OF_400_YEARS * 400 + year_of_400;
    return (struct date){
        .year = month < 10 ? year : year + 1,
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };
}

static bool month_has(const struct date *date)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
    return date->day <= days[date->month - 1] + (leap && date->month == 2);
}

// ---- reading and writing

bool timestamp_parse(const char *text, size_t length, timestamp *ret)
{
    struct reader reader = {.at = text, .end = text + length};
    struct date date;
    date.year = read_number(&reader, 4, 1, 9999);
    read_either(&reader, '-', '-');
    date.month = read_number(&reader, 2, 1, 12);
    read_either(&reader, '-', '-');
    date.day = read_number(&reader, 2, 1, 31);
    read_either(&reader, 'T', 't');
    int64_t hour = read_number(&reader, 2, 0, 23);
    read_either(&reader, ':', ':');
    int64_t minute = read_number(&reader, 2, 0, 59);
    read_either(&reader, ':', ':');
    int second = read_number(&reader, 2, 0, 60);
    int64_t fraction = read_fraction(&reader);
    int64_t zone = read_zone(&reader);

    if (reader.bad || reader.at != reader.end || !month_has(&date)) {
        return false;
    }
    int64_t minutes = (days_of(&date) * 24 + hour) * 60 + minute;
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

static void write_two(char *at, unsigned number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
}

void timestamp_format(timestamp at, char text[static TIMESTAMP_TEXT_SIZE])
{
    at = at < EARLIEST ? EARLIEST : at > LATEST ? LATEST : at;
    const int64_t days = divide_down(at, MICROSECONDS_A_DAY);
    const int64_t of_day = at - days * MICROSECONDS_A_DAY;
    const unsigned second = (unsigned)(of_day / MICROSECONDS_A_SECOND);
    const unsigned fraction = (unsigned)(of_day % MICROSECONDS_A_SECOND);
    const struct date date = date_of(days);
    memcpy(text, "yyyy-mm-ddThh:mm:ss.ffffffZ", TIMESTAMP_TEXT_SIZE);
    write_two(text, (unsigned)date.year / 100);
    write_two(text + 2, (unsigned)date.year % 100);
    write_two(text + 5, (unsigned)date.month);
    write_two(text + 8, (unsigned)date.day);
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
