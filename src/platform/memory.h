// SPDX-License-Identifier: Apache-2.0
// The one allocation policy of the program: when memory is gone the process ends at once with a
// line on standard error, and its supervisor starts it anew; nothing acknowledged is lost by that.
#pragma once

#include <stddef.h>

// As malloc, calloc, realloc, strdup and strndup, but never NULL. Free with free().
void *memory_new(size_t size) __attribute__((malloc, returns_nonnull));
void *memory_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_resize(void *block, size_t size) __attribute__((returns_nonnull));
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));
char *memory_copy(const void *bytes, size_t length) __attribute__((malloc, returns_nonnull));

// Gives pages back to the system that hold nothing any more, but that the C library keeps for the
// thread that used them last: what a burst took. Takes a millisecond; from any thread.
void memory_give_back(void);
