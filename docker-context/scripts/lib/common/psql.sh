# SQL through psql: the server of this container, or the one that PGHOST names.
# shellcheck shell=bash

# Keeps statements out of the server's log, whatever its settings, and out of pg_stat_statements.
# shellcheck disable=SC2034 # for server/roles.sh
readonly UNLOGGED="-c log_statement=none -c log_min_duration_statement=-1 -c log_min_duration_sample=-1
  -c log_duration=off -c log_min_error_statement=panic -c pg_stat_statements.track_utility=off"

# For our own superuser sessions: protects them from triggers and from the settings of the server, a role or a database.
# shellcheck disable=SC2034 # for server/private.sh and backup.sh
readonly UNDISTURBED="-c client_min_messages=error -c lc_messages=C -c search_path=pg_catalog -c role=none -c datestyle=ISO
  -c quote_all_identifiers=off -c default_transaction_read_only=off -c event_triggers=off -c session_replication_role=origin
  -c session_preload_libraries= -c local_preload_libraries= -c zero_damaged_pages=off -c ignore_checksum_failure=off
  -c statement_timeout=0 -c lock_timeout=30s -c transaction_timeout=0 -c idle_in_transaction_session_timeout=0
  -c idle_session_timeout=0 -c password_encryption=scram-sha-256"

# Points libpq at PGHOST with the password in PGPASSWORD_FILE, or at the socket as the superuser.
use_server() {
  if [ -n "${PGPASSWORD_FILE-}" ]; then
    PGPASSWORD="$(<"$PGPASSWORD_FILE")"
    # read_secret strips it too
    export PGPASSWORD="${PGPASSWORD%$'\r'}"
  fi
  export PGHOST="${PGHOST:-/var/run/postgresql}" PGUSER="${PGUSER:-${POSTGRES_USER:-postgres}}"
  export PGDATABASE=postgres PGCONNECT_TIMEOUT=10 PGAPPNAME="postgres-stack/${COMPONENT:-sql}" PGOPTIONS="$UNDISTURBED"
}

# Points libpq at this container's socket, whatever PG* variables say, except the port.
use_socket() {
  local name
  for name in $(compgen -e PG); do
    if [[ "$name" != @(PGPORT|PGDATA|PG_*) ]]; then unset "$name"; fi
  done
  use_server
}

# Runs psql without start-up file, prompts, alignment or headings; stops at the first error.
# Arguments: psql's. SQL comes on stdin or with -c.
sql() { psql -XAtq --no-password -v ON_ERROR_STOP=1 "$@"; }

# Continues as the user postgres when root; a script's first step.
# Arguments: the script's path and arguments.
run_as_postgres() {
  if ((EUID == 0)); then
    exec gosu postgres "$@"
  fi
}
