# WAL-G: its store and credentials, and runs that end when nothing moves. wal-g has no deadline: a store that accepts a connection
# and never answers blocks it for ever.
# Sets POSITION, WALG_OUTPUT and WALG_ERROR; reads PREFIX_VARIABLE, WAL_SEGMENT_BYTES and BYTES.
# shellcheck shell=bash

# a restore from another archive uses another file
readonly WALG_ENV="${WALG_ENV:-$RUN/walg.env}"
readonly CLONE_ENV="$RUN/clone.env"
readonly STALLS=30 # a run whose caller waits takes at most this many times the limit without movement
# shellcheck disable=SC2034 # for common/environment.sh and request/request.sh
readonly ODD_PREFIX="'.', '..', '?', '#' or a control character in it, which stores read differently"
# what wal-g and its SDKs read of the environment besides WALG_*, AWS_*, AZURE_* and GOOGLE_*: cron keeps none of it
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

# Warns which prefix is used when several are set.
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

# Prints the variable for a prefix's scheme; nothing when WAL-G does not know the scheme.
# Arguments: prefix.
prefix_variable_of() {
  case "$1" in
    s3://?*) echo WALG_S3_PREFIX ;;
    gs://?*) echo WALG_GS_PREFIX ;;
    azure://?*) echo WALG_AZ_PREFIX ;;
    file:///?* | /?*) echo WALG_FILE_PREFIX ;;
  esac
}

# Exit: 0 when a prefix contains something that stores interpret differently, as part of a key or not: `.`, `..` (also as %2e,
# which WAL-G decodes), `?`, `#` or a control character. An empty folder has always been accepted. Arguments: prefix.
is_odd_prefix() {
  local LC_ALL=C path="${1#*://}"
  path="${path//%2[eE]/.}"
  [[ "$path" == *[[:cntrl:]?\#]* || "/$path/" =~ /\.{1,2}/ ]]
}

# Prints the environment of archive-wal, fetch-wal and backup.sh.
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

# Prints a store's settings and secrets. A secret in a file is read at each use, so that a rotated one takes effect without a
# restart; an empty one is an error, because WAL-G would store in plain text. Line ends are stripped as in read_secret.
# Arguments: prefix of the variables' names (nothing, or CLONE_); the output omits it.
store_environment() {
  local of="$1" name value file_variable taken
  for name in $(compgen -e); do
    # BASH_REMATCH comes from the last match, so the order matters
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

# Prints the environment with which a clone reads its source: this server's store and credentials, unless CLONE_* overrides them.
# It never inherits a decryption key: another database has its own.
clone_environment() {
  local prefix="${CLONE_FROM%/}"
  walg_environment "$(prefix_variable_of "$prefix")" "${prefix#file://}"
  printf 'unset %s\n' "WALG_LIBSODIUM_KEY WALG_PGP_KEY WALG_PGP_KEY_PASSPHRASE"
  store_environment CLONE_
}

# Writes walg.env, or removes it when no prefix is set, and likewise clone.env. Creates the folder of a file:// prefix.
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
  # the data's segment size, where the calling server passes it; else the environment's
  if [ -n "${WAL_SEGMENT_BYTES-}" ]; then export WALG_PG_WAL_SIZE=$((WAL_SEGMENT_BYTES / 1048576)); fi
}

# Masks secrets in a text: an object store's errors can quote a URL with a token.
# Arguments: name of the variable with the text.
redact() {
  local -n redacted="$1"
  local secret
  for secret in "${STORE_SECRETS[@]}" PGPASSWORD; do
    [ -z "${!secret-}" ] || redacted="${redacted//"${!secret}"/***}"
  done
}

# Runs wal-g as a child that dies with this script, and kills it when nothing moves for too long. Its output passes through.
# Arguments: seconds without movement, seconds in total, wal-g's. Exit: wal-g's, or STOOD_STILL.
run_walg() {
  local WAITED=0
  setpriv --pdeathsig KILL wal-g "${@:3}" &
  wait_while_moving $! "$1" "$2" look_at_walg $!
}

# Sets POSITION: what wal-g has moved. Waiting for the server counts too, as for the checkpoint that begins a base backup: the
# store is not to blame. Keeps run_walg's WAITED across calls. Arguments: pid.
look_at_walg() {
  bytes_moved "$1"
  if ((STILL > 0)) && [ -n "${PGAPPNAME-}" ] && server_is_busy; then WAITED=$((WAITED + LEAST_MOVEMENT)); fi
  # shellcheck disable=SC2034 # for watch_movement
  POSITION=$((BYTES + WAITED))
}

# Exit: 0 when another session with this one's name is waiting for the server.
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
# Arguments: seconds without movement, wal-g's arguments. Exit: wal-g's, or STOOD_STILL when it was killed.
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

# Sets WALG_ERROR from WALG_OUTPUT, and masks secrets in both. Arguments: wal-g's exit code.
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

# Logs wal-g's lines in our own format.
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

# Runs wal-g as long as something moves, and logs its lines. wal-g is a direct child, not part of a pipeline, so it dies with us.
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
