# A server that nobody else reaches, on a socket in a separate folder, while data are checked or worked on. Its messages are in C,
# because programs read them.
# Sets SERVER_DATA and SERVER.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly PRIVATE="$RUN/private"
# what else a database may set for its sessions that breaks them, changes their output, or hides damage
readonly ALONE="$UNDISTURBED -c event_triggers=off -c role=none -c session_preload_libraries= -c local_preload_libraries=
  -c zero_damaged_pages=off -c ignore_checksum_failure=off -c session_replication_role=origin -c quote_all_identifiers=off
  -c standard_conforming_strings=on -c constraint_exclusion=off -c enable_tidscan=on -c max_parallel_workers_per_gather=0 -c jit=off
  -c lc_messages=C -c track_counts=off"
readonly AS_IT_IS="-c client_encoding=SQL_ASCII" # no conversion of names and messages, because not all of them have one

# Starts one in the background. Its settings are flags, so that nothing stays behind in the data; they come last, so that no flag
# of the container points it to other data. Sets SERVER, its pid, and SERVER_DATA.
# Arguments: data folder, log file, socket's folder, program (not a function, because it gets the signals) and its flags.
start_private() {
  rm -rf "$3" "$1/postmaster.pid"
  mkdir -m 0700 "$3"
  SERVER_DATA="$1"
  env LC_ALL=C "${@:4}" -D "$1" -c "data_directory=$1" -c listen_addresses= -c "unix_socket_directories=$3" -c port=5432 \
    -c lc_messages=C -c log_destination=stderr -c logging_collector=off 2> >(exec tee "$2" >&2) &
  SERVER=$!
}

# Waits until the server accepts connections. Polling by connecting would fill the log with refusals.
# Arguments: data folder, command to run between two polls. Exit: 1 when the server has ended.
wait_private() {
  local looks=0 pause=0.02 # most are up within a tenth of a second
  until is_ready "$1"; do
    if ! kill -0 "$SERVER" 2>/dev/null; then
      wait "$SERVER" 2>/dev/null || true
      return 1
    fi
    "${@:2}"
    # a long replay needs no polls every tenth of a second
    case "$((++looks))" in
      10) pause=0.1 ;;
      100) pause=0.5 ;;
    esac
    interruptible sleep "$pause"
  done
}

# Exit: 0 when the server of a data folder says that it accepts connections. Arguments: data folder.
is_ready() {
  local lines=()
  { mapfile -t -n 8 lines <"$1/postmaster.pid"; } 2>/dev/null && [[ "${lines[7]-}" == ready* ]]
}

# Stops the server with a checkpoint. Exit: 1 when it did not stop cleanly; PROBLEM says so.
stop_private() {
  local status=0
  kill -INT "$SERVER" 2>/dev/null || true
  wait "$SERVER" || status=$?
  SERVER=''
  if ((status != 0)); then
    PROBLEM="the private server did not stop cleanly (above)"
    return 1
  fi
}

# Ends the server at once; its data then need recovery.
abandon_private() {
  kill -QUIT "$SERVER" 2>/dev/null || true
  wait "$SERVER" || true
  SERVER=''
}

# Runs SQL in a server, as the superuser, in a session that no setting of a role or database affects. Drops a connection's warning
# about a collation version mismatch, which is checked separately. Passes the database by environment: as an argument, a name with
# `=` would count as a connection string.
# Arguments: socket's folder or host, database, psql's. Exit: psql's.
private_sql() {
  { # only a pipe waits for everything that psql prints
    PGDATABASE="$2" PGOPTIONS="$ALONE $AS_IT_IS" LC_ALL=C psql -h "$1" -p 5432 -U "$POSTGRES_USER" -XAtq -v ON_ERROR_STOP=1 "${@:3}" 2>&1 >&3 3>&- |
      sed -u '/^WARNING:  database .* has a collation version mismatch$/,/^HINT:/d' >&2 3>&-
  } 3>&1
}

# Runs vacuumdb on all databases of the private server. Arguments: vacuumdb's.
private_vacuumdb() { PGOPTIONS="$ALONE $AS_IT_IS" vacuumdb -h "$PRIVATE" -p 5432 -U "$POSTGRES_USER" -j "$(nproc)" --all "$@"; }
