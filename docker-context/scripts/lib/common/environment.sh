# Reads the environment: secrets (as NAME or NAME_FILE) and defaults; reports every error at once.
# Sets REHEARSAL and PREFIX_VARIABLE; reads BACKUP_SCHEDULE and PG_UPGRADE.
# shellcheck shell=bash

readonly ROLE_VARIABLES=(POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB APP_USER APP_PASSWORD APP_DATABASE)
readonly STORE_SECRETS=(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AZURE_STORAGE_ACCESS_KEY
  AZURE_STORAGE_SAS_TOKEN WALG_LIBSODIUM_KEY WALG_PGP_KEY WALG_PGP_KEY_PASSPHRASE)
readonly PREFIXES=(WALG_S3_PREFIX WALG_GS_PREFIX WALG_AZ_PREFIX WALG_FILE_PREFIX)
# the same secrets for the store that a clone reads from: CLONE_AWS_ACCESS_KEY_ID and so on
readonly CLONE_SECRETS=("${STORE_SECRETS[@]/#/CLONE_}")

ENVIRONMENT_ERRORS=()

# Notes an error; report_environment prints them together.
# Arguments: message, beginning with the variable's name; never a secret's value.
refuse() { ENVIRONMENT_ERRORS+=("$1"); }

# Reads NAME or the file that NAME_FILE names into the shell variable NAME, which is not exported. Strips the file's trailing line
# end, also CRLF.
# Arguments: name.
read_secret() {
  local name="$1" file_variable="$1_FILE" value
  local path="${!file_variable-}"
  export -n "${name?}"
  if [ -n "$path" ]; then
    if [ -n "${!name-}" ]; then
      refuse "$name and $file_variable are both set: keep one of them"
    elif ! [ -r "$path" ]; then
      refuse "$file_variable: $path can't be read"
    elif ! [ -s "$path" ]; then
      refuse "$file_variable: $path is empty"
    elif IFS= read -r -d '' value <"$path"; then
      refuse "$file_variable: $path holds bytes of value 0, so it is no text in UTF-8: write it anew"
    else
      while [[ "$value" == *$'\n' ]]; do value="${value%$'\n'}"; done
      printf -v "$name" '%s' "${value%$'\r'}"
      [ -n "${!name}" ] || refuse "$file_variable: $path holds nothing but a line break"
    fi
  fi
  check_secret "$name"
}

# Refuses what its consumer would read as another value: psql, for one, drops a trailing carriage return.
# Arguments: name.
check_secret() {
  local value="${!1-}"
  [[ "$1" != *WALG_PGP_KEY ]] || return 0
  if [[ "$value" == *$'\n'* ]]; then
    refuse "$1: the value has a line break; one line is needed"
  elif [[ "$value" == *$'\r'* ]]; then
    refuse "$1: the value has a carriage return, as from a file made on Windows; give it without"
  elif [[ "$value" == $'\xef\xbb\xbf'* ]]; then
    refuse "$1: the value begins with a byte order mark, as from a file made on Windows; give it without"
  fi
}

# Arguments: name, least, greatest. Refuses a value that is not a whole number in this range.
check_number() {
  local value="${!1}"
  if ! [[ "$value" =~ ^[0-9]{1,10}$ ]] || ((10#$value < $2 || 10#$value > $3)); then
    refuse "$1: '$value' is no whole number from $2 to $3"
  fi
}

# Arguments: name of a variable that holds the name of a role or a database. Refuses what PostgreSQL would truncate or reserves.
check_identifier() {
  local value="${!1}" LC_ALL=C
  if ((${#value} > 63)); then
    refuse "$1: longer than PostgreSQL's 63 bytes"
  elif [[ "$value" == pg_* ]]; then
    refuse "$1: names that begin with pg_ are reserved by PostgreSQL"
  fi
}

# Arguments: name of a prefix variable. Refuses a value of another scheme, and one that stores interpret differently.
check_prefix() {
  local value="${!1}" pattern
  case "$1" in
    WALG_S3_PREFIX) pattern='^s3://[^/]+' ;;
    WALG_GS_PREFIX) pattern='^gs://[^/]+' ;;
    WALG_AZ_PREFIX) pattern='^azure://[^/]+' ;;
    WALG_FILE_PREFIX) pattern='^(file://)?/[^/]+' ;;
  esac
  if ! [[ "$value" =~ $pattern ]]; then
    refuse "$1: '$value' does not match $pattern"
  elif is_odd_prefix "$value"; then
    refuse "$1: '$value' has $ODD_PREFIX"
  fi
}

# Reads all variables of the contract and fills in defaults. Sets PREFIX_VARIABLE: the first prefix that is set, or empty.
read_environment() {
  local name
  read_key_folder ''
  read_key_folder CLONE_
  for name in "${ROLE_VARIABLES[@]}" "${STORE_SECRETS[@]}" "${CLONE_SECRETS[@]}"; do
    read_secret "$name"
  done
  : "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}" "${APP_DATABASE:=${APP_USER-}}"
  : "${BACKUP_SCHEDULE:=}" "${BACKUP_RETAIN:=7}" "${BACKUP_STALL_SECONDS:=300}"
  : "${ARCHIVE_TIMEOUT:=60}" "${ARCHIVE_DEADLINE:=120}" "${LOG_LEVEL:=info}"
  : "${VOLUME_OWNER:=}" "${PROBE_STALL_SECONDS:=1800}" "${RESTORE_STALL_SECONDS:=300}"
  export BACKUP_RETAIN BACKUP_STALL_SECONDS ARCHIVE_DEADLINE LOG_LEVEL
  # shellcheck disable=SC2034 # for upgrade/check.sh; rehearse turns it on
  REHEARSAL=false
  PREFIX_VARIABLE=
  for name in "${PREFIXES[@]}"; do
    [ -z "${!name-}" ] || PREFIX_VARIABLE="${PREFIX_VARIABLE:-$name}"
  done
}

# Checks the variables for roles and databases.
check_roles() {
  local name
  for name in POSTGRES_USER POSTGRES_DB; do
    check_identifier "$name"
  done
  if [ -z "${POSTGRES_PASSWORD-}" ] && ! [ -s "$PGDATA/PG_VERSION" ] && ! [ -e "$JOURNAL_FILE" ] && [ -z "${PG_UPGRADE-}" ]; then
    refuse "POSTGRES_PASSWORD: needed to initialise the database (or POSTGRES_PASSWORD_FILE)"
  fi
  if [ -n "${APP_USER-}" ]; then
    check_identifier APP_USER
    check_identifier APP_DATABASE
    [ -n "${APP_PASSWORD-}" ] || refuse "APP_PASSWORD: needed with APP_USER (or APP_PASSWORD_FILE)"
    [ "$APP_USER" != "$POSTGRES_USER" ] || refuse "APP_USER: is the superuser's name; the application needs a role of its own"
    [[ "$APP_DATABASE" != @(postgres|template0|template1) ]] || refuse "APP_DATABASE: $APP_DATABASE belongs to the server"
  elif [ -n "${APP_PASSWORD-}${APP_DATABASE-}" ]; then
    refuse "APP_USER: needed with APP_PASSWORD and APP_DATABASE"
  fi
}

# Checks the variables for archiving and base backups.
check_backup() {
  local name
  for name in "${PREFIXES[@]}"; do
    [ -z "${!name-}" ] || check_prefix "$name"
  done
  if [ -n "$PREFIX_VARIABLE" ] && [ -z "$BACKUP_SCHEDULE" ]; then
    refuse "BACKUP_SCHEDULE: needed with $PREFIX_VARIABLE: five cron fields such as '30 2 * * *', or external"
  elif [[ "$BACKUP_SCHEDULE" != @(|external) ]] && ! { is_cron_schedule "$BACKUP_SCHEDULE" && crontab_accepts "$BACKUP_SCHEDULE"; }; then
    refuse "BACKUP_SCHEDULE: '$BACKUP_SCHEDULE' is neither five cron fields such as '30 2 * * *' nor external"
  fi
  for name in $(compgen -e); do
    if [[ "$name" =~ ^(WALG|AWS|AZURE|GOOGLE)_ && "${!name}" == *$'\n'* && " ${PREFIXES[*]} " != *" $name "* ]]; then
      refuse "$name: the value has a line break; one line is needed"
    fi
  done
  check_number BACKUP_RETAIN 1 10000
  check_number BACKUP_STALL_SECONDS 1 86400
  check_number ARCHIVE_TIMEOUT 1 1073741823
  check_number ARCHIVE_DEADLINE 1 86400
}

# Checks what the scripts themselves rely on.
check_runtime() {
  local expected="$VOLUME/$PG_MAJOR/docker"
  [[ "$LOG_LEVEL" == @(debug|info|warn|error) ]] || refuse "LOG_LEVEL: '$LOG_LEVEL' is none of debug, info, warn, error"
  check_number PROBE_STALL_SECONDS 1 1000000
  check_number RESTORE_STALL_SECONDS 1 1000000
  [ "$PGDATA" = "$expected" ] || refuse "PGDATA: must stay $expected; mount the volume at $VOLUME"
  [[ "$VOLUME_OWNER" != *$'\n'* ]] || refuse "VOLUME_OWNER: the value has a line break; one line is needed"
  [ -z "${POSTGRES_HOST_AUTH_METHOD-}" ] || refuse "POSTGRES_HOST_AUTH_METHOD: has no effect; access is in /etc/postgresql/pg_hba.conf"
  [ -z "${POSTGRES_INITDB_WALDIR-}" ] || refuse "POSTGRES_INITDB_WALDIR: not supported; WAL stays on the volume"
}

# Prints every noted error. Exit: ends the process with 1 when there is any.
report_environment() {
  local message
  ((${#ENVIRONMENT_ERRORS[@]} > 0)) || return 0
  for message in "${ENVIRONMENT_ERRORS[@]}"; do
    error "$message"
  done
  die "the environment is refused, problems above: ${#ENVIRONMENT_ERRORS[@]}; nothing was touched: correct them and start again"
}
