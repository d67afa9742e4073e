// SPDX-License-Identifier: Apache-2.0
// Policy files: one that is accepted gives sane terms for every score, and one that is refused
// says why.
#include "fuzz.h"

#include "platform/policy_file.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void expect_sane_terms(const struct policy *policy)
{
    struct faults faults = {0};
    policy_check(policy, &faults);
    EXPECT(faults.count == 0);
    EXPECT(strlen(policy->version) > 0);
    for (risk_score score = 0; score <= RISK_SCORE_ONE; score += RISK_SCORE_ONE / 50) {
        struct terms terms = policy_terms(policy, score);
        EXPECT(terms.approved == (score <= policy->deny_above));
        if (terms.approved) {
            EXPECT(terms.limit >= policy->minimum_limit && terms.limit > 0);
            EXPECT(terms.rate >= 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int file = memfd_create("policy", MFD_CLOEXEC);
    EXPECT(file >= 0 && write(file, data, size) == (ssize_t)size);
    char path[64];
    char error[POLICY_ERROR_SIZE] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct policy_file *policy_file = policy_file_load(path, error);
    if (policy_file != NULL) {
        struct policy policy = policy_file_current(policy_file);
        expect_sane_terms(&policy);
        EXPECT(policy_file_refresh(policy_file, error));
    } else {
        EXPECT(error[0] != '\0' && memchr(error, '\0', sizeof error) != NULL);
    }
    policy_file_free(&policy_file);
    close(file);
    return 0;
}
