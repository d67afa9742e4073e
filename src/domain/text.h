// SPDX-License-Identifier: Apache-2.0
// Text character by character. A text is valid UTF-8; a character is a code point.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The character at *at, which moves on behind it; 0 at the end.
uint32_t text_next_character(const char **at);

size_t text_count_characters(const char *text);

// Whether there is a control character (U+0001 to U+001F, U+007F to U+009F) but tab and line feed.
bool text_has_control(const char *text);
