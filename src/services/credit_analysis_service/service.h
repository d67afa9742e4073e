// SPDX-License-Identifier: Apache-2.0
// credit-analysis-service: answers how risky a person is, from the trained model and nothing else.
#pragma once

#include "services/service.h"

extern const struct service credit_analysis_service;
