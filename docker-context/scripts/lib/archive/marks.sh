# What a database records in its archive while it runs: the live timeline and its start, how far the archive reaches, completed
# restores, and who is reading a base backup. Never relies on the store's own times.
# Sets ARCHIVE_REQUEST and ARCHIVE_REQUEST_TEXT; reads IDENTITY, IDENTITY_WHY and VOLUME_ARCHIVE.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # results are shared between the files

readonly REACH_SECONDS=60
readonly WAL_NAME='^[0-9A-F]{24}$' HISTORY_NAME='^[0-9A-F]{8}\.history$'

# Ends archive-wal unless this database owns the archive. Needs WAL-G's environment. Arguments: segment.
check_archive_is_ours() {
  if identity_is_fresh; then return 0; fi
  find_identity "$ARCHIVE_DEADLINE" '' "$1"
  case "$IDENTITY" in
    owner) ;;
    stranger) die "$1 not archived: the archive is not this database's: $IDENTITY_WHY; PostgreSQL keeps the segment on the volume: give this database a prefix of its own" ;;
    *) die "$1 not archived: whether the archive is this database's can't be asked: $IDENTITY_WHY; PostgreSQL keeps the segment and tries again" ;;
  esac
}

# Prints a file's modification time in microseconds since 1970. Arguments: file.
changed_at() {
  local time
  time="$(LC_ALL=C stat -c %.6Y "$1")"
  echo "${time/./}"
}

# Before a timeline's history is stored: marks its start, and the timeline as live. Needs WAL-G's environment. Arguments: path.
mark_timeline() {
  local name="${1##*/}" timeline
  timeline=$((16#${name%.history}))
  put_object "timelines/${name%.history}.json" "$(json_object "timeline:=$timeline" "began:=$(changed_at "$1")")"
  if ((timeline >= $(timeline_of_data "$PGDATA" ''))); then mark_live "$timeline"; fi
}

# Stores the histories of the data's timelines: PostgreSQL archives each only once, so an archive with another prefix lacks the
# earlier ones, and without them nothing can be restored from it. Needs WAL-G's environment. Runs by attempt.
store_histories() {
  local history name file="$RUN/history.$BASHPID" stored="$RUN/stored.$BASHPID"
  if ! compgen -G "$PGDATA/pg_wal/????????.history" >/dev/null; then return 0; fi
  list_objects "$stored"
  for history in "$PGDATA"/pg_wal/????????.history; do
    [ -s "$history" ] || continue
    name="${history##*/}" name="${name%.history}"
    if ! grep -qxF "timelines/$name.json" "$stored"; then
      put_object "timelines/$name.json" "$(json_object "timeline:=$((16#$name))" "began:=$(changed_at "$history")")"
    fi
    WALG_UPLOAD_CONCURRENCY=1 walg_into "$file" wal-push "$history"
  done
  rm -f "$file" "$file.err" "$stored" "$stored".*
}

# Arguments: timeline. Needs WAL-G's environment.
mark_live() {
  local -A volume
  read_fields volume "$ARCHIVE_RECORD"
  put_object live.json "$(json_object "timeline:=$1" "uuid=${VOLUME_ARCHIVE[uuid]:-${volume[uuid]-}}" "at:=$EPOCHSECONDS")"
}

# After a segment is stored: if no earlier one waits, the archive is complete up to it and holds everything committed before it
# was full, except what was in progress in that second. Needs WAL-G's environment. Arguments: path of the segment.
mark_reach() {
  local segment="${1##*/}" folder="${1%/*}/archive_status" waiting='' file at LC_ALL=C
  if ! [[ "$segment" =~ $WAL_NAME ]] || ! [ -e "$folder/$segment.ready" ]; then return 0; fi
  for file in "$folder"/*.ready; do
    if [ "$file" = "$folder/$segment.ready" ]; then continue; fi
    if [ -e "$file" ]; then waiting="${file##*/}"; fi
    break
  done
  if [[ -n "$waiting" && "$waiting" < "$segment" ]]; then return 0; fi
  if [ -n "$waiting" ] && ((EPOCHSECONDS - $(stat -c %Y "$RUN/reach" 2>/dev/null || echo 0) < REACH_SECONDS)); then return 0; fi
  at=$(($(changed_at "$folder/$segment.ready") - 1000000))
  put_object reach.json "$(json_object "segment=$segment" "at:=$at")"
  touch "$RUN/reach"
}

# Looks up the outcome of a restore's id in the archive, because a lost volume takes its own records along. Sets ARCHIVE_REQUEST
# (its state; empty when the id was never used) and ARCHIVE_REQUEST_TEXT. Exit: 1 when the archive can't be queried; PROBLEM.
# Arguments: id.
archive_request_state() {
  local file="$RUN/archive-request" status=0
  local -A answer
  (ask_request "$1" "$file") || status=$?
  read_fields answer "$file.answer"
  rm -f "$file".*
  ARCHIVE_REQUEST="${answer[state]-}" ARCHIVE_REQUEST_TEXT="${answer[request]-}"
  PROBLEM="${answer[problem]-}"
  return "$status"
}

# Arguments: id, path of its files, including the answer.
ask_request() {
  local PROBLEM=''
  load_walg_env || PROBLEM="$WALG_ENV or a secret it names can't be read"
  : >"$2.answer"
  if [ -z "$PROBLEM" ] && list_objects "$2.list" && grep -qxF "requests/$1.json" "$2.list"; then
    read_object_into "requests/$1.json" "$2.object" &&
      printf 'state=%s\nrequest=%s\n' "$(json_field "$2.object" state)" "$(json_field "$2.object" request)" >"$2.answer"
  fi
  if [ -z "$PROBLEM" ]; then return 0; fi
  echo "problem=the archive can't be asked for restore $1: ${PROBLEM//$'\n'/ }" >"$2.answer"
  return 1
}

# Records the outcome of a restore's id in the archive and reads it back. Call it plainly or by attempt: a failure ends the
# process, and PROBLEM says why. Arguments: id, state, text of the request.
record_archive_request() {
  attempt put_request "$@"
  if ((STATUS == 0)); then return 0; fi
  PROBLEM="the archive does not know that restore $1 is $2: ${PROBLEM:-see above}"
  return 1
}

put_request() {
  local file="$RUN/archive-request.$BASHPID"
  load_walg_env || not_known "$WALG_ENV or a secret it names can't be read"
  put_object "requests/$1.json" "$(json_object "id=$1" "state=$2" "request=$3" "at:=$EPOCHSECONDS")"
  read_object_into "requests/$1.json" "$file"
  [ "$(json_field "$file" state)" = "$2" ] || not_known "what was stored reads otherwise"
  rm -f "$file" "$file.err"
}

# Records that a base backup is being read, so that retention spares it; call it again before the time is over. Call it by
# attempt: a read-only store is no reason to give up. Arguments: file of the archive's environment, uuid, backup, seconds, reader.
add_reader() {
  # shellcheck disable=SC1090 # written by the entrypoint or by the caller
  . "$1"
  put_object "readers/$2.json" "$(json_object "backup=$3" "until:=$((EPOCHSECONDS + $4))" "what=$5")"
}

# Arguments: file of the archive's environment, uuid.
remove_reader() {
  # shellcheck disable=SC1090 # written by the entrypoint or by the caller
  . "$1"
  remove_object "readers/$2.json"
}
