#!/bin/bash
# Checks that PostgreSQL starts and works with the image's configuration and the mounted conf.d: starts a scratch server with
# them, and asks the running server, if one answers, what it holds that they leave no room for. So neither rejected settings nor a
# restart that would fail reach the database.
# Environment: PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE: the running server (default: the socket).
# Exit: 0 it starts, 1 it does not: stderr and the pod's termination message say why.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/attempt.sh"
. "$LIB/common/psql.sh"
. "$LIB/server/data-settings.sh"
. "$LIB/server/held.sh"
. "$LIB/server/held-libraries.sh"

COMPONENT=check-settings
readonly DEADLINE=120

# Starts the scratch server in FOLDER with WAL segments of WAL_SEGMENT_MB, the settings they need, and those of ALTER SYSTEM.
# Sets SERVER, its pid.
start_scratch() {
  initdb --pgdata="$FOLDER/data" --username=postgres --wal-segsize="$WAL_SEGMENT_MB" --no-sync --no-instructions \
    >"$FOLDER/initdb.log" 2>&1 ||
    die_with_message "no scratch database could be made: $(tail -n 3 "$FOLDER/initdb.log")"
  cat "$ALTERED" >>"$FOLDER/data/postgresql.auto.conf"
  {
    segment_settings "$WAL_SEGMENT_MB"
    echo "include '/etc/postgresql/postgresql.conf'"
  } >"$FOLDER/postgresql.conf"
  postgres -D "$FOLDER/data" -c config_file="$FOLDER/postgresql.conf" -c listen_addresses= -c port=5432 \
    -c unix_socket_directories="$FOLDER" -c archive_mode=off -c fsync=off -c logging_collector=off -c log_line_prefix= \
    >"$FOLDER/server.log" 2>&1 &
  SERVER=$!
}

# Waits for the scratch server. Exit: 1 when it ended or the deadline passed.
wait_for_scratch() {
  local end=$((SECONDS + DEADLINE))
  until pg_isready -q -h "$FOLDER" -p 5432; do
    if ! kill -0 "$SERVER" 2>/dev/null || ((SECONDS > end)); then
      return 1
    fi
    sleep 0.1
  done
}

# Runs SQL in the scratch server, with the settings that any session gets. Arguments: psql's.
scratch_sql() { PGHOST="$FOLDER" PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGOPTIONS='' sql "$@"; }

# Prints the scratch server's settings that limit what a server can hold, as a JSON object.
wanted_settings() {
  scratch_sql <<'SQL'
SELECT json_object_agg(name, setting) FROM pg_settings
  WHERE name LIKE 'max\_%' OR name LIKE 'default\_%' OR name IN ('autovacuum_max_workers', 'autovacuum_worker_slots',
    'server_version_num', 'shared_preload_libraries', 'track_commit_timestamp', 'wal_level')
SQL
}

# Ends the process when the running server holds something that the scratch server's settings leave no room for.
refuse_what_is_held() {
  local wanted problems="$FOLDER/problems"
  wanted="$(wanted_settings)"
  held_problems "$wanted" >"$problems"
  missing_objects "$wanted" >>"$problems"
  library_problems "$wanted" >>"$problems"
  if [ -s "$problems" ]; then
    die_with_message "the server that runs would not start again with these settings, or not work with them; it was not \
touched:
$(cat "$problems")"
  fi
}

_main() {
  local count
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  FOLDER="$(mktemp -d)"
  readonly FOLDER ALTERED="$FOLDER/altered.conf"
  trap 'rm -rf "$FOLDER"' EXIT
  use_server
  ask_running
  start_scratch
  if ! wait_for_scratch; then
    die_with_message "PostgreSQL does not start with these settings$(also_altered): $(tail -n 10 "$FOLDER/server.log")"
  fi
  count="$(scratch_sql -c "SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '/etc/postgresql/conf.d/%'" 2>&1)" ||
    die_with_message "PostgreSQL starts with these settings$(also_altered), but no session does: $count"
  info "PostgreSQL starts with these settings: $count from conf.d"
  if "$ANSWERS"; then
    refuse_what_is_held
    info "the server that runs holds nothing that would keep it from starting with them"
  fi
  kill -QUIT "$SERVER"
  wait "$SERVER" || true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
