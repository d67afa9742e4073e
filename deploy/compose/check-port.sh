#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-port.sh PORT: runs in a container on the host's network before the load balancer, which wants
# that port of the host. Free, or in use by the load balancer itself, is well: nobody else refuses
# /metrics with a problem document.
port=$1
code=0
type=$(curl -sk -m 3 -o /dev/null -w '%{content_type}' "https://127.0.0.1:$port/metrics") || code=$?
nobody_listens=7
if [ "$code" != "$nobody_listens" ] && [ "$type" != application/problem+json ]; then
    echo "port $port of this machine is in use: end what listens there, or choose another port with" \
        "ECS_PORT, as in: ECS_PORT=9443 docker-compose up -d" >&2
    exit 1
fi
