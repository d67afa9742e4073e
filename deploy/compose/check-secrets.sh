#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-secrets.sh NAME...: runs in a container before all others. Each must be a file in /secrets with
# something in it.
missing=
for name; do
    [ -f "/secrets/$name" ] && [ -s "/secrets/$name" ] || missing="$missing $name"
done
if [ -n "$missing" ]; then
    echo "secrets are missing:$missing; run deploy/compose/make-secrets.sh, then start again" >&2
    exit 1
fi
