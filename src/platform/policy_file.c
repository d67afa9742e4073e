// SPDX-License-Identifier: Apache-2.0
// The policy file: read whole, every number taken from its own decimal text, judged by the domain's
// policy_check, and swapped under a mutex only when all of it is right.
#include "platform/policy_file.h"

#include "platform/json.h"
#include "platform/memory.h"
#include "platform/watched_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_BYTES_MAX 65536
#define POWER_MAX 30  /* of ten, in the text of a number */
#define DIGITS_MAX 18 /* what an int64_t always holds */

struct policy_file {
    pthread_mutex_t lock; /* guards all below */
    struct watched_file file;
    struct policy policy;
};

// A number of the file that becomes a whole number: a score in millionths, a rate in hundredths.
struct number_field {
    const char *name;
    int decimals;
    size_t offset; /* of an int32_t in struct policy */
};

static const struct number_field number_fields[] = {
    {"deny_above", 6, offsetof(struct policy, deny_above)},
    {"long_term_up_to", 6, offsetof(struct policy, long_term_up_to)},
    {"base_rate", 2, offsetof(struct policy, base_rate)},
    {"rate_per_risk", 2, offsetof(struct policy, rate_per_risk)},
    {"offer_days", 0, offsetof(struct policy, offer_days)},
};

struct money_field {
    const char *name;
    size_t offset; /* of a money_cents in struct policy */
};

static const struct money_field money_fields[] = {
    {"base_limit", offsetof(struct policy, base_limit)},
    {"minimum_limit", offsetof(struct policy, minimum_limit)},
};

#define NUMBER_FIELDS (sizeof number_fields / sizeof number_fields[0])
#define MONEY_FIELDS (sizeof money_fields / sizeof money_fields[0])

// The digits of a JSON number without their point, and the power of ten that they stand for.
static bool read_decimal(const char *text, size_t length, int64_t *ret_digits, long *ret_exponent)
{
    size_t at = text[0] == '-' ? 1 : 0;
    int64_t digits = 0;
    int count = 0;
    long exponent = 0;
    bool fraction = false;
    for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            fraction = true;
            continue;
        }
        if (count == DIGITS_MAX) {
            return false;
        }
        digits = digits * 10 + (text[at] - '0');
        count += digits > 0 ? 1 : 0;
        exponent -= fraction ? 1 : 0;
    }
    long power = at < length ? strtol(text + at + 1, NULL, 10) : 0;
    if (power > POWER_MAX || power < -POWER_MAX) {
        return false;
    }
    *ret_digits = text[0] == '-' ? -digits : digits;
    *ret_exponent = exponent + power;
    return true;
}

// The number times 10^decimals, exactly. False when it has more decimals or does not fit.
static bool scale_number(const char *text, size_t length, int decimals, int32_t *ret)
{
    int64_t value = 0;
    long exponent = 0;
    if (!read_decimal(text, length, &value, &exponent)) {
        return false;
    }
    exponent = value == 0 ? 0 : exponent + decimals;
    for (; exponent > 0 && value <= INT32_MAX && value >= INT32_MIN; exponent--) {
        value *= 10;
    }
    for (; exponent < 0 && value % 10 == 0; exponent++) {
        value /= 10;
    }
    if (exponent != 0 || value > INT32_MAX || value < INT32_MIN) {
        return false;
    }
    *ret = (int32_t)value;
    return true;
}

static bool fail(char error[static POLICY_ERROR_SIZE], const char *field, const char *what)
{
    snprintf(error, POLICY_ERROR_SIZE, "%s %s", field, what);
    return false;
}

static bool read_version(const json_t *object, struct policy *policy,
                         char error[static POLICY_ERROR_SIZE])
{
    const char *version = json_string_value(json_object_get(object, "version"));
    size_t length = version != NULL ? strlen(version) : 0;
    if (length == 0 || length > POLICY_VERSION_MAX) {
        return fail(error, "version", "must be a text of 1 to 64 characters");
    }
    for (size_t i = 0; i < length; i++) {
        if (version[i] <= ' ' || version[i] > '~') {
            return fail(error, "version", "must be visible ASCII characters");
        }
    }
    memcpy(policy->version, version, length + 1);
    return true;
}

static bool read_numbers(const struct buffer *content, struct policy *policy,
                         char error[static POLICY_ERROR_SIZE])
{
    const char *text = NULL;
    size_t length = 0;
    for (size_t i = 0; i < NUMBER_FIELDS; i++) {
        const struct number_field *field = &number_fields[i];
        int32_t value = 0;
        if (!json_number_text(content->data, content->length, field->name, &text, &length) ||
            !scale_number(text, length, field->decimals, &value)) {
            snprintf(error, POLICY_ERROR_SIZE, "%s must be a number with at most %d decimals",
                     field->name, field->decimals);
            return false;
        }
        memcpy((char *)policy + field->offset, &value, sizeof value);
    }
    for (size_t i = 0; i < MONEY_FIELDS; i++) {
        const struct money_field *field = &money_fields[i];
        money_cents amount = 0;
        if (!json_number_text(content->data, content->length, field->name, &text, &length) ||
            money_parse(text, length, &amount) != MONEY_OK) {
            return fail(error, field->name, "must be an amount with at most 2 decimals");
        }
        memcpy((char *)policy + field->offset, &amount, sizeof amount);
    }
    return true;
}

// A member that we do not know is refused: a rule someone wrote and nobody follows is worse.
static bool check_members(const json_t *object, char error[static POLICY_ERROR_SIZE])
{
    if (json_object_size(object) != 1 + NUMBER_FIELDS + MONEY_FIELDS) {
        return fail(error, "the file", "has members that are no part of a policy");
    }
    return true;
}

static bool check_sense(const struct policy *policy, char error[static POLICY_ERROR_SIZE])
{
    struct faults faults = {0};
    policy_check(policy, &faults);
    size_t used = 0;
    for (size_t i = 0; i < faults.count && used < POLICY_ERROR_SIZE; i++) {
        used += (size_t)snprintf(error + used, POLICY_ERROR_SIZE - used, "%s%s %s",
                                 i > 0 ? "; " : "", faults.items[i].field, faults.items[i].message);
    }
    return faults.count == 0;
}

static bool parse_policy(const struct buffer *content, struct policy *ret,
                         char error[static POLICY_ERROR_SIZE])
{
    char reason[JSON_ERROR_SIZE];
    __attribute__((cleanup(json_release))) json_t *object =
        json_read_object(content->data, content->length, reason);
    if (object == NULL) {
        snprintf(error, POLICY_ERROR_SIZE, "%.200s", reason);
        return false;
    }
    struct policy policy = {0};
    bool good = read_version(object, &policy, error) && read_numbers(content, &policy, error) &&
                check_members(object, error) && check_sense(&policy, error);
    if (good) {
        *ret = policy;
    }
    return good;
}

// With the lock held.
static bool read_policy(struct policy_file *file, char error[static POLICY_ERROR_SIZE])
{
    struct buffer content = {.maximum = POLICY_BYTES_MAX};
    char reason[POLICY_ERROR_SIZE];
    error[0] = '\0';
    if (!watched_file_read(&file->file, &content, error)) {
        buffer_free(&content);
        return false;
    }
    if (content.length == 0) {
        snprintf(reason, sizeof reason, "the file is empty");
    } else {
        file->file.good = parse_policy(&content, &file->policy, reason);
    }
    if (!file->file.good) {
        snprintf(error, POLICY_ERROR_SIZE, "%.100s: %.150s", file->file.path, reason);
    }
    buffer_free(&content);
    return file->file.good;
}

struct policy_file *policy_file_load(const char *path, char error[static POLICY_ERROR_SIZE])
{
    struct policy_file *file = memory_zeroed(1, sizeof *file);
    pthread_mutex_init(&file->lock, NULL);
    watched_file_init(&file->file, path);
    if (!read_policy(file, error)) {
        policy_file_free(&file);
    }
    return file;
}

void policy_file_free(struct policy_file **file)
{
    if (*file == NULL) {
        return;
    }
    watched_file_release(&(*file)->file);
    pthread_mutex_destroy(&(*file)->lock);
    free(*file);
    *file = NULL;
}

bool policy_file_refresh(struct policy_file *file, char error[static POLICY_ERROR_SIZE])
{
    pthread_mutex_lock(&file->lock);
    error[0] = '\0';
    bool good = watched_file_changed(&file->file) ? read_policy(file, error) : file->file.good;
    pthread_mutex_unlock(&file->lock);
    return good;
}

struct policy policy_file_current(struct policy_file *file)
{
    pthread_mutex_lock(&file->lock);
    struct policy policy = file->policy;
    pthread_mutex_unlock(&file->lock);
    return policy;
}
