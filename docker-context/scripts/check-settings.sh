#!/usr/bin/env bash
# Starts a scratch server with the image's configuration and the mounted conf.d, so that settings PostgreSQL rejects
# never reach the database. Exit: 0 it starts, 1 it does not: PostgreSQL's message is on stderr and is the pod's
# termination message.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/log.sh"
. "$LIB/psql.sh"

COMPONENT=check-settings
readonly DEADLINE=120

# Starts the scratch server in a folder. Sets SERVER, its pid.
# Arguments: folder.
start_scratch() {
  initdb --pgdata="$1/data" --username=postgres --no-sync --no-instructions >"$1/initdb.log" 2>&1 ||
    die_with_message "no scratch database could be made: $(tail -n 3 "$1/initdb.log")"
  postgres -D "$1/data" -c config_file=/etc/postgresql/postgresql.conf -c listen_addresses= \
    -c unix_socket_directories="$1" -c archive_mode=off -c fsync=off -c logging_collector=off -c log_line_prefix= >"$1/server.log" 2>&1 &
  SERVER=$!
}

# Waits for the scratch server. Exit: 1 when it ended or the deadline passed.
wait_for_scratch() {
  local end=$((SECONDS + DEADLINE))
  until pg_isready -q; do
    if ! kill -0 "$SERVER" 2>/dev/null || ((SECONDS > end)); then
      return 1
    fi
    sleep 0.1
  done
}

_main() {
  local folder
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  folder="$(mktemp -d)"
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$folder'" EXIT
  use_socket
  export PGHOST="$folder" PGUSER=postgres
  start_scratch "$folder"
  if ! wait_for_scratch; then
    die_with_message "PostgreSQL does not start with these settings: $(tail -n 10 "$folder/server.log")"
  fi
  info "PostgreSQL starts with these settings: $(sql -c "SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '/etc/postgresql/conf.d/%'") from conf.d"
  kill -QUIT "$SERVER"
  wait "$SERVER" || true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
