#!/bin/bash
# Before a stop: a checkpoint while clients still work, which shortens the one at shutdown. Never fails the stop.
# Arguments: deadline in seconds (default 60). Exit: 0.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/psql.sh"

COMPONENT=pre-stop

_main() {
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  use_socket
  timeout -k 2 "${1:-60}" psql -Xq --no-password -c CHECKPOINT ||
    warn "no checkpoint before the stop (above); the one at shutdown may take longer"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
