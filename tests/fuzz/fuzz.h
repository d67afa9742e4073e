// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. A target is one function over bytes; libFuzzer calls it with inputs
// that it makes, and seeds.c with those of the corpus. EXPECT ends the process when a promise of a
// header does not hold.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(promise)                                                                            \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #promise);           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
