#!/bin/bash
# The container's entrypoint: `postgres` or flags boot the database; `backup.sh`, `restore.sh`, `upgrade.sh` and
# `check-archive.sh` work from outside the server's container; anything else runs as it is.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/attempt.sh"
. "$LIB/common/record.sh"
. "$LIB/common/watch.sh"
. "$LIB/common/schedule.sh"
. "$LIB/common/environment.sh"
. "$LIB/common/psql.sh"
. "$LIB/common/progress.sh"
. "$LIB/archive/walg.sh"
. "$LIB/archive/objects.sh"
. "$LIB/archive/identity.sh"
. "$LIB/archive/claim.sh"
. "$LIB/archive/marks.sh"
. "$LIB/archive/encryption.sh"
. "$LIB/archive/contents.sh"
. "$LIB/archive/empty.sh"
. "$LIB/server/control.sh"
. "$LIB/server/tablespaces.sh"
. "$LIB/server/data-settings.sh"
. "$LIB/server/volume.sh"
. "$LIB/server/private.sh"
. "$LIB/server/databases.sh"
. "$LIB/server/tables.sh"
. "$LIB/server/full.sh"
. "$LIB/server/roles.sh"
. "$LIB/server/cron.sh"
. "$LIB/request/request.sh"
. "$LIB/request/journal.sh"
. "$LIB/request/verdict.sh"
. "$LIB/restore/preflight.sh"
. "$LIB/restore/look.sh"
. "$LIB/restore/reading.sh"
. "$LIB/restore/fetch.sh"
. "$LIB/restore/recovery.sh"
. "$LIB/restore/steps.sh"
. "$LIB/restore/branch.sh"
. "$LIB/restore/swap.sh"
. "$LIB/upgrade/request.sh"
. "$LIB/upgrade/stash.sh"
. "$LIB/upgrade/check.sh"
. "$LIB/upgrade/work.sh"
. "$LIB/upgrade/new-cluster.sh"
. "$LIB/upgrade/steps.sh"
. "$LIB/upgrade/undo.sh"
. "$LIB/collation/read.sh"
. "$LIB/collation/reindex.sh"
. "$LIB/collation/guard.sh"

COMPONENT=entrypoint
readonly BOOT_SECONDS=5 # how long a start waits to learn who owns the archive

# Reads and checks the part of the environment that every command here needs.
load_environment() {
  read_environment
  check_runtime
  check_backup
  check_encryption
  check_upgrade
}

# Does what only root can: starts cron and changes the owner of files. Continues as postgres.
# Arguments: the command.
leave_root() {
  local name file_variable closed='' files=()
  if [[ -n "$PREFIX_VARIABLE" && "$BACKUP_SCHEDULE" != external ]]; then
    start_cron
  fi
  install -d -m 0700 -o postgres -g postgres "$RUN"
  if [ "$PREFIX_VARIABLE" = WALG_FILE_PREFIX ]; then
    install -d -o postgres -g postgres "$(versioned_prefix "$WALG_FILE_PREFIX")"
  fi
  # probes create and remove files meanwhile
  interruptible find "$VOLUME" "$RUN" /var/run/postgresql \! -user postgres \! -name 'progress*' -exec chown -h postgres:postgres {} +
  for name in "${ROLE_VARIABLES[@]}" "${STORE_SECRETS[@]}" "${CLONE_SECRETS[@]}"; do
    file_variable="${name}_FILE"
    if [ -n "${!file_variable-}" ]; then files+=("${!file_variable}"); fi
  done
  if ((${#files[@]} > 0)); then
    # shellcheck disable=SC2016 # expanded there
    closed="$(gosu postgres bash -c 'for file; do [ -r "$file" ] || echo "$file"; done' - "${files[@]}")"
  fi
  for name in "${ROLE_VARIABLES[@]}" "${STORE_SECRETS[@]}" "${CLONE_SECRETS[@]}"; do
    file_variable="${name}_FILE"
    # pass a file that postgres can't read by value
    if [[ -n "${!file_variable-}" && $'\n'"$closed"$'\n' == *$'\n'"${!file_variable}"$'\n'* ]]; then
      unset "$file_variable"
    fi
    if [ -z "${!file_variable-}" ]; then
      export "${name?}"
    else
      unset "$name"
    fi
  done
  exec gosu postgres "${BASH_SOURCE[0]}" "$@"
}

# Sets ARCHIVE_SETTINGS. As flags they override conf.d and ALTER SYSTEM: with another archive_command, such as true before a bulk
# load, backups would look good but could not be restored.
read_archive_settings() {
  ARCHIVE_SETTINGS=()
  [ -n "$PREFIX_VARIABLE" ] || return 0
  ARCHIVE_SETTINGS=(archive_mode=on "archive_command=/usr/local/bin/archive-wal %p" archive_library=
    "archive_timeout=${ARCHIVE_TIMEOUT}s" "restore_command=/usr/local/bin/fetch-wal %f %p")
}

# Prepares the volume and becomes the server. Secrets are unexported shell variables by now, so the server does not inherit them.
# Arguments: further arguments of postgres.
boot() {
  local name
  trap 'info "stopped before the server was started"; exit 143' TERM INT
  load_environment
  check_roles
  report_environment
  if ((EUID == 0)); then
    leave_root postgres "$@"
  fi
  [ -w "$RUN" ] || die "$RUN is not writable for uid $EUID; nothing was touched: mount an empty folder in memory there"
  rm -f "$ROLES_IN_STEP" "$RUN/progress" "$PROGRESS_LINE" "$ARCHIVE_IDENTITY"
  echo "$$" >"$RUN/server.pid"
  lock_volume
  warn_of_several_prefixes
  if [ -n "$PREFIX_VARIABLE" ] && [ "$BACKUP_SCHEDULE" != external ] && ! [ -e "$CRON_PID" ]; then
    warn "no cron daemon runs (not installed, or the container was not started as root): base backups are not scheduled; WAL archiving works"
  fi
  write_walg_env
  read_archive_settings
  SERVER_FLAGS+=("$@")
  write_generated_settings "$PGDATA"
  export POSTGRES_USER POSTGRES_DB
  for name in "${ROLE_VARIABLES[@]}"; do
    unset "${name}_FILE"
  done
  ensure_cluster
  write_generated_settings "$PGDATA"
  settle_identity "$BOOT_SECONDS"
  archive_when_full
  start_role_sync
  exec docker-entrypoint.sh postgres "${SERVER_FLAGS[@]}" "${ARCHIVE_SETTINGS[@]/#/--}"
}

_main() {
  case "${1:?a command, such as postgres}" in
    postgres) shift ;;
    -*) ;;
    backup.sh | restore.sh | upgrade.sh | check-archive.sh)
      BACKUP_SCHEDULE="${BACKUP_SCHEDULE:-external}"
      load_environment
      report_environment
      write_walg_env
      exec "$@"
      ;;
    *) exec "$@" ;;
  esac
  case "${1-}" in
    --help | -\? | --version | -V | --describe-config) exec postgres "$@" ;;
  esac
  boot "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
