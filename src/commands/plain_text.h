// SPDX-License-Identifier: Apache-2.0
// Printing bytes that came from outside so that they cannot steer the reader's terminal.
#pragma once

#include <stddef.h>
#include <stdio.h>

// Prints the bytes; each of a control character, or of a mark that turns the direction, as \xNN.
void print_plain(FILE *to, const char *data, size_t length);
