// SPDX-License-Identifier: Apache-2.0
// Settings from the environment, checked once at start; the rows are in settings.def.
// Each NAME has a twin NAME_FILE, the path of a file that holds the value (one final newline is
// dropped), for Docker and Kubernetes secrets.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum setting {
#define SETTING(name, ...) SETTING_##name,
#include "platform/settings.def"
#undef SETTING
    SETTING_COUNT,
};

struct config;

#define CONFIG_ERROR_SIZE 512

// Reads and checks every setting. NULL when one is bad; `error` then holds one line that names it
// and says what to do. The caller frees with config_free.
struct config *config_load(char error[static CONFIG_ERROR_SIZE]);

// Frees and nulls; secrets are overwritten first.
void config_free(struct config **config);

// Checks that a setting without a default has a value; else writes the one line of error.
bool config_require(const struct config *config, enum setting setting,
                    char error[static CONFIG_ERROR_SIZE]);

// The setting's name, as in the environment; static text.
const char *config_name(enum setting setting);

// The value as text; "" when there is none. Owned by the config.
const char *config_text(const struct config *config, enum setting setting);

// The value of a NUMBER, in the setting's unit.
int64_t config_number(const struct config *config, enum setting setting);

// The value of a DECIMAL.
double config_decimal(const struct config *config, enum setting setting);

// True when the value was given rather than taken from the default.
bool config_is_set(const struct config *config, enum setting setting);

// Prints every setting: name, value (secrets masked), where it came from, and its meaning.
void config_print(const struct config *config, FILE *to);
