#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs in a container before all others: every secret must be a file with something in it. The names
# stand in docker-compose.yaml, which mounts them here.
missing=
for file in /run/secrets/*; do
    [ -f "$file" ] && [ -s "$file" ] || missing="$missing ${file##*/}"
done
if [ -n "$missing" ] || [ ! -e /run/secrets/secret_key ]; then
    echo "secrets are missing:${missing:- all}; run deploy/compose/make-secrets.sh, then start again" >&2
    exit 1
fi
