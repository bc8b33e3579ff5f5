# WAL-G: where it stores, its credentials, and runs that end when nothing moves. It has no deadline of its own: a store that
# accepts and never answers holds it for ever.
# Sets POSITION, WALG_OUTPUT and WALG_ERROR; reads PREFIX_VARIABLE, WAL_SEGMENT_BYTES and BYTES.
# shellcheck shell=bash

# another file for a restore from another archive
readonly WALG_ENV="${WALG_ENV:-$RUN/walg.env}"
readonly CLONE_ENV="$RUN/clone.env"
readonly STALLS=30 # times that without movement, a run whose caller waits may take in all
# shellcheck disable=SC2034 # for common/environment.sh and request/request.sh
readonly ODD_PREFIX="'.', '..', '?', '#' or a control character in it, which stores read differently"
# what wal-g and its SDKs read of an environment beside WALG_*, AWS_*, AZURE_* and GOOGLE_*: cron keeps none of it
STORE_VARIABLES='HTTPS?_PROXY|https?_proxy|NO_PROXY|no_proxy|SSL_CERT_(FILE|DIR)|(S3|GCS|GCE|YC|IDENTITY|MSI)_.*'
STORE_VARIABLES+='|STORAGE_EMULATOR_HOST|GPG_KEY_ID|GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|TOTAL_BG_UPLOADED_LIMIT'
readonly STORE_VARIABLES
# shellcheck disable=SC2016 # expanded when the file is read
readonly TAKE_SECRET='unset NAME_FILE
NAME="$(<PATH)" && NAME="${NAME//$'"'\\r'"'/}" && [ -n "$NAME" ] || return 1
export NAME'

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

# Exit: 0 when a prefix has what one store takes for part of a key and the next for something else: `.`, `..` (also as %2e, which
# WAL-G decodes), `?`, `#` or a control character. An empty folder has always been taken. Arguments: prefix.
is_odd_prefix() {
  local LC_ALL=C path="${1#*://}"
  path="${path//%2[eE]/.}"
  [[ "$path" == *[[:cntrl:]?\#]* || "/$path/" =~ /\.{1,2}/ ]]
}

# Prints what archive-wal, fetch-wal and backup.sh run with.
# Arguments: variable of the prefix, prefix with its major.
walg_environment() {
  local name
  printf 'unset %s\n' "${PREFIXES[*]}"
  export_line "$1" "$2"
  export_line WALG_PREVENT_WAL_OVERWRITE true
  for name in PATH PGDATA PG_MAJOR POSTGRES_USER BACKUP_RETAIN ARCHIVE_DEADLINE BACKUP_STALL_SECONDS LOG_LEVEL; do
    export_line "$name" "${!name}"
  done
  for name in $(compgen -e); do
    if [[ "$name" =~ ^($STORE_VARIABLES)$ ]]; then export_line "$name" "${!name}"; fi
  done
  store_environment ''
}

# Prints the settings and secrets of a store. A secret given as a file is read again at each use, so that a rotated one
# counts without a restart; an empty one is an error, as WAL-G would store in plain with it. Line ends are those of read_secret.
# Arguments: what the variables' names begin with (nothing, or CLONE_); what is printed has the names without it.
store_environment() {
  local of="$1" name value file_variable taken
  for name in $(compgen -e); do
    # the last match that is tried sets BASH_REMATCH
    if [[ ! "$name" =~ WALG_(S3|GS|AZ|FILE)_PREFIX$ && "$name" =~ ^$of((WALG|AWS|AZURE|GOOGLE)_.*)$ ]]; then
      export_line "${BASH_REMATCH[1]}" "${!name}"
    fi
  done
  for name in "${STORE_SECRETS[@]}"; do
    value="$of$name" file_variable="$of${name}_FILE"
    if [ -n "${!file_variable-}" ]; then
      taken="${TAKE_SECRET//NAME/$name}"
      printf '%s\n' "${taken/PATH/"${!file_variable@Q}"}"
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
      [ -d "$prefix" ] || mkdir -p "$prefix" || die "WALG_FILE_PREFIX: $prefix can't be created; nothing was touched: make it writable for uid $EUID"
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
  if ((EUID == 0)); then
    chown postgres "$1.new"
  fi
  mv -f "$1.new" "$1"
}

# Loads walg.env. Exit: non-zero when it is missing or a secret's file can't be read.
load_walg_env() {
  # shellcheck disable=SC1090 # written by the entrypoint
  . "$WALG_ENV" || return
  # as the data say, whose server this one is called by; else what the environment says
  if [ -n "${WAL_SEGMENT_BYTES-}" ]; then export WALG_PG_WAL_SIZE=$((WAL_SEGMENT_BYTES / 1048576)); fi
}

# Replaces the values of secrets in a text: errors of object stores can quote a URL with a token.
# Arguments: name of the variable with the text.
redact() {
  local -n redacted="$1"
  local secret
  for secret in "${STORE_SECRETS[@]}" PGPASSWORD; do
    [ -z "${!secret-}" ] || redacted="${redacted//"${!secret}"/***}"
  done
}

# Runs wal-g as a child that dies with this script, and ends it when nothing has moved for too long. It prints as it likes.
# Arguments: seconds without movement, seconds in all, wal-g's. Exit: wal-g's, or STOOD_STILL.
run_walg() {
  local WAITED=0
  setpriv --pdeathsig KILL wal-g "${@:3}" &
  wait_while_moving $! "$1" "$2" look_at_walg $!
}

# Sets POSITION: what wal-g has moved. That it waits for the server, as for the checkpoint a base backup begins with, counts too:
# the store is not to blame. Keeps WAITED, of run_walg, from one call to the next. Arguments: pid.
look_at_walg() {
  bytes_moved "$1"
  if ((STILL > 0)) && [ -n "${PGAPPNAME-}" ] && server_is_busy; then WAITED=$((WAITED + LEAST_MOVEMENT)); fi
  # shellcheck disable=SC2034 # for watch_movement
  POSITION=$((BYTES + WAITED))
}

# Exit: 0 when another session with this one's name waits for the server.
server_is_busy() {
  local sessions
  {
    sessions="$(
      timeout -k 1 5 psql -XAtq --no-password -c "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = current_setting('application_name') AND state = 'active' AND pid <> pg_backend_pid()"
    )" || return 1
  } 2>/dev/null
  ((sessions > 0))
}

# Runs wal-g; its output goes to WALG_OUTPUT, its last error to WALG_ERROR (one line, without secrets).
# Arguments: seconds without movement, wal-g's arguments. Exit: wal-g's, or STOOD_STILL when it was ended.
walg_within() {
  local bound=$(($1 * STALLS)) began="$SECONDS" status=0
  WALG_OUTPUT="$(run_walg "$1" "$bound" "${@:2}" 2>&1)" || status=$?
  read_walg_error "$status"
  if ((status == STOOD_STILL)); then
    WALG_ERROR="no answer within $1 s"
    ((SECONDS - began < bound)) || WALG_ERROR="it was not done within $bound s"
  fi
  return "$status"
}

# Sets WALG_ERROR from WALG_OUTPUT, and takes secrets out of both. Arguments: wal-g's exit code.
read_walg_error() {
  local line
  redact WALG_OUTPUT
  WALG_ERROR=''
  while IFS= read -r line; do
    if [[ "$line" =~ ^ERROR:\ [0-9/]*\ [0-9:.]*\ (.*) ]]; then
      WALG_ERROR="${BASH_REMATCH[1]}"
    elif [[ "$line" == "panic: "* ]]; then
      WALG_ERROR="$line"
    fi
  done <<<"$WALG_OUTPUT"
  WALG_ERROR="wal-g exit $1: ${WALG_ERROR:-${WALG_OUTPUT##*$'\n'}}"
}

# Logs wal-g's lines as our own.
relay() {
  local line
  while IFS= read -r line; do
    redact line
    case "$line" in
      ERROR:*) error "wal-g: ${line#ERROR: * * }" ;;
      WARNING:*) warn "wal-g: ${line#WARNING: * * }" ;;
      INFO:*) info "wal-g: ${line#INFO: * * }" ;;
      *) info "wal-g: $line" ;;
    esac
  done
}

# Runs wal-g for as long as something moves, and logs its lines. It is this process's own child, no pipeline's, so that it ends with it.
# Arguments: wal-g's. Exit: wal-g's, or STOOD_STILL.
walg() {
  local status=0 lines relaying
  exec {lines}> >(relay)
  relaying=$!
  run_walg "$BACKUP_STALL_SECONDS" "$NO_BOUND" "$@" >&"$lines" 2>&1 || status=$?
  exec {lines}>&-
  wait "$relaying" || true
  if ((status == STOOD_STILL)); then
    error "wal-g $1: nothing has moved for $BACKUP_STALL_SECONDS s, so it was ended: the store does not answer"
  fi
  return "$status"
}
