// SPDX-License-Identifier: Apache-2.0
// seeds FOLDER...: runs a fuzz target once over every file of the folders, without libFuzzer, so
// that the unit tests keep the corpora alive. Speaks TAP, one line a file.
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define SEED_MAX ((size_t)1 << 20)

static void run(const char *path)
{
    FILE *file = fopen(path, "rb");
    EXPECT(file != NULL);
    uint8_t *room = malloc(SEED_MAX);
    EXPECT(room != NULL);
    size_t size = fread(room, 1, SEED_MAX, file);
    fclose(file);
    // Exactly as long as the input, so that a sanitizer sees a byte read beyond it.
    uint8_t *input = malloc(size > 0 ? size : 1);
    EXPECT(input != NULL);
    memcpy(input, room, size);
    free(room);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int count, char **arguments)
{
    int done = 0;
    for (int i = 1; i < count; i++) {
        struct dirent **entries = NULL;
        int found = scandir(arguments[i], &entries, is_seed, alphasort);
        for (int j = 0; j < found; j++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", arguments[i], entries[j]->d_name);
            free(entries[j]);
            run(path);
            printf("ok %d - %s\n", ++done, path);
            fflush(stdout);
        }
        free(entries);
    }
    printf("1..%d\n", done);
    return done > 0 ? 0 : 1;
}
