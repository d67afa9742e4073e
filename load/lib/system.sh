# SPDX-License-Identifier: Apache-2.0
# Where the system under load is. Sourced by bash scripts that have set -euo pipefail.
#
#   LOAD_URL                   the gateway or load balancer; by default the system that `make up` started
#   INTERNAL_SERVICE_API_KEY   or INTERNAL_SERVICE_API_KEY_FILE, the path of a file that holds it
#   LOAD_INSECURE=1            accepts any certificate; SSL_CERT_FILE=PATH trusts that one instead
#   LOAD_SESSIONS, LOAD_RESULTS  where sessions.json and the results lie: under var/load/
#
# Without LOAD_URL, what is not set is read from var/env (VAR_DIR moves var/).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
var=${VAR_DIR:-$root/var}
case $var in
/*) ;;
*) var=$PWD/$var ;;
esac

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

if [[ -z ${LOAD_URL-} ]]; then
    [[ -r $var/env ]] || fail "nothing to load: make up starts a system here, LOAD_URL=https://... names another"
    given_key=${INTERNAL_SERVICE_API_KEY-} given_database=${DATABASE_URL-}
    . "$var/env"
    LOAD_URL=$API_URL
    INTERNAL_SERVICE_API_KEY=${given_key:-$INTERNAL_SERVICE_API_KEY}
    DATABASE_URL=${given_database:-$DATABASE_URL}
fi
if [[ -z ${INTERNAL_SERVICE_API_KEY-} && -n ${INTERNAL_SERVICE_API_KEY_FILE-} ]]; then
    INTERNAL_SERVICE_API_KEY=$(<"$INTERNAL_SERVICE_API_KEY_FILE")
fi
LOAD_URL=${LOAD_URL%/}
LOAD_SESSIONS=${LOAD_SESSIONS:-$var/load/sessions.json}
LOAD_RESULTS=${LOAD_RESULTS:-$var/load/results}
[[ ${LOAD_INSECURE-} != 0 ]] || LOAD_INSECURE=
export LOAD_URL LOAD_SESSIONS LOAD_RESULTS LOAD_INSECURE INTERNAL_SERVICE_API_KEY
[[ -z ${DATABASE_URL-} ]] || export DATABASE_URL
