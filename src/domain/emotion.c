// SPDX-License-Identifier: Apache-2.0
// What makes an emotion event acceptable: its metrics, its type and its time.
#include "domain/emotion.h"

bool metric_from_double(double value, metric *ret)
{
    if (!(value >= 0 && value <= 1)) { /* written so that NaN is refused too */
        return false;
    }
    double billionths = value * METRIC_ONE;
    metric below = (metric)billionths;
    *ret = billionths - below >= 0.5 ? below + 1 : below;
    return true;
}

bool metric_from_decimal(const char *text, size_t length, metric *ret)
{
    static const metric units[METRIC_DECIMALS + 1] = {
        METRIC_ONE, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    if (length == 0 || length == 2 || length > 2 + METRIC_DECIMALS ||
        (length > 1 && text[1] != '.') || (text[0] != '0' && text[0] != '1')) {
        return false;
    }
    metric value = text[0] == '1' ? METRIC_ONE : 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value += (text[i] - '0') * units[i - 1];
    }
    if (value > METRIC_ONE) {
        return false;
    }
    *ret = value;
    return true;
}

// Category Cc of Unicode in UTF-8: C0, DEL, and C1, which is 0xC2 and a byte of 0x80..0x9F.
static bool has_control_character(const unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool is_c1 = text[i] == 0xC2 && i + 1 < length && text[i + 1] < 0xA0;
        if (text[i] < 0x20 || text[i] == 0x7F || is_c1) {
            return true;
        }
    }
    return false;
}

void emotion_check_type(const char *type, size_t length, struct faults *faults)
{
    if (length < 1 || length > EMOTION_TYPE_MAX ||
        has_control_character((const unsigned char *)type, length)) {
        faults_add(faults, "emotionEvent.type", "must be 1 to 64 bytes without control characters");
    }
}

static bool is_ahead(timestamp at, const struct event_window *window)
{
    return at > window->now + window->max_ahead;
}

static bool is_too_old(timestamp at, const struct event_window *window)
{
    return at < window->now - window->max_age;
}

bool event_is_timely(timestamp at, const struct event_window *window)
{
    return !is_ahead(at, window) && !is_too_old(at, window);
}

void event_check_time(timestamp at, const struct event_window *window, const char *field,
                      struct faults *faults)
{
    if (is_ahead(at, window)) {
        faults_add(faults, field, "must not be in the future");
    }
    if (is_too_old(at, window)) {
        faults_add(faults, field, "must not be older than events are kept");
    }
}
