# WAL-G: where it stores, its credentials, and runs with a deadline.
# shellcheck shell=bash

readonly RUN=/run/postgres-stack
# another file for a restore from another archive
readonly WALG_ENV="${WALG_ENV:-$RUN/walg.env}"
readonly CLONE_ENV="$RUN/clone.env"

# Prints a prefix as WAL-G wants it: no file:// scheme, no trailing slash, the major version appended.
# Arguments: prefix.
versioned_prefix() {
  local prefix="${1#file://}"
  while [[ "$prefix" == */ ]]; do
    prefix="${prefix%/}"
  done
  printf '%s/%s' "$prefix" "$PG_MAJOR"
}

# Says which prefix is used when several are set.
warn_of_several_prefixes() {
  local name others=()
  for name in "${PREFIXES[@]}"; do
    if [ -n "${!name-}" ] && [ "$name" != "$PREFIX_VARIABLE" ]; then
      others+=("$name")
    fi
  done
  if ((${#others[@]} > 0)); then
    warn "several prefixes are set: $PREFIX_VARIABLE is used, ${others[*]} ignored"
  fi
}

# Prints `export NAME=VALUE` in a form that the shell reads back unchanged.
# Arguments: name, value.
export_line() { printf 'export %s=%s\n' "$1" "${2@Q}"; }

# Prints the variable for a prefix's scheme; nothing when it has none that WAL-G knows.
# Arguments: prefix.
prefix_variable_of() {
  case "$1" in
    s3://?*) echo WALG_S3_PREFIX ;;
    gs://?*) echo WALG_GS_PREFIX ;;
    azure://?*) echo WALG_AZ_PREFIX ;;
    file:///?* | /?*) echo WALG_FILE_PREFIX ;;
  esac
}

# Prints what archive-wal, fetch-wal and backup.sh run with.
# Arguments: variable of the prefix, prefix with its major.
walg_environment() {
  local name
  printf 'unset %s\n' "${PREFIXES[*]}"
  export_line "$1" "$2"
  export_line WALG_PREVENT_WAL_OVERWRITE true
  for name in PATH PGDATA PG_MAJOR POSTGRES_USER BACKUP_RETAIN ARCHIVE_DEADLINE LOG_LEVEL; do
    export_line "$name" "${!name}"
  done
  store_environment ''
}

# Prints the settings and secrets of a store. A secret given as a file is read again at each use, so that a rotated one
# counts without a restart; an empty one is an error, as WAL-G would store in plain with it.
# Arguments: what the variables' names begin with (nothing, or CLONE_); what is printed has the names without it.
store_environment() {
  local of="$1" name value file_variable
  for name in $(compgen -e); do
    # the last match that is tried sets BASH_REMATCH
    if [[ ! "$name" =~ WALG_(S3|GS|AZ|FILE)_PREFIX$ && "$name" =~ ^$of((WALG|AWS|AZURE|GOOGLE)_.*)$ ]]; then
      export_line "${BASH_REMATCH[1]}" "${!name}"
    fi
  done
  for name in "${STORE_SECRETS[@]}"; do
    value="$of$name" file_variable="$of${name}_FILE"
    if [ -n "${!file_variable-}" ]; then
      # shellcheck disable=SC2016 # expanded when the file is read
      printf 'unset %s\n%s="$(<%s)" && [ -n "$%s" ] || return 1\nexport %s\n' "${name}_FILE" "$name" "${!file_variable@Q}" "$name" "$name"
    elif [ -n "${!value-}" ]; then
      export_line "$name" "${!value}"
    fi
  done
}

# Prints what a clone reads its source with: this server's store and its credentials, as far as CLONE_* does not say otherwise.
# A key to decrypt is never taken over: another database has its own.
clone_environment() {
  local prefix="${CLONE_FROM%/}"
  walg_environment "$(prefix_variable_of "$prefix")" "${prefix#file://}"
  printf 'unset %s\n' "WALG_LIBSODIUM_KEY WALG_PGP_KEY WALG_PGP_KEY_PASSPHRASE"
  store_environment CLONE_
}

# Writes walg.env, or removes it when no prefix is set, and clone.env likewise. A folder of a file:// prefix is created.
write_walg_env() {
  local prefix
  rm -f "$WALG_ENV" "$CLONE_ENV"
  if [ -n "$PREFIX_VARIABLE" ]; then
    prefix="$(versioned_prefix "${!PREFIX_VARIABLE}")"
    if [ "$PREFIX_VARIABLE" = WALG_FILE_PREFIX ]; then
      mkdir -p "$prefix" || die "WALG_FILE_PREFIX: $prefix can't be created; nothing was touched: make it writable for uid $(id -u)"
    fi
    walg_environment "$PREFIX_VARIABLE" "$prefix" | write_secret_file "$WALG_ENV"
  fi
  if [ -n "$(prefix_variable_of "${CLONE_FROM-}")" ]; then
    clone_environment | write_secret_file "$CLONE_ENV"
  fi
}

# Writes a file (0600) that postgres can read, from stdin.
# Arguments: path.
write_secret_file() {
  (umask 077 && cat >"$1.new")
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$1.new"
  fi
  mv -f "$1.new" "$1"
}

# Loads walg.env. Exit: non-zero when it is missing or a secret's file can't be read.
load_walg_env() {
  # shellcheck disable=SC1090 # written by the entrypoint
  . "$WALG_ENV"
}

# Replaces the values of secrets in a text: errors of object stores can quote a URL with a token.
# Arguments: text. Prints the text.
redact() {
  local text="$1" name
  for name in "${STORE_SECRETS[@]}" PGPASSWORD; do
    [ -z "${!name-}" ] || text="${text//"${!name}"/***}"
  done
  printf '%s' "$text"
}

# Runs wal-g; its output goes to WALG_OUTPUT, its last error to WALG_ERROR (one line, without secrets).
# Arguments: deadline in seconds, wal-g's arguments. Exit: wal-g's, or 124 and 137 when the deadline passed.
walg_within() {
  local deadline="$1" status=0
  shift
  WALG_OUTPUT="$(timeout --foreground -k 5 "$deadline" wal-g "$@" 2>&1)" || status=$?
  read_walg_error "$status"
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    WALG_ERROR="no answer within $deadline s"
  fi
  return "$status"
}

# Sets WALG_ERROR from WALG_OUTPUT, and takes secrets out of both. Arguments: wal-g's exit code.
read_walg_error() {
  WALG_OUTPUT="$(redact "$WALG_OUTPUT")"
  WALG_ERROR="$(sed -n 's/^ERROR: [0-9/]* [0-9:.]* //p; /^panic: /p' <<<"$WALG_OUTPUT" | tail -n 1)"
  WALG_ERROR="wal-g exit $1: ${WALG_ERROR:-$(tail -n 1 <<<"$WALG_OUTPUT")}"
}

# Logs wal-g's lines as our own.
relay() {
  local line
  while IFS= read -r line; do
    line="$(redact "$line")"
    case "$line" in
      ERROR:*) error "wal-g: ${line#ERROR: * * }" ;;
      WARNING:*) warn "wal-g: ${line#WARNING: * * }" ;;
      INFO:*) info "wal-g: ${line#INFO: * * }" ;;
      *) info "wal-g: $line" ;;
    esac
  done
}

# Runs wal-g as a direct child that dies with this script, and waits for its last line.
# Arguments: wal-g's. Exit: wal-g's.
walg() { setpriv --pdeathsig KILL wal-g "$@" 2>&1 | relay; }
