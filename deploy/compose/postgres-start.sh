#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts PostgreSQL by its image's own entrypoint, unless the volume belongs to another version.
if [ -s "$PGDATA/PG_VERSION" ]; then
    held=$(cat "$PGDATA/PG_VERSION")
    ours=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ "$held" != "$ours" ]; then
        echo "the volume postgres-data was made by PostgreSQL $held and this is $ours: start with" \
            "POSTGRES_IMAGE=postgres:$held-bookworm, or dump there and restore here" \
            "(docs/operations.md, Containers)" >&2
        exit 1
    fi
fi
exec docker-entrypoint.sh "$@"
