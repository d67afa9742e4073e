// SPDX-License-Identifier: Apache-2.0
// `ecs healthcheck`: asks a process on this machine whether it is ready, for a container's health.
#include "commands/command.h"
#include "platform/buffer.h"
#include "platform/config.h"
#include "platform/http/client.h"
#include "platform/http/url.h"
#include "platform/json.h"
#include "platform/memory.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 2000
#define ANSWER_MAX 65536

static error_t take_option(int key, char *value, struct argp_state *state)
{
    const char **url = state->input;
    if (key == 'u') {
        *url = value;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
    {"url", 'u', "URL", 0, "what to ask (default: /readyz at METRICS_LISTEN)", 0},
    {0},
};

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .doc =
        "Asks a running process whether it is ready. Exits with 0 when it is, else with 1 and one "
        "line that names what is down.",
};

// The caller frees it; NULL, and one line said, when there is none.
static char *own_url(void)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config == NULL) {
        fprintf(stderr, "ecs: %s\n", error);
        return NULL;
    }
    const char *listen = config_text(config, SETTING_METRICS_LISTEN);
    struct buffer url = {0};
    if (listen[0] == '\0') {
        fputs("ecs: METRICS_LISTEN is not set: say --url\n", stderr);
    } else {
        char *base = url_base_of_listener(listen);
        buffer_add_format(&url, "%s/readyz", base);
        free(base);
    }
    config_free(&config);
    return url.data;
}

static void say_what_is_down(const struct http_result *result)
{
    char error[JSON_ERROR_SIZE];
    __attribute__((cleanup(json_release))) json_t *answer =
        json_read_object(result->body.data, result->body.length, error);
    json_t *down = json_object_get(answer, "down");
    size_t index = 0;
    json_t *name = NULL;
    fprintf(stderr, "ecs: answered %d", result->status);
    json_array_foreach(down, index, name)
    {
        fprintf(stderr, "%s%s", index == 0 ? "; down: " : ", ", json_string_value(name));
    }
    fputc('\n', stderr);
}

static bool ask(const char *url)
{
    struct http_client *client = http_client_new();
    struct http_result result = http_client_call(client, &(struct http_call){
                                                             .method = HTTP_GET,
                                                             .url = url,
                                                             .timeout_ms = TIMEOUT_MS,
                                                             .maximum_answer = ANSWER_MAX,
                                                         });
    bool well = result.status == 200;
    if (result.status == 0) {
        fprintf(stderr, "ecs: %s does not answer\n", url);
    } else if (!well) {
        say_what_is_down(&result);
    }
    http_client_free(&client);
    return well;
}

int command_healthcheck(int argc, char **argv)
{
    const char *given = NULL;
    argp_parse(&parser, argc, argv, 0, NULL, &given);
    char *url = given != NULL ? memory_copy_text(given) : own_url();
    bool well = url != NULL && ask(url);
    free(url);
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
