#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--short] SCENARIO...|all: registers LOAD_PEOPLE people (100; short: 20), runs the scenarios
# one after the other with k6, and checks at the end that what was answered 202 is in PostgreSQL.
# Ends with 1 when a limit did not hold or an event is missing.
#
#   K6                         the k6 to use, when it is not on the path
#   LOAD_RATE, LOAD_SECONDS    each scenario's rate and length; LOAD_PATIENCE multiplies its time limits
#   DATABASE_URL               for the check at the end, or LOAD_PSQL, a command that runs psql elsewhere
#
# lib/system.sh names the other variables.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scenarios=(emotion-ingestion transactions journey spike soak)

if [[ ${1-} == --short ]]; then
    export LOAD_SHORT=1
    shift
fi
[[ ${1-} == all ]] && set -- "${scenarios[@]}"
known=" ${scenarios[*]} "
for scenario in "$@"; do
    [[ $known == *" $scenario "* ]] || set --
done
if [[ $# -eq 0 ]]; then
    echo "usage: run.sh [--short] SCENARIO...|all; scenarios: ${scenarios[*]}" >&2
    exit 2
fi
k6=$(command -v "${K6:-k6}") || {
    echo "k6 is not here: GOBIN=\$HOME/bin go install go.k6.io/k6@latest, or https://grafana.com/docs/k6/latest/set-up/install-k6/; then K6=\$HOME/bin/k6 make load" >&2
    exit 1
}
. "$here/lib/system.sh"

[[ -n ${INTERNAL_SERVICE_API_KEY-} ]] ||
    fail "INTERNAL_SERVICE_API_KEY (or INTERNAL_SERVICE_API_KEY_FILE) must hold the key of $LOAD_URL"

default_people=100
[[ -z ${LOAD_SHORT-} ]] || default_people=20
"$here/generate_sessions.sh" "${LOAD_PEOPLE:-$default_people}"
mkdir -p "$LOAD_RESULTS"

failed=()
for scenario in "$@"; do
    K6_NO_USAGE_REPORT=true "$k6" run --quiet --address '' "$here/$scenario/test.js" || failed+=("$scenario")
done
if [[ -n ${DATABASE_URL-}${LOAD_PSQL-} ]]; then
    "$here/check_counts.py" || failed+=("what PostgreSQL holds")
else
    say "not compared with PostgreSQL: neither DATABASE_URL nor LOAD_PSQL is set"
fi
[[ ${#failed[@]} -eq 0 ]] || fail "load: FAILED: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
say "load: every limit held"
