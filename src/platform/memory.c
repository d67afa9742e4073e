// SPDX-License-Identifier: Apache-2.0
// The allocation policy of memory.h over the C library's allocator.
#include "platform/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *block)
{
    if (block == NULL) {
        fputs("ecs: out of memory\n", stderr);
        abort();
    }
    return block;
}

void *memory_new(size_t size)
{
    return or_end(malloc(size > 0 ? size : 1));
}

void *memory_zeroed(size_t count, size_t size)
{
    return or_end(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *memory_resize(void *block, size_t size)
{
    return or_end(realloc(block, size > 0 ? size : 1));
}

char *memory_copy_text(const char *text)
{
    return or_end(strdup(text));
}

char *memory_copy(const void *bytes, size_t length)
{
    char *copy = memory_new(length + 1);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    return copy;
}

void memory_give_back(void)
{
    malloc_trim(0);
}
