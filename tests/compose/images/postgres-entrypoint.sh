#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# As the official image does for a new volume: a cluster whose superuser has the password of the file,
# the socket without one, the network with one.
set -euo pipefail
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS-}
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
exec "$@" -clisten_addresses='*'
