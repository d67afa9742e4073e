// SPDX-License-Identifier: Apache-2.0
// The human review of an automated decision: the right to have somebody look, to say one's own view
// and to contest the decision (GDPR, article 22(3); LGPD, article 20, asks for a review too).
#pragma once

#include "domain/faults.h"

#define REVIEW_TEXT_MAX 2000      /* characters of a statement or an explanation */
#define REVIEWER_NAME_MAX 200     /* characters */
#define REVIEW_OFFER_DAYS_MAX 365 /* how long the offer of a reviewer may stand */

// Checks what a person says about the decision; valid UTF-8.
void review_check_statement(const char *statement, struct faults *faults);
