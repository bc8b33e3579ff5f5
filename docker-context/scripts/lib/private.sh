# A server that nobody else reaches: on a socket in a folder of its own, for the time that data are looked at or worked on.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly PRIVATE="$RUN/private"

# Starts one in the background. Its settings are flags, so that nothing stays behind in the data. Sets SERVER, its pid.
# Arguments: data folder, file for its log, socket's folder, program (no function: the signals are for it) and its flags.
start_private() {
  rm -rf "$3" "$1/postmaster.pid"
  mkdir -m 0700 "$3"
  "${@:4}" -D "$1" -c listen_addresses= -c "unix_socket_directories=$3" -c port=5432 2> >(exec tee "$2" >&2) &
  SERVER=$!
}

# Waits until the server accepts connections. Asking by connecting would fill the log with refusals.
# Arguments: data folder, command to run between two looks. Exit: 1 when the server has ended.
wait_private() {
  local looks=0 pause=0.02 # most are up within a tenth of a second
  until [[ "$(sed -n 8p "$1/postmaster.pid" 2>/dev/null)" == ready* ]]; do
    if ! kill -0 "$SERVER" 2>/dev/null; then
      wait "$SERVER" || true
      return 1
    fi
    "${@:2}"
    if ((++looks == 10)); then pause=0.1; fi
    interruptible sleep "$pause"
  done
}

# Stops the server with a checkpoint. Exit: 1 when it did not end well; PROBLEM says so.
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

# Ends the server at once; its data need recovery then.
abandon_private() {
  kill -QUIT "$SERVER" 2>/dev/null || true
  wait "$SERVER" || true
  SERVER=''
}

# SQL in a server, as the superuser, in a session that no setting of a role or of a database disturbs. What a connection says of
# another collation version is left out: that is looked at for itself.
# Arguments: socket's folder or host, database, psql's. Exit: psql's.
private_sql() {
  { # a pipe, as nothing else waits until all that psql said is there
    PGOPTIONS="$UNDISTURBED" psql -h "$1" -p 5432 -U "$POSTGRES_USER" -d "$2" -XAtq -v ON_ERROR_STOP=1 "${@:3}" 2>&1 >&3 3>&- |
      sed -u '/^WARNING:  database .* has a collation version mismatch$/,/^HINT:/d' >&2 3>&-
  } 3>&1
}

# Prints the databases that can be worked in, one a line; template0 is nobody's. Arguments: socket's folder or host.
private_databases() {
  private_sql "$1" postgres -c "SELECT datname FROM pg_database
    WHERE datallowconn AND datconnlimit <> -2 AND datname <> 'template0' ORDER BY datname"
}

# Runs vacuumdb on all databases of the private server. Arguments: vacuumdb's.
private_vacuumdb() { PGOPTIONS="$UNDISTURBED" vacuumdb -h "$PRIVATE" -p 5432 -U "$POSTGRES_USER" -j "$(nproc)" --all "$@"; }

# Reads the first and the last block of every table and materialized view, which PostgreSQL checks against their checksums.
# Arguments: socket's folder. Exit: 1 when one can't be read; PROBLEM says which.
read_all_tables() {
  local database databases answer
  databases="$(private_databases "$1")" || {
    PROBLEM="the databases can't be listed (above)"
    return 1
  }
  while IFS= read -r database; do
    answer="$(
      private_sql "$1" "$database" 2>&1 <<'SQL'
DO $$
DECLARE relation record;
BEGIN
  FOR relation IN
    SELECT oid::regclass AS name, pg_relation_size(oid) / current_setting('block_size')::int - 1 AS last_block
    FROM pg_class WHERE relkind IN ('r', 'm', 't') AND relpersistence = 'p'
  LOOP
    EXECUTE format('SELECT count(*) FROM %s WHERE ctid < ''(1,0)''', relation.name);
    EXECUTE format('SELECT count(*) FROM %s WHERE ctid >= ''(%s,0)''', relation.name, greatest(relation.last_block, 0));
    COMMIT;
  END LOOP;
END $$
SQL
    )" || {
      PROBLEM="database $database can't be read: $answer"
      return 1
    }
  done <<<"$databases"
}
