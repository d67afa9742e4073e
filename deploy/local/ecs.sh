#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ecs.sh up|run|down|status: the whole system on this machine, engines included, all services in one
# process. `up` returns when it is ready; `run` stays in the foreground until Ctrl-C. build/ecs
# must have been built.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

binary=$root/build/ecs

listen=${API_GATEWAY_LISTEN:-127.0.0.1:9999}

# Says who has the gateway's port, before anything is started.
check_port() {
    local port=${listen##*:} who
    ! port_is_free "$port" || return 0
    who=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:((\("[^"]*",pid=[0-9]*\).*/ by \1/p') || true
    fail "port $port is taken${who:- by another program};" \
        "API_GATEWAY_LISTEN=127.0.0.1:PORT make ... chooses another"
}

answers_ready() {
    [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://$1/readyz") == 200 ]]
}

is_ready() {
    pid_of ecs >/dev/null || fail "ecs ended at once; its last words: $(tail -n 1 "$var/log/ecs.log")"
    answers_ready "$API_GATEWAY_LISTEN" && answers_ready "$METRICS_LISTEN"
}

load_env() {
    set -a
    . "$var/env"
    set +a
}

# Starts engines again that crash or hang, from now on.
watch_engines() {
    pid_of watch >/dev/null || start_process watch "engines.sh watch" "$here/engines.sh" watch "$var"
}

# Migrates, makes the streams, and starts the service on engines that run.
start_service() {
    load_env
    "$binary" migrate
    "$binary" provision
    start_process ecs "$binary serve all" "$binary" serve all
    wait_until 30 is_ready || fail "ecs is not ready after 30 s; see $var/log/ecs.log"
}

bring_up() {
    [[ -x $binary ]] || fail "build/ecs is missing: make build"
    check_port
    say "starting PostgreSQL, NATS and Redis under $var"
    API_GATEWAY_LISTEN=$listen "$here/engines.sh" up
    if [[ -e $var/run/ecs.pid ]]; then
        say "ecs has stopped; see $var/log/ecs.log; starting it again"
    fi
    watch_engines
    start_service
}

# Starts an engine that has crashed; one that had to move to another port needs a new start of ecs.
mend() {
    local before
    load_env
    before=$(<"$var/ports")
    "$here/engines.sh" up
    watch_engines
    if [[ $(<"$var/ports") != "$before" ]]; then
        say "an engine moved to another port; starting ecs again"
        stop_process ecs TERM 15
        start_service
    fi
}

take_down() {
    stop_process ecs TERM 15
    "$here/engines.sh" down
}

what_to_try() {
    cat <<END

ECS serves on $API_URL. Try, in another terminal:

  . $var/env
  curl -s $API_URL/v1/auth/register -H 'Content-Type: application/json' \\
       -d '{"email": "ana@example.com", "password": "correct horse", "consents": {"emotional_data": true}}'
  build/ecs demo --users 50 --seconds 20

README.md goes on from there. Logs: $var/log.
END
}

up() {
    local pid
    take_lock ecs
    if pid=$(pid_of ecs); then
        mend
        say "already running (pid $pid)"
    else
        bring_up
        say "ready: $API_URL (settings and secrets: $var/env)"
    fi
}

run() {
    local pid seen=0
    if pid=$(pid_of ecs); then
        fail "already running (pid $pid); make down stops it"
    fi
    # A signal to the whole group comes twice, since make passes it on: the second must not end what the first began.
    trap 'trap "" INT TERM HUP; exit 0' INT TERM HUP
    trap 'trap "" INT TERM HUP; say "stopping"; take_down' EXIT
    take_lock ecs
    [[ ! -e $var/log/ecs.log ]] || seen=$(stat -c %s "$var/log/ecs.log")
    bring_up
    exec 9>&-
    what_to_try
    pid=$(pid_of ecs)
    tail -c +$((seen + 1)) -f --pid="$pid" "$var/log/ecs.log" &
    wait $! || true
    fail "ecs has stopped; see $var/log/ecs.log"
}

status() {
    local pid
    "$here/engines.sh" status
    if pid=$(pid_of ecs); then
        say "ecs runs (pid $pid)"
    else
        say "ecs does not run"
    fi
}

case ${1-} in
up) up ;;
run) run ;;
down)
    take_lock ecs
    take_down
    ;;
status) status ;;
*)
    echo "usage: ecs.sh up|run|down|status" >&2
    exit 2
    ;;
esac
