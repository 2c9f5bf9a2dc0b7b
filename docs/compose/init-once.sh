#!/bin/sh
# `counterfoil init` for a store that has no policy; any other is left alone. The argument is the folder for the secrets of
# the clients, which are shown this once.
set -eu
umask 077

if [ "$(counterfoil client list --json)" = "[]" ]; then
    counterfoil init --json >"$1/clients.json"
    echo "initialised: the clients' secrets are in $1/clients.json"
else
    echo "there is a policy already: nothing to do"
fi
