# Roles and their passwords equal the environment after every boot, also on an old or restored volume.
# shellcheck shell=bash

readonly ROLES_IN_STEP="$RUN/roles-in-step"

# Starts the work as a process that PID 1 adopts: a child of the postmaster that ends badly would make it restart the
# server. It waits as long as the server needs, hours of recovery included.
start_role_sync() {
  local server=$$
  (
    exec {LOCK}>&-
    sync_roles "$server" </dev/null &
  )
}

# Retries with growing pauses until the roles are in step or the server has ended. Errors are logged, never fatal: the
# server works, only readiness waits.
# Arguments: pid of the server.
sync_roles() {
  local server="$1" pause=1 problem
  # shellcheck disable=SC2034 # for log.sh
  COMPONENT=roles
  use_socket
  until wait_for_primary "$server" && problem="$(apply_roles 2>&1)"; do
    kill -0 "$server" 2>/dev/null || return 0
    error "passwords are not yet those of the environment, trying again in $pause s: $problem"
    sleep "$pause"
    pause=$((pause < 30 ? pause * 2 : 60))
  done
  touch "$ROLES_IN_STEP"
  info "roles and passwords are in step with the environment"
  read_identity
  if [ "$IDENTITY" != owner ]; then settle_identity "$STORE_SECONDS"; fi
  finish_restore || error "the restore is not recorded as done (above): the next start tries again"
  finish_upgrade || error "the upgrade is not recorded as done (above): the next start tries again"
  finish_undo_upgrade || error "the undoing of the upgrade is not recorded (above): the next start tries again"
  stash_binaries || true
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

# Creates what is missing, then sets the passwords.
apply_roles() {
  sql -c 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements' || return
  if [ -n "${APP_USER-}" ]; then
    apply_application_role || return
    set_password "$APP_USER" "$APP_PASSWORD" || return
  fi
  if [ -n "${POSTGRES_PASSWORD-}" ]; then
    set_password "$POSTGRES_USER" "$POSTGRES_PASSWORD" || return
  fi
}

# Makes APP_USER a role that may log in and the owner of APP_DATABASE.
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

# Sets a password through \password: psql computes the SCRAM verifier itself, so the server never sees the plain text.
# A session without a terminal makes psql read it from stdin.
# Arguments: role, password. Prints psql's errors.
set_password() {
  local role="${1//\"/\"\"}" output
  output="$(printf '%s\n%s\n' "$2" "$2" | PGOPTIONS="$UNLOGGED" setsid --wait \
    psql -Xq --no-password -v ON_ERROR_STOP=1 -c "\\password \"$role\"" 2>&1)" || {
    echo "password of role $1: $output"
    return 1
  }
}
