# Our own objects in the archive, below postgres-stack/: JSON, one object on one line, neither compressed nor encrypted. Needs
# WAL-G's environment, so callers are subshells. Functions that fail say why in PROBLEM.
# Sets WALG_OUTPUT and WALG_ERROR.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly OBJECTS=postgres-stack
# seconds without movement after which a call ends; if ASK_UNTIL (in SECONDS) is set, the call ends then at the latest
readonly STORE_SECONDS=60

# Runs wal-g with its output in a file and its messages in <file>.err. Arguments: file, wal-g's. Exit: 1 when it failed.
walg_into() {
  local file="$1" limit="$STORE_SECONDS" bound=$((STORE_SECONDS * STALLS)) status=0
  shift
  if [ -n "${ASK_UNTIL-}" ]; then
    bound=$((ASK_UNTIL > SECONDS ? ASK_UNTIL - SECONDS : 1))
    limit=$((bound < STORE_SECONDS ? bound : STORE_SECONDS))
  fi
  run_walg "$limit" "$bound" "$@" >"$file" 2>"$file.err" || status=$?
  if ((status == 0)); then return 0; fi
  WALG_OUTPUT="$(<"$file.err")"
  read_walg_error "$status"
  if ((status == STOOD_STILL)); then WALG_ERROR="no answer within $limit s"; fi
  PROBLEM="$WALG_ERROR"
  return 1
}

# Prints the environment's prefix, including the major.
archive_prefix() {
  local name
  for name in "${PREFIXES[@]}"; do
    if [ -n "${!name-}" ]; then
      echo "${!name}"
      return
    fi
  done
}

# Writes the names of all our objects, relative to postgres-stack/, into a file. Exit: 1 when they can't be listed.
# Arguments: file.
list_objects() {
  walg_into "$1.ls" st ls -r "$OBJECTS/" || return
  awk '$1 == "obj" { sub("^/", "", $NF); print $NF }' "$1.ls" >"$1"
}

# Writes one object into a file. Exit: 1 when it can't be read. Arguments: name below postgres-stack/, file.
read_object_into() { walg_into "$2" st cat "$OBJECTS/$1"; }

# Writes all objects that match a pattern into a file, one per line; the file is empty when none match. Saves the start of wal-g
# that a list would take. Exit: 1 when they can't be read. Arguments: pattern below postgres-stack/, file.
read_objects_into() { walg_into "$2" st cat --glob "$OBJECTS/$1"; }

# Stores an object. Arguments: name below postgres-stack/, JSON.
put_object() {
  local file="$RUN/object.$BASHPID"
  printf '%s\n' "$2" >"$file"
  walg_into "$file.out" st put --no-compress --no-encrypt -f "$file" "$OBJECTS/$1"
  rm -f "$file" "$file".*
}

# Removes an object if it exists: for a missing one, a file system would keep a folder of that name.
# Arguments: name below postgres-stack/.
remove_object() {
  local file="$RUN/object.$BASHPID"
  list_objects "$file"
  if grep -qxF "$1" "$file"; then walg_into "$file" st rm "$OBJECTS/$1"; fi
  rm -f "$file" "$file".*
}

# Writes the list of base backups into a file. Exit: 1 when it can't be read. Arguments: file.
list_backups_into() {
  walg_into "$1" backup-list --json --detail || return
  # without a backup, wal-g prints a message instead of a list
  if ! [ -s "$1" ]; then echo '[]' >"$1"; fi
}

# Prints a JSON object on one line. Arguments: NAME=VALUE (text), NAME:=VALUE (a whole number or a list of texts, in JSON).
json_object() {
  local field list='^\[("[^"\\]*"(,"[^"\\]*")*)?\]$' fields=''
  for field in "$@"; do
    if [[ "$field" =~ ^[a-z_]+:= ]]; then
      [[ "${field#*:=}" =~ ^-?(0|[1-9][0-9]*)$ || "${field#*:=}" =~ $list ]] || not_known "'$field' is no field of an object"
      fields+=",\"${field%%:=*}\":${field#*:=}"
    else
      fields+=",\"${field%%=*}\":$(json_text "${field#*=}")"
    fi
  done
  printf '{%s}\n' "${fields#,}"
}

# Prints a text as JSON. Arguments: text.
json_text() {
  local LC_ALL=C text="${1//\\/\\\\}" rest='' escaped
  text="${text//\"/\\\"}"
  while [[ "$text" =~ ^([^[:cntrl:]]*)([[:cntrl:]])(.*)$ ]]; do
    printf -v escaped '\\u%04x' "'${BASH_REMATCH[2]}"
    rest+="${BASH_REMATCH[1]}$escaped" text="${BASH_REMATCH[3]}"
  done
  printf '"%s"' "$rest$text"
}

# Prints a field of the JSON object in a file, nothing when it has none. Exit: 1 when the file is no JSON object.
# Arguments: file, field.
json_field() {
  perl -MJSON::PP -0777 -e '
    my ($file, $name) = @ARGV;
    open my $in, "<", $file or die "$file: $!\n";
    my $value = JSON::PP->new->decode(scalar <$in>)->{$name};
    print ref $value ? JSON::PP->new->encode($value) : $value, "\n" if defined $value;' "$1" "$2"
}
