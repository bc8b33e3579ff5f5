# Progress of a restore or an index rebuild: in the log, and in a file that the probe prints, so that the pod's events show it.
# shellcheck shell=bash

readonly PROGRESS_LINE="$RUN/restore-progress"

# Logs a line of progress and hands it to the probe. Arguments: message, beginning with the journal's step, or `collations`.
report_progress() {
  info "$1"
  printf '%s\n' "$1" >"$PROGRESS_LINE.new"
  mv -f "$PROGRESS_LINE.new" "$PROGRESS_LINE"
}

# Prints how long the rest takes at the pace so far.
# Arguments: done, total, begin in seconds since 1970.
estimate() {
  if (($1 > $2 / 100 && $2 > $1)); then
    printf ', about %s s to go' "$((($2 - $1) * (EPOCHSECONDS - $3) / $1))"
  fi
}
