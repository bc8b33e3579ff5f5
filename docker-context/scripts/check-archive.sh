#!/bin/bash
# Before a server restarts with another prefix: does the archive there belong to another database? Runs beside the server's
# container, without the volume, so it asks the running server whose data it has. When the data are about to be replaced, only the
# owner's name decides. When the server is down, nothing is refused: the update may repair it, and a server that starts as a
# stranger touches nothing in the archive.
# Environment: the server's (prefix, store, VOLUME_OWNER, RESTORE_ID), and PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE to ask it.
# Exit: 0 ours or unowned, or store or server does not answer; 1 another database's: stderr and the termination message say why.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/attempt.sh"
. "$LIB/common/record.sh"
. "$LIB/common/watch.sh"
. "$LIB/common/environment.sh"
. "$LIB/common/psql.sh"
. "$LIB/archive/walg.sh"
. "$LIB/archive/objects.sh"
. "$LIB/archive/identity.sh"

COMPONENT=check-archive

# Asks the running server whose data it has. Sets ANSWERED, and UUID and SYSTEM: empty when unknown or irrelevant.
ask_server() {
  local file="$RUN/server-record" major
  ANSWERED=false UUID='' SYSTEM=''
  if ! pg_isready -q -t 5; then
    info "no server answers at $PGHOST: nothing is refused"
    return 0
  fi
  attempt server_facts "$file"
  if ((STATUS != 0)); then
    warn "the server at $PGHOST can't be asked whose data it has (above): nothing is refused"
    return 0
  fi
  ANSWERED=true UUID="$(read_field "$file" uuid)" SYSTEM="$(read_field "$file" system)" major="$(read_field "$file" major)"
  # an upgrade or a restore brings a new system identifier
  if [[ "$major" != "$PG_MAJOR" || -n "${RESTORE_ID-}" ]]; then SYSTEM=''; fi
}

# Writes the identity of the server's data into a file. Arguments: file.
server_facts() {
  sql -v record="$ARCHIVE_RECORD" >"$1" <<'SQL'
SELECT 'system=' || system_identifier FROM pg_control_system();
SELECT 'major=' || current_setting('server_version_num')::int / 10000;
SELECT coalesce(pg_read_file(:'record', true), '');
SQL
}

_main() {
  local prefix
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  if ! [ -e "$WALG_ENV" ]; then die_with_message "no prefix such as WALG_S3_PREFIX is set: there is no archive to look at"; fi
  prefix="$(load_walg_env && archive_prefix)"
  use_server
  ask_server
  attempt judge_owners "$UUID" "$SYSTEM" "${VOLUME_OWNER-}"
  case "$STATUS" in
    0) info "the archive $prefix is this database's or nobody's" ;;
    "$IS_STRANGER")
      if [ "$ANSWERED" = false ]; then
        warn "the archive $prefix may be another database's: $PROBLEM. No server that answers has its data, so it is decided when it starts"
        return 0
      fi
      die_with_message "the archive $prefix is not this database's: $PROBLEM. The server was not touched and goes on as it is: \
give it a prefix of its own"
      ;;
    *) warn "whether the archive $prefix is this database's can't be asked: ${PROBLEM:-(above)}; it asks when it starts" ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
