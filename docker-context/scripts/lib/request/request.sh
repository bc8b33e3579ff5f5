# The request: a restore or a clone from the environment, or a restore from the file that restore.sh wrote; and the outcomes of
# earlier ones. REQUEST holds id, to, from, backup, timeline, keep_old, undo, force; a clone has the id CLONE. Records
# below .postgres-stack: `restore-request` (the file), `restore` (the journal of the one under way) and
# `restores/<id>.restore` (outcomes: each id works once).
# Sets JOURNAL, TARGET_KIND, TARGET and TARGET_EPOCH; reads UNDO_BY_RESTORE, PG_UPGRADE, RESTORE_ID, RESTORE_TO and
# PREFIX_VARIABLE.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly REQUEST_FILE="$RECORDS/restore-request"
readonly JOURNAL_FILE="$RECORDS/restore"
readonly OUTCOMES="$RECORDS/restores"
readonly CLONE=clone

declare -A REQUEST=() JOURNAL=()

# Reads the request into REQUEST, empty when there is none. The file takes precedence: a person wrote it later.
read_request() {
  if [ -e "$REQUEST_FILE" ]; then
    read_fields REQUEST "$REQUEST_FILE"
    [ -n "${REQUEST[id]-}" ] || reject_record "$REQUEST_FILE" "it has no id"
  else
    read_environment_request
  fi
}

read_environment_request() {
  REQUEST=()
  if [ -n "${UNDO_BY_RESTORE-}" ]; then
    REQUEST=([id]="undo-$PG_UPGRADE" [to]=latest [from]='' [backup]='' [timeline]='' [keep_old]=true [undo]=false
      [force]="${PG_UPGRADE_FORCE:-false}")
  elif [ -n "${RESTORE_ID-}" ]; then
    REQUEST=([id]="$RESTORE_ID" [to]="${RESTORE_TO-}" [from]="${RESTORE_FROM-}" [backup]="${RESTORE_BACKUP-}"
      [timeline]="${RESTORE_TIMELINE-}" [keep_old]="${RESTORE_KEEP_OLD:-true}" [undo]="${RESTORE_UNDO:-false}" [force]="${RESTORE_FORCE:-false}")
  elif [ -n "${CLONE_FROM-}" ]; then
    REQUEST=([id]="$CLONE" [to]="${CLONE_TO:-latest}" [from]="$CLONE_FROM" [backup]=''
      [timeline]="${CLONE_TIMELINE-}" [keep_old]=true [undo]=false [force]="${RESTORE_FORCE:-false}")
  fi
}

# Prints a request's name for messages.
# Arguments: id.
title() { if [ "$1" = "$CLONE" ]; then echo "clone"; else echo "restore $1"; fi; }

# Holds the lock on the request's file and on what an undo needs, until unlock_requests.
lock_requests() {
  exec {REQUEST_LOCK}>"$RECORDS/request-lock"
  flock "$REQUEST_LOCK"
}

unlock_requests() { exec {REQUEST_LOCK}>&-; }

# Removes the request's file if it is about this request: another one may have been written meanwhile, such as an undo.
# Arguments: id, whether it is an undo (true or false).
forget_request() {
  local -A filed
  [ -e "$REQUEST_FILE" ] || return 0
  lock_requests
  read_fields filed "$REQUEST_FILE"
  if [ "${filed[id]-}" = "$1" ] && [ "${filed[undo]-}" = "$2" ]; then
    rm -f "$REQUEST_FILE"
  fi
  unlock_requests
}

# Arguments: id. Exit: 0 when restore.sh was asked to undo it.
undo_is_asked_for() {
  local -A filed
  read_fields filed "$REQUEST_FILE"
  [ "${filed[id]-}" = "$1" ] && [ "${filed[undo]-}" = true ]
}

# Prints what makes two requests with the same id equal.
# Arguments: name of the array that holds it.
request_text() {
  local -n request="$1"
  printf 'to=%s from=%s backup=%s timeline=%s keep_old=%s' "${request[to]-}" "${request[from]-}" \
    "${request[backup]-}" "${request[timeline]-}" "${request[keep_old]:-true}"
}

# Arguments: id. Exit: 0 when it can name a restore's record.
is_request_id() { [[ "$1" =~ ^(undo-)?[A-Za-z0-9._-]{1,63}$ && "$1" != "$CLONE" ]]; }

# Prints the path of an id's outcome. The suffix prevents a clash with another id, or with another's temporary file.
# Arguments: id.
outcome_file() { printf '%s/%s.restore' "$OUTCOMES" "$1"; }

# Records the outcome of the journal's restore, or else of the request. Ends the process when it can't.
# Arguments: state (done, refused, failed, withdrawn, undone), message.
record_outcome() {
  local id="${JOURNAL[id]:-${REQUEST[id]}}"
  # shellcheck disable=SC2034 # read by write_outcome
  local -A outcome=([state]="$1" [message]="$2" [request]="${JOURNAL[request]:-$(request_text REQUEST)}")
  write_outcome outcome "$(outcome_file "$id")" "$1"
}

# Prints one field of an id's outcome, nothing when it has none. Ends the process when the outcome can't be read.
# Arguments: id, field.
outcome_of() {
  local -A outcome
  local file
  file="$(outcome_file "$1")"
  read_fields outcome "$file"
  if [ -e "$file" ] && [ -z "${outcome[state]-}" ]; then reject_record "$file" "it has no state"; fi
  printf '%s' "${outcome[$2]-}"
}

# Reads a target into TARGET_KIND (latest, time, lsn, xid, name), TARGET (as PostgreSQL reads it) and, for a time,
# TARGET_EPOCH (microseconds). Exit: 1 when it is invalid; PROBLEM says why.
# Arguments: target.
parse_target() {
  local day='[0-9]{4}-[0-9]{2}-[0-9]{2}' clock='[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?'
  local zone='(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)'
  TARGET_KIND="${1%%:*}" TARGET="${1#*:}" TARGET_EPOCH=
  case "$1" in
    latest) TARGET= && return ;;
    lsn:*) [[ "$TARGET" =~ ^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$ ]] && return ;;
    xid:*) [[ "$TARGET" =~ ^[0-9]{1,10}$ ]] && return ;;
    name:*) [[ -n "$TARGET" && ${#TARGET} -le 63 ]] && return ;;
    *)
      TARGET_KIND="time"
      if [[ "$1" =~ ^${day}[T\ ]$clock$ ]]; then
        PROBLEM="the target time '$1' has no zone: write it as '${1}Z' or '${1}+00'"
        return 1
      fi
      if [[ "$1" =~ ^${day}[T\ ]$clock\ ?$zone$ ]] && TARGET="$(date -u -d "$1" +'%F %T.%6N+00' 2>/dev/null)"; then
        TARGET_EPOCH="$(date -u -d "$1" +%s%6N)"
        return
      fi
      ;;
  esac
  PROBLEM="the target '$1' is none of: latest, a time with zone such as '2026-11-23 15:00:00+00', lsn:0/3000060, xid:1234, name:before-migration"
  return 1
}

# Checks the form of REQUEST. Exit: 1 when it is invalid; PROBLEM says why.
check_request() {
  local scheme=''
  if [ "${REQUEST[id]}" != "$CLONE" ]; then scheme="${!PREFIX_VARIABLE%%://*}"; fi
  parse_target "${REQUEST[to]}" || return
  if ! [[ "${REQUEST[keep_old]}" =~ ^(true|false)$ ]]; then
    PROBLEM="RESTORE_KEEP_OLD: '${REQUEST[keep_old]}' is neither true nor false"
  elif ! [[ "${REQUEST[force]:-false}" =~ ^(true|false)$ ]]; then
    PROBLEM="RESTORE_FORCE: '${REQUEST[force]}' is neither true nor false"
  elif ! [[ "${REQUEST[timeline]}" =~ ^[0-9]{0,9}$ ]]; then
    PROBLEM="RESTORE_TIMELINE: '${REQUEST[timeline]}' is no number"
  elif ! [[ "${REQUEST[backup]}" =~ ^(base_[0-9A-Za-z_]+)?$ ]]; then
    PROBLEM="RESTORE_BACKUP: '${REQUEST[backup]}' is no name of a base backup such as base_000000010000000000000002"
  elif [[ -n "${REQUEST[from]}" ]] && is_odd_prefix "${REQUEST[from]}"; then
    PROBLEM="the source '${REQUEST[from]}' has $ODD_PREFIX"
  elif [[ -n "${REQUEST[from]}" && -n "$scheme" && "$PREFIX_VARIABLE" != WALG_FILE_PREFIX && "${REQUEST[from]}" != "$scheme://"* ]]; then
    PROBLEM="RESTORE_FROM: '${REQUEST[from]}' is no $scheme:// prefix; it must lie in the same kind of store as $PREFIX_VARIABLE"
  elif [[ -n "${REQUEST[from]}" && "${REQUEST[from]%/}" != */"$PG_MAJOR" ]]; then
    PROBLEM="the source '${REQUEST[from]}' does not end in /$PG_MAJOR; an archive of another major version can't be restored here"
  else
    return 0
  fi
  return 1
}
