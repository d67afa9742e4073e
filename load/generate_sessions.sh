#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# generate_sessions.sh [PEOPLE]: registers that many people (100) who allow the use of emotional
# data, logs them in, several at once, and writes sessions.json: [{"userId", "email", "token"}, ...].
# Where the system is comes from the same variables as for the scenarios (lib/system.sh). The
# passwords are random and kept nowhere. A token lasts as long as the system says (an hour).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/system.sh"

people=${1:-100}
at_once=${LOAD_AT_ONCE:-8}
[[ $people =~ ^[1-9][0-9]{0,4}$ ]] || fail "usage: generate_sessions.sh [PEOPLE], 1 to 99999"

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

random_hex() {
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# All that this run makes is found again by this name: people, their events, their offers.
tag=load-$(date -u +%Y%m%dt%H%M%S)-$(random_hex 3)
password=$(random_hex 16)

email_of() {
    echo "$tag-$1@example.com"
}

# calls PATH FOLDER BODY_OF...: what curl reads for one call a person: the answers go to FOLDER/N.
calls() {
    local path=$1 folder=$2 extra=$3 n
    for ((n = 1; n <= people; n++)); do
        ((n == 1)) || echo next
        cat <<END
url = "$LOAD_URL$path"
output = "$folder/$n"
header = "Content-Type: application/json"
data = "{\"email\": \"$(email_of "$n")\", \"password\": \"$password\"$extra}"
silent
show-error
max-time = 60
retry = 8
${LOAD_INSECURE:+insecure}
END
    done
}

# field NAME FILE: the value of a text member of an answer.
field() {
    sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$2" 2>/dev/null | head -n 1
}

# call_all WHAT PATH MEMBER EXTRA: one call a person; each answer must have MEMBER.
call_all() {
    local what=$1 path=$2 member=$3 extra=$4 n
    mkdir "$work/$what"
    calls "$path" "$work/$what" "$extra" >"$work/$what.calls"
    curl --parallel --parallel-immediate --parallel-max "$at_once" --config "$work/$what.calls" 2>"$work/errors" ||
        fail "$what: $LOAD_URL does not answer: $(head -n 1 "$work/errors")"
    for ((n = 1; n <= people; n++)); do
        [[ -n $(field "$member" "$work/$what/$n") ]] ||
            fail "$what of person $n was refused: $(head -c 300 "$work/$what/$n")"
    done
}

write_sessions() {
    local n separator=''
    echo '['
    for ((n = 1; n <= people; n++)); do
        printf '%s  {"userId": "%s", "email": "%s", "token": "%s"}' "$separator" \
            "$(field id "$work/register/$n")" "$(email_of "$n")" "$(field access_token "$work/login/$n")"
        separator=$',\n'
    done
    printf '\n]\n'
}

call_all register /v1/auth/register id ', \"consents\": {\"emotional_data\": true}'
call_all login /v1/auth/login access_token ''
mkdir -p "$(dirname "$LOAD_SESSIONS")"
write_sessions >"$work/sessions.json"
mv "$work/sessions.json" "$LOAD_SESSIONS"
say "$people people are registered and logged in on $LOAD_URL: $LOAD_SESSIONS"
