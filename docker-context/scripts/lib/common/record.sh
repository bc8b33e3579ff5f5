# Records on the volume that survive kill -9 and a power failure at any moment: old content or new, never half.
# shellcheck shell=bash disable=SC2034,SC2094,SC2154,SC2178 # references to arrays of the callers

readonly VOLUME=/var/lib/postgresql
readonly RECORDS="$VOLUME/.postgres-stack"

# For tests only: POSTGRES_STACK_KILL_AT names the point at which the script dies as if the power had failed.
# Arguments: point, <step>:<before, written, synced, renamed or after>.
kill_point() {
  if [ "${POSTGRES_STACK_KILL_AT-}" = "$1" ]; then
    kill -KILL $$ "$BASHPID"
  fi
}

# Replaces a file atomically: temporary file, fsync, rename, fsync of the folder. Creates the folder.
# Arguments: path, content, name of its kill points (default: the file's name).
# Exit: 1 when any step fails; the old content stays, and the log and PROBLEM say why.
write_record() {
  local path="$1" content="$2" folder="${1%/*}" point="${3:-${1##*/}}"
  [ -d "$folder" ] || record_step "$path" mkdir -p "$folder" || return
  kill_point "$point:before"
  record_step "$path" print_into "$path.new" "$content" || return
  kill_point "$point:written"
  record_step "$path" sync "$path.new" || return
  kill_point "$point:synced"
  record_step "$path" mv -fT "$path.new" "$path" || return
  kill_point "$point:renamed"
  record_step "$path" sync "$folder" || return
  kill_point "$point:after"
}

# Arguments: file, content.
print_into() { printf '%s\n' "$2" >"$1"; }

# Runs one step of writing a record. Exit: 1 when it fails; the log and PROBLEM say why.
# Arguments: the record's path, command.
record_step() {
  local said
  if said="$("${@:2}" 2>&1)"; then return 0; fi
  PROBLEM="$1 can't be written (${said##*: })"
  error "$PROBLEM; what it held before is still there: make room on the volume, or see to what is wrong with it"
  return 1
}

# Replaces a record with a finished file, just as durably; for records that may be very long.
# Arguments: file, path in the same folder, name of its kill points.
publish_record() {
  kill_point "$3:written"
  record_step "$2" sync "$1"
  kill_point "$3:synced"
  record_step "$2" mv -fT "$1" "$2"
  kill_point "$3:renamed"
  record_step "$2" sync "${2%/*}"
  kill_point "$3:after"
}

# Arguments: path. Prints the record's content, nothing when there is none.
read_record() {
  if [ -e "$1" ]; then printf '%s\n' "$(<"$1")"; fi
}

# Arguments: path, name of its kill points.
remove_record() {
  kill_point "$2:before"
  rm -f "$1"
  kill_point "$2:renamed"
  sync "${1%/*}"
  kill_point "$2:after"
}

# Reads a record of `name=value` lines into an associative array, empty when there is no record. Skips empty lines.
# Ends the process on any other line, because records decide what happens to data.
# Arguments: array's name, path.
read_fields() {
  local -n fields="$1"
  local line number=0
  fields=()
  [ -e "$2" ] || return 0
  [ -r "$2" ] || die "$2 can't be read; nothing was touched: make it readable for uid $EUID"
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if [[ "$line" =~ ^[A-Za-z0-9_-]+= ]]; then
      fields["${line%%=*}"]="${line#*=}"
    elif [ -n "$line" ]; then
      reject_record "$2" "its line $number is no name=value: '${line:0:60}'"
    fi
  done <"$2"
}

# Reads a journal the same way. It must have an id and one of the steps.
# Arguments: array's name, path, the steps as an extended regular expression.
read_journal() {
  local -n journal="$1"
  read_fields "$1" "$2"
  if [ -e "$2" ] && ! [[ -n "${journal[id]-}" && "${journal[step]-}" =~ ^($3)$ ]]; then
    reject_record "$2" "it is empty, or has no id, or no step that this image knows (id='${journal[id]-}', step='${journal[step]-}')"
  fi
}

# Ends the process. Arguments: path, what is wrong.
reject_record() {
  die "the record $1 can't be understood: $2. Nothing was touched: correct it, or move it away, which means that what it is about is not gone on with and counts as never asked for (the folders of data stay as they are)"
}

# Prints one field of such a record, nothing when it has none.
# Arguments: path, field.
read_field() {
  local -A record
  read_fields record "$1"
  printf '%s' "${record[$2]-}"
}

# Prints an associative array as `name=value` lines; line breaks in values become spaces.
# Arguments: array's name.
print_fields() {
  local -n fields="$1"
  local name
  for name in "${!fields[@]}"; do
    printf '%s=%s\n' "$name" "${fields[$name]//$'\n'/ }"
  done
}

# Records a journal's step, with its time, before the step is taken. Its kill points have the step's name.
# Arguments: array's name, path, step, what the journal is about. Exit: 1 when it can't be written.
write_step() {
  local -n journal="$1"
  journal[step]="$3"
  journal[$3_at]="$EPOCHSECONDS"
  write_record "$2" "$(print_fields "$1")" "$3"
  info "$4: $3"
}

# Records an outcome with the current time and reads it back, because what follows from it can't be undone.
# Arguments: array's name, path, name of its kill points. Exit: 1 when the record does not hold it afterwards.
write_outcome() {
  local -n result="$1"
  local written
  TZ=UTC0 printf -v 'result[at]' '%(%F %T)T UTC' -1
  written="$(print_fields "$1")"
  write_record "$2" "$written" "$3"
  if [ "$(read_record "$2")" != "$written" ]; then
    PROBLEM="$2 does not hold what was written into it"
    error "$PROBLEM: see to the volume"
    return 1
  fi
}

# Moves a finished folder to its final name; it is complete there even after a power failure.
# Arguments: source, target (absent or an empty folder), both on one file system; name of its kill points.
publish_folder() {
  local point="${3:-${2##*/}}"
  kill_point "$point:before"
  sync -f "$1" || return
  kill_point "$point:synced"
  mv -T "$1" "$2" || return
  kill_point "$point:renamed"
  sync "${2%/*}" || return
  kill_point "$point:after"
}
