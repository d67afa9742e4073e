#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# roll.sh SERVICE...: replaces the replicas of each service by ones of the present image and settings,
# one at a time: a new one starts and becomes healthy before an old one is asked to end. COMPOSE_FILE
# and COMPOSE_PROJECT_NAME are docker-compose's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ -n ${COMPOSE:-} ]]; then
    read -ra compose <<<"$COMPOSE"
elif docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
else
    compose=(docker-compose)
fi
seconds=${ROLL_SECONDS:-120}

fail() {
    echo "$*" >&2
    exit 1
}

health() {
    docker inspect -f '{{.State.Status}}/{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1"
}

# wait_healthy CONTAINER
wait_healthy() {
    local end=$((SECONDS + seconds)) state
    while state=$(health "$1") && [[ $state != running/healthy ]]; do
        [[ $state == running/* || $state == created/* ]] && ((SECONDS < end)) || return 1
        sleep 0.5
    done
}

# replace_one SERVICE OLD COUNT: one more, and when it is healthy, one less.
replace_one() {
    local service=$1 old=$2 count=$3 before new
    before=$("${compose[@]}" ps -q "$service" | sort)
    "${compose[@]}" up -d --no-deps --no-recreate --scale "$service=$((count + 1))" "$service" >/dev/null 2>&1 ||
        fail "$service: a new replica could not be started; the old ones go on"
    new=$(comm -13 <(echo "$before") <("${compose[@]}" ps -q "$service" | sort))
    if ! wait_healthy "$new"; then
        docker logs --tail 1 "$new" >&2 || true
        docker rm -f "$new" >/dev/null
        fail "$service: the new replica is not healthy; it was removed, the old ones go on"
    fi
    docker stop -t 20 "$old" >/dev/null
    docker rm "$old" >/dev/null
}

[[ $# -gt 0 ]] || fail "usage: roll.sh SERVICE..."
for service in "$@"; do
    mapfile -t old < <("${compose[@]}" ps -q "$service")
    [[ ${#old[@]} -gt 0 ]] || fail "$service does not run"
    for container in "${old[@]}"; do
        replace_one "$service" "$container" "${#old[@]}"
    done
    echo "$service: ${#old[@]} replaced"
done
