// SPDX-License-Identifier: Apache-2.0
// The two ways to the risk model behind one struct risk_client: in this process, or over HTTP to
// credit-analysis-service.
#pragma once

#include "services/service.h"

#include <stdint.h>

// The model in this process; it must outlive the client.
struct risk_client risk_client_local(struct risk_model *model);

struct risk_remote;

// The way to the service at `url` (http://host:port), with the internal key shown and a deadline
// for each call. Connects at the first call.
struct risk_remote *risk_remote_new(const char *url, const char *internal_key, int64_t timeout_ms);
void risk_remote_free(struct risk_remote **remote);

// The remote must outlive the client. An answer that is late, not 200, or not exactly what the
// service promises counts as none.
struct risk_client risk_client_remote(struct risk_remote *remote);
