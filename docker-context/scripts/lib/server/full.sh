# Boots with a full volume. PostgreSQL keeps WAL that waits for archiving, archives nothing before recovery ends, and recovery
# needs room for WAL itself: so this archives the waiting WAL before the server starts.
# Reads WAL_SEGMENT_BYTES and PREFIX_VARIABLE.
# shellcheck shell=bash

readonly LEAST_ROOM=65536 # KiB, or two segments: recovery ends with a checkpoint, which may begin one
readonly FULL_REPORT_SECONDS=10

# Prints the free KiB of the volume.
free_kib() {
  local free
  free="$(df --output=avail -k "$VOLUME")"
  free="${free##*$'\n'}"
  echo "${free// /}"
}

# Archives waiting WAL when the volume has no room, so that the checkpoint at the end of recovery may remove it. Removes nothing
# but the programs kept for an upgrade, which the next start with room keeps again. The server starts in any case.
archive_when_full() {
  local free stash waiting="$RUN/waiting" least=$((2 * WAL_SEGMENT_BYTES / 1024))
  free="$(free_kib)"
  if ((free >= LEAST_ROOM && free >= least)) || ! [ -d "$PGDATA/pg_wal/archive_status" ]; then return 0; fi
  warn "full: the volume has $free KiB left, which may be too little to start: grow it"
  if [ -n "$PREFIX_VARIABLE" ]; then
    list_waiting >"$waiting"
    archive_listed "$waiting"
    rm -f "$waiting"
  fi
  for stash in "$STASHES/$PG_MAJOR"-*; do
    if [ -d "$stash" ]; then remove_stash "$stash"; fi
  done
  rm -f "$PROGRESS_LINE"
}

# Prints the waiting WAL in PostgreSQL's order: timeline histories first.
list_waiting() {
  local name LC_ALL=C
  for name in "$PGDATA/pg_wal/archive_status"/*.history.ready "$PGDATA/pg_wal/archive_status"/*.ready; do
    name="${name##*/}" name="${name%.ready}"
    if [ -e "$PGDATA/pg_wal/$name" ]; then echo "$name"; fi
  done | awk '!seen[$0]++'
}

# Archives the files of a list until one fails. Arguments: file.
archive_listed() {
  local name count stored=0 report_at="$SECONDS"
  count="$(wc -l <"$1")"
  while IFS= read -r name; do
    if ((SECONDS >= report_at)); then
      report_progress "full: $stored of $count WAL files that wait are archived before the server starts"
      report_at=$((SECONDS + FULL_REPORT_SECONDS))
    fi
    attempt archive_one "$name"
    if ((STATUS != 0)); then
      error "full: $name can't be archived (above) and stays; if the server does not start, grow the volume or correct the archive's access"
      return 0
    fi
    stored=$((stored + 1))
  done <"$1"
  info "full: $stored WAL files that waited are archived"
}

# Archives a WAL file and marks it as PostgreSQL does. Arguments: its name.
archive_one() {
  # PostgreSQL passes a path relative to the data folder
  env -C "$PGDATA" archive-wal "pg_wal/$1"
  mv -f "$PGDATA/pg_wal/archive_status/$1.ready" "$PGDATA/pg_wal/archive_status/$1.done"
}
