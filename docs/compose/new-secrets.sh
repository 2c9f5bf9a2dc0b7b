#!/bin/sh
# Every password and the key-encryption key, made where they are missing. The argument is the folder that has the four
# folders of Dockerfile; each is a volume of its own, so that a process sees its own secrets only.
set -eu
umask 077
cd "$1"

for role in administrator owner node; do
    if [ ! -e "database/$role" ]; then
        python -c 'import secrets; print(secrets.token_urlsafe(24))' >"database/$role.new"
        mv "database/$role.new" "database/$role"
    fi
done
# PostgreSQL's own account reads these, and the volume is mounted into nothing else.
chmod 0755 database
chmod 0644 database/administrator database/owner database/node

# libpq's password files (https://www.postgresql.org/docs/current/libpq-pgpass.html).
printf '*:*:counterfoil:counterfoil_owner:%s\n' "$(cat database/owner)" >owner/passfile
printf '*:*:counterfoil:counterfoil:%s\n' "$(cat database/node)" >node/passfile

if [ ! -e node/kek ]; then
    counterfoil keys new-kek node/kek
fi
