#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The owner of the tables, a role for each service and the database, made or brought up to date with
# the secrets at each start. The passwords never stand on a command line.
PGPASSWORD=$(cat /run/secrets/postgres_password)
export PGPASSWORD
run() {
    psql -h postgres -U postgres -d postgres --no-psqlrc --quiet --tuples-only -v ON_ERROR_STOP=1 "$@"
}

if ! why=$(run -c 'SELECT 1' 2>&1); then
    case $why in
    *authentication*)
        echo "PostgreSQL refuses the secret postgres_password: its volume was made with another one;" \
            "put that one back, or change it: docker-compose exec postgres psql -U postgres -c '\\password'" >&2
        ;;
    *) echo "PostgreSQL does not answer: $(echo "$why" | head -n 1)" >&2 ;;
    esac
    exit 1
fi
run -f /run/secrets/database_roles || {
    echo "the roles could not be made: see the line above" >&2
    exit 1
}
echo "the database's roles have the passwords of the secrets"
