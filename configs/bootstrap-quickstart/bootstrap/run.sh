#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu

mkdir -p state
printf '%s\n' "$QUICKSTART_GREETING" >state/quickstart.txt
cat "$CASTRA_PAYLOAD_DIR/note.txt" >>state/quickstart.txt
