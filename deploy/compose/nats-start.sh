#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the broker's settings, the accounts of the secret among them, and starts it. From version
# 2.10 on every acknowledged message is on the disk; for earlier ones the key is an error.
set -eu
umask 077
sync=
case $(nats-server --version | sed 's/[^0-9]*\([0-9]*\.[0-9]*\).*/\1/') in
1.* | 2.[0-9]) ;;
*) sync='sync_interval: always' ;;
esac
cat >/tmp/nats.conf <<END
port: 4222
http: "127.0.0.1:8222"
server_name: ecs
max_payload: 1MB
jetstream {
    store_dir: "/data"
    max_memory_store: 64MB
    max_file_store: ${NATS_STORE_BYTES:-8GB}
    $sync
}
END
cat /run/secrets/nats_accounts >>/tmp/nats.conf
exec nats-server -c /tmp/nats.conf
