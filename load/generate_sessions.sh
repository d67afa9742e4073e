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

# call_all WHAT PATH GOOD EXTRA: one call a person; each answer must match GOOD.
call_all() {
    local what=$1 path=$2 good=$3 extra=$4 n
    mkdir "$work/$what"
    calls "$path" "$work/$what" "$extra" >"$work/$what.calls"
    curl --parallel --parallel-immediate --parallel-max "$at_once" --config "$work/$what.calls" 2>"$work/errors" ||
        fail "$what: $LOAD_URL does not answer: $(head -n 1 "$work/errors")"
    for ((n = 1; n <= people; n++)); do
        grep -q "$good" "$work/$what/$n" 2>/dev/null ||
            fail "$what of person $n was refused: $(head -c 300 "$work/$what/$n")"
    done
}

# person_of TOKEN: whose it is (RFC 7519: the claim `sub` of the second part).
person_of() {
    local claims
    claims=$(cut -d . -f 2 <<<"$1" | tr -- '-_' '+/')
    while ((${#claims} % 4 != 0)); do claims+='='; done
    base64 -d <<<"$claims" | sed -n 's/.*"sub":"\([^"]*\)".*/\1/p'
}

write_sessions() {
    local n token separator=''
    echo '['
    for ((n = 1; n <= people; n++)); do
        token=$(sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p' "$work/login/$n")
        printf '%s  {"userId": "%s", "email": "%s", "token": "%s"}' "$separator" \
            "$(person_of "$token")" "$(email_of "$n")" "$token"
        separator=$',\n'
    done
    printf '\n]\n'
}

# A conflict: the answer to an earlier try was lost on its way, since nobody else has these emails.
call_all register /v1/auth/register '"id"\|"status": *409' ', \"consents\": {\"emotional_data\": true}'
call_all login /v1/auth/login '"access_token"' ''
mkdir -p "$(dirname "$LOAD_SESSIONS")"
write_sessions >"$work/sessions.json"
mv "$work/sessions.json" "$LOAD_SESSIONS"
say "$people people are registered and logged in on $LOAD_URL: $LOAD_SESSIONS"
