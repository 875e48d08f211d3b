#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest, in its remote_dir, with the variables of [bootstrap.env] and [vms.bootstrap.env].
# Written for any POSIX shell; running it twice does no harm.
set -eu

mkdir -p state
printf '%s\n' "${SERVICE_USER:-nobody}" >state/bootstrap-user
printf '%s\n' "${APP_NAME:-unnamed}" >state/app-name

# The payload is optional.
if [ -f "${CASTRA_PAYLOAD_DIR:-payload}/app.env" ]; then
    cp "${CASTRA_PAYLOAD_DIR:-payload}/app.env" state/app.env
fi

echo "bootstrap of ${CASTRA_VM:-this VM} is done"
