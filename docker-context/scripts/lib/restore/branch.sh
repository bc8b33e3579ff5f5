# Moves data that were put back to a new timeline: on the old one, everyone who follows the archive would see the restored data's
# WAL as newer, and the archive would end up with two histories under one name.
# Reads JOURNAL.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # results are shared between the files

# Prints the timeline of a data folder, nothing when it has none. Arguments: data folder.
timeline_of() { control "$1" "Latest checkpoint's TimeLineID" || true; }

# Prints the newest timeline that the data folders on the volume know.
newest_local_timeline() {
  local folder name newest=0
  for folder in "$PGDATA" "$PRE_RESTORE" "$UNDONE"; do
    for name in "$(printf '%08X' "$(timeline_of "$folder")" 2>/dev/null || true)" "$folder"/pg_wal/*.history; do
      name="${name##*/}"
      if [[ "$name" =~ ^([0-9A-F]{8})(\.history)?$ ]]; then newest=$((16#${name:0:8} > newest ? 16#${name:0:8} : newest)); fi
    done
  done
  echo "$newest"
}

# Starts the data in PGDATA once, privately, so that they end recovery on a new timeline. Reads nothing from the archive: all
# their WAL is on the volume, and perhaps nowhere else. Does nothing when an earlier boot has done it.
# Arguments: the newest timeline in use. Ends the process when the data don't start.
branch_off() {
  local now number history wal="$PGDATA/pg_wal" flags
  now="$(timeline_of "$PGDATA")"
  [ -n "$now" ] || die "restore ${JOURNAL[id]} can't be undone any further: the control file of $PGDATA can't be read. The restored data are kept in $UNDONE; nothing was deleted"
  if ((now > $1)); then return 0; fi
  # the server takes the first timeline number without a history
  for ((number = now + 1; number <= $1; number++)); do
    printf -v history '%08X.history' "$number"
    if ! [ -e "$wal/$history" ]; then : >"$wal/$history"; fi
  done
  touch "$PGDATA/recovery.signal"
  recovery_flags "$PGDATA"
  start_private "$PGDATA" "$RECOVERY_LOG" "$PRIVATE" postgres "${flags[@]}" -c restore_command=false -c recovery_target_timeline=current
  attempt wait_private "$PGDATA"
  ((STATUS == 0)) || die "the data that were put back don't start, so they have no timeline of their own: $(last_words). Nothing was deleted, the restored data are kept in $UNDONE; the next start tries again"
  kill_point branched:before
  stop_private
  find "$wal" -maxdepth 1 -name '????????.history' -size 0 -delete
  (($(timeline_of "$PGDATA") > $1)) || die "the data that were put back are on timeline $(timeline_of "$PGDATA"), not on one of their own. Nothing was deleted; the next start tries again"
}
