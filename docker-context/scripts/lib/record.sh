# Records on the volume that survive a kill -9 and a power failure at any moment: old content or new, never half.
# shellcheck shell=bash

readonly VOLUME=/var/lib/postgresql
# shellcheck disable=SC2034 # for volume.sh and backup.sh
readonly RECORDS="$VOLUME/.postgres-stack"

# Replaces a file atomically: temporary file, fsync, rename, fsync of the folder. Creates the folder.
# Arguments: path, content. Exit: non-zero when any step fails; the old content is then still there.
write_record() {
  local path="$1" content="$2" folder="${1%/*}"
  mkdir -p "$folder"
  printf '%s\n' "$content" >"$path.new"
  sync "$path.new"
  mv -fT "$path.new" "$path"
  sync "$folder"
}

# Arguments: path. Prints the record's content, nothing when there is none.
read_record() {
  if [ -e "$1" ]; then
    cat "$1"
  fi
}

# Moves a finished folder to its final name so that it is complete there whatever happens.
# Arguments: source, target (absent or an empty folder), both on one file system.
publish_folder() {
  sync -f "$1"
  mv -T "$1" "$2"
  sync "${2%/*}"
}
