# Brings roles and their passwords in step with the environment at every boot, also on an old or restored volume.
# Reads PREFIX_VARIABLE and IDENTITY.
# shellcheck shell=bash disable=SC2153 # STATUS is attempt's

readonly ROLES_IN_STEP="$RUN/roles-in-step"
readonly ROLES_PROBLEM="$RUN/roles-problem"

# Starts the work as a process that PID 1 adopts: if a child of the postmaster failed, the server would restart. It waits as long
# as the server needs, including hours of recovery.
start_role_sync() {
  local server=$$
  (
    exec {LOCK}>&-
    sync_roles "$server" </dev/null &
  )
}

# Retries with growing pauses until the roles are in step or the server has ended. Errors are logged, never fatal: the server
# works, only readiness waits.
# Arguments: pid of the server.
sync_roles() {
  local server="$1" pause=1
  # shellcheck disable=SC2034 # for log.sh
  COMPONENT=roles
  use_socket
  attempt bring_in_step "$server"
  while ((STATUS != 0)); do
    kill -0 "$server" 2>/dev/null || return 0
    error "passwords are not yet those of the environment, trying again in $pause s: $(<"$ROLES_PROBLEM")"
    sleep "$pause"
    pause=$((pause < 30 ? pause * 2 : 60))
    attempt bring_in_step "$server"
  done
  forbid_tablespaces "$PGDATA"
  : >"$ROLES_IN_STEP"
  info "roles and passwords are in step with the environment"
  follow_up
}

# Runs what needs a server that accepts connections; a failure does not stop the rest.
follow_up() {
  attempt add_statistics
  ((STATUS == 0)) || warn "the extension pg_stat_statements is not there and can't be created (above): statements are not counted"
  warn_of_overrides
  read_identity
  if [ "$IDENTITY" != owner ]; then settle_identity "$STORE_SECONDS"; fi
  attempt finish_restore
  ((STATUS == 0)) || error "the restore is not finished: $PROBLEM; the next start tries again"
  attempt finish_upgrade
  ((STATUS == 0)) || error "the upgrade is not finished: $PROBLEM; the next start tries again"
  attempt finish_undo_upgrade
  ((STATUS == 0)) || error "the undoing of the upgrade is not finished: $PROBLEM; the next start tries again"
  attempt stash_binaries
}

# Waits for the server, creates what is missing, then sets the passwords. Errors go to ROLES_PROBLEM.
# Arguments: pid of the server.
bring_in_step() {
  exec 2>"$ROLES_PROBLEM"
  wait_for_primary "$1"
  if [ -n "${APP_USER-}" ]; then
    apply_application_role
    set_password "$APP_USER" "$APP_PASSWORD"
  fi
  if [ -n "${POSTGRES_PASSWORD-}" ]; then
    set_password "$POSTGRES_USER" "$POSTGRES_PASSWORD"
  fi
}

# Waits until the server accepts connections and is out of recovery.
# Arguments: pid of the server. Exit: 1 when it has ended.
wait_for_primary() {
  local pause=0.1
  until pg_isready -q && [ "$(sql -c 'SELECT pg_is_in_recovery()' 2>/dev/null)" != t ]; do
    kill -0 "$1" 2>/dev/null || return 1
    sleep "$pause"
    pause=1
  done
}

# Creates the extension that counts statements, in its default schema.
add_statistics() {
  sql <<'SQL'
SELECT 'CREATE EXTENSION pg_stat_statements SCHEMA public'
  WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') \gexec
SQL
}

# Warns of the archive's settings in other places: the flags override them.
warn_of_overrides() {
  local found
  [ -n "$PREFIX_VARIABLE" ] || return 0
  found="$(
    sql -v own="$RUN/generated.conf" <<'SQL'
SELECT string_agg(DISTINCT name || ' in ' || sourcefile, ', ') FROM pg_file_settings WHERE sourcefile <> :'own'
  AND name IN ('archive_mode', 'archive_command', 'archive_library', 'archive_timeout', 'restore_command')
SQL
  )" || return 0
  if [ -n "$found" ]; then
    warn "the archive's settings can't be changed while a prefix is set, so these have no effect: $found"
  fi
}

# Makes APP_USER a role that may log in, and the owner of APP_DATABASE.
apply_application_role() {
  sql -v role="$APP_USER" -v database="$APP_DATABASE" <<'SQL'
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I LOGIN', rolname) FROM pg_roles WHERE rolname = :'role' AND NOT rolcanlogin \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', datname, :'role') FROM pg_database
  WHERE datname = :'database' AND pg_get_userbyid(datdba) <> :'role' \gexec
SQL
}

# Sets a password through \password: psql computes the SCRAM verifier, so the server never sees the plain text.
# Without a terminal, psql reads it from stdin.
# Arguments: role, password.
set_password() {
  local status=0
  printf '%s\n%s\n' "$2" "$2" | PGOPTIONS="$UNDISTURBED $UNLOGGED" setsid --wait \
    psql -Xq --no-password -v ON_ERROR_STOP=1 -v "role=$1" -c '\password :"role"' >/dev/null || status=$?
  if ((status != 0)); then
    echo "(the password of role $1)" >&2
    return "$status"
  fi
}
