// SPDX-License-Identifier: Apache-2.0
// Targets of requests: one that passes has nothing in its path that two readers could take for
// different paths, whichever way they decode it.
#include "fuzz.h"

#include "platform/http/target.h"

#include <string.h>
#include <strings.h>

static bool is_forbidden(const char *percent)
{
    static const char *const codes[] = {"%2f", "%5c", "%2e", "%00", "%0a", "%0d", "%7f"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strncasecmp(percent, codes[i], 3) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_plain(const char *path)
{
    EXPECT(path[0] == '/');
    EXPECT(strpbrk(path, "?#\\ ") == NULL);
    EXPECT(strstr(path, "//") == NULL);
    size_t length = strlen(path);
    for (size_t i = 0; i < length; i++) {
        EXPECT(path[i] > ' ' && path[i] < 0x7f);
        if (path[i] == '/') {
            size_t segment = strcspn(path + i + 1, "/");
            EXPECT(!(segment == 1 && path[i + 1] == '.'));
            EXPECT(!(segment == 2 && path[i + 1] == '.' && path[i + 2] == '.'));
        }
        EXPECT(path[i] != '%' || !is_forbidden(path + i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *target = malloc(size + 1);
    EXPECT(target != NULL);
    memcpy(target, data, size);
    target[size] = '\0';
    size_t query = 0;
    if (target_split(target, size, &query)) {
        EXPECT(query <= size && strlen(target) <= query);
        EXPECT(strlen(target + query) == size - query);
        expect_plain(target);
    }
    free(target);
    return 0;
}
