# Records on the volume that survive a kill -9 and a power failure at any moment: old content or new, never half.
# shellcheck shell=bash disable=SC2034,SC2154,SC2178 # references to arrays of the callers

readonly VOLUME=/var/lib/postgresql
readonly RECORDS="$VOLUME/.postgres-stack"

# For tests only: POSTGRES_STACK_KILL_AT names the point at which everything ends as if the power had failed.
# Arguments: point, <step>:<before, written, synced, renamed or after>.
kill_point() {
  if [ "${POSTGRES_STACK_KILL_AT-}" = "$1" ]; then
    kill -KILL $$ "$BASHPID"
  fi
}

# Replaces a file atomically: temporary file, fsync, rename, fsync of the folder. Creates the folder.
# Arguments: path, content, name of its kill points (default: the file's name).
# Exit: non-zero when any step fails; the old content is then still there.
write_record() {
  local path="$1" content="$2" folder="${1%/*}" point="${3:-${1##*/}}"
  mkdir -p "$folder"
  kill_point "$point:before"
  printf '%s\n' "$content" >"$path.new" || return
  kill_point "$point:written"
  sync "$path.new" || return
  kill_point "$point:synced"
  mv -fT "$path.new" "$path" || return
  kill_point "$point:renamed"
  sync "$folder" || return
  kill_point "$point:after"
}

# Arguments: path. Prints the record's content, nothing when there is none.
read_record() {
  if [ -e "$1" ]; then
    cat "$1"
  fi
}

# Arguments: path, name of its kill points.
remove_record() {
  kill_point "$2:before"
  rm -f "$1"
  kill_point "$2:renamed"
  sync "${1%/*}"
  kill_point "$2:after"
}

# Reads a record of `name=value` lines into an associative array, which is empty when there is no record.
# Arguments: array's name, path.
read_fields() {
  local -n fields="$1"
  local line
  fields=()
  [ -e "$2" ] || return 0
  while IFS= read -r line; do
    fields["${line%%=*}"]="${line#*=}"
  done <"$2"
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

# Enters a step of a journal, with its time, before it is taken. Its kill points have the step's name.
# Arguments: array's name, path, step, what the journal is about.
write_step() {
  local -n journal="$1"
  journal[step]="$3"
  journal[$3_at]="$EPOCHSECONDS"
  write_record "$2" "$(print_fields "$1")" "$3"
  info "$4: $3"
}

# Records what became of something, with the time of now.
# Arguments: array's name, path, name of its kill points.
write_outcome() {
  local -n result="$1"
  TZ=UTC0 printf -v 'result[at]' '%(%F %T)T UTC' -1
  write_record "$2" "$(print_fields "$1")" "$3"
}

# Moves a finished folder to its final name so that it is complete there whatever happens.
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
