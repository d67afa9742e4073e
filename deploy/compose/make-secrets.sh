#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make-secrets.sh [FOLDER]: the secrets of the containers, one file each, in secrets/ (or FOLDER, or
# ECS_SECRETS). A secret or certificate that exists is kept; the files that are made of secrets
# (addresses with passwords, roles, accounts) follow them each time. To change a secret: remove its
# file, run this again, and start the containers again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-${ECS_SECRETS:-$root/secrets}}
port=${ECS_PORT:-9999}
host=${ECS_HOST:-localhost}

# The folder keeps others on this machine out. The files are readable, because in the containers
# nobody is root.
mkdir -p "$folder"
chmod 700 "$folder"
folder=$(cd "$folder" && pwd)

# put NAME: standard input becomes the file, in place, so that a mounted one follows.
put() {
    cat >"$folder/$1"
    chmod 444 "$folder/$1"
}

# An engine that misses a file to mount makes an empty folder of its name.
clear_folder() {
    [[ ! -d $folder/$1 ]] || rmdir "$folder/$1"
}

made=0
secret() {
    clear_folder "$1"
    if [[ ! -s $folder/$1 ]]; then
        openssl rand -hex 32 | tr -d '\n' | put "$1"
        made=$((made + 1))
    fi
}

derived() {
    clear_folder "$1"
    [[ ! -e $folder/$1 ]] || chmod 644 "$folder/$1"
    put "$1"
}

value() {
    cat "$folder/$1"
}

command -v openssl >/dev/null || {
    echo "openssl is missing: apt-get install openssl" >&2
    exit 1
}

roles=(ecs ecs_user_credit ecs_emotion_worker ecs_transaction_worker ecs_credit_worker ecs_reviewer)

secret secret_key
secret internal_service_api_key
secret postgres_password
secret nats_password
secret nats_system_password
secret redis_password
for role in "${roles[@]}"; do
    secret "${role}_password"
done

for role in "${roles[@]}"; do
    name=${role#ecs}
    name=${name#_}
    printf 'postgresql://%s:%s@postgres:5432/ecs' "$role" "$(value "${role}_password")" |
        derived "${name:+${name}_}database_url"
done
{
    for role in "${roles[@]}"; do
        cat <<END
SELECT 'CREATE ROLE $role' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$role') \gexec
ALTER ROLE $role LOGIN PASSWORD '$(value "${role}_password")';
END
    done
    echo "SELECT 'CREATE DATABASE ecs OWNER ecs'" \
        "WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ecs') \\gexec"
} | derived database_roles

# Every account has users: without any, the server would let anybody in.
derived nats_accounts <<END
accounts {
    ECS {
        jetstream: enabled
        users: [{ user: ecs, password: "$(value nats_password)" }]
    }
    SYSTEM {
        users: [{ user: system, password: "$(value nats_system_password)" }]
    }
}
system_account: SYSTEM
END
printf 'nats://ecs:%s@nats:4222' "$(value nats_password)" | derived nats_url

derived redis_conf <<END
bind 0.0.0.0
requirepass $(value redis_password)
maxmemory 128mb
maxmemory-policy allkeys-lru
save ""
appendonly no
dir /tmp
END
printf 'redis://:%s@redis:6379' "$(value redis_password)" | derived redis_url

clear_folder tls_certificate
clear_folder tls_key
if [[ ! -s $folder/tls_certificate || ! -s $folder/tls_key ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 \
        -subj "/CN=$host" -addext "subjectAltName=DNS:$host,DNS:localhost,IP:127.0.0.1" \
        -keyout "$folder/tls_key.new" -out "$folder/tls_certificate.new" 2>/dev/null
    chmod 444 "$folder/tls_key.new" "$folder/tls_certificate.new"
    mv "$folder/tls_key.new" "$folder/tls_key"
    mv "$folder/tls_certificate.new" "$folder/tls_certificate"
    made=$((made + 1))
fi

# For a shell that calls the system: curl then trusts the certificate.
derived env <<END
export API_URL=https://$host:$port
export INTERNAL_SERVICE_API_KEY=$(value internal_service_api_key)
export CURL_CA_BUNDLE=$folder/tls_certificate
END

echo "$folder: $made made, the others kept; '. $folder/env' sets API_URL and the internal key"
