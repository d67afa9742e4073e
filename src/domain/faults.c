// SPDX-License-Identifier: Apache-2.0
// The list of faults: grows until it is full, in the order in which the checks ran.
#include "domain/faults.h"

void faults_add(struct faults *faults, const char *field, const char *message)
{
    if (faults->count < FAULTS_MAX) {
        faults->items[faults->count++] = (struct fault){.field = field, .message = message};
    }
}
