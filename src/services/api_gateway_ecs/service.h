// SPDX-License-Identifier: Apache-2.0
// api-gateway-ecs: the single entry. Its routes are the public routes of every other service; those
// of a service in this process are called in memory, all others are forwarded over HTTP. Its own
// two are the description of the API.
#pragma once

#include "platform/http/router.h"
#include "services/service.h"

extern const struct service api_gateway_ecs;

// Adds the routes of a service that runs elsewhere, each forwarded to that service's `url`, such as
// `http://host:9001` or `unix:/path`. `context` is what the gateway's loop_open made for the
// router's loop; it keeps the copies that the router refers to.
void gateway_forward_routes(void *context, struct router *router, const struct service *service,
                            const char *url);
