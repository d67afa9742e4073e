// SPDX-License-Identifier: Apache-2.0
// `ecs routes`: what the system answers to, and who may ask, from the tables that serve it.
#include "commands/command.h"
#include "commands/services.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

static const char *rule_name(enum auth_rule rule)
{
    switch (rule) {
    case AUTH_PUBLIC:
        return "public";
    case AUTH_INTERNAL_KEY:
        return "internal-key";
    case AUTH_PERSON:
        return "person";
    case AUTH_OPERATOR:
        return "operator";
    }
    return "?";
}

static void print_service(const struct service *service)
{
    for (size_t i = 0; i < service->route_count; i++) {
        const struct route *route = &service->routes[i];
        printf("%-6s %-48s %-12s %-8s %-4s %s\n", http_method_name(route->method), route->pattern,
               rule_name(route->auth), service->internal ? "internal" : "gateway",
               route->has_body ? "body" : "-", service->name);
    }
}

int command_routes(int argc, char **argv)
{
    static const struct argp parser = {
        .doc = "Prints every route of every service: method, pattern, who may call it (public, "
               "person: an access token, operator: a token of `ecs operator-token`, "
               "internal-key: X-Internal-Key), whether the gateway serves "
               "it or only other services reach it, whether it takes a body, and its service.",
    };
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    size_t count = 0;
    const struct service *const *services = services_all(&count);
    for (size_t i = 0; i < count; i++) {
        print_service(services[i]);
    }
    return EXIT_SUCCESS;
}
