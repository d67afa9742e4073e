// SPDX-License-Identifier: Apache-2.0
// A whole number on the command line.
#pragma once

#include <stdbool.h>

// Whether the whole text is a decimal number from `least` to `most`; sets *ret only then.
bool number_parse(const char *text, long least, long most, long *ret);
