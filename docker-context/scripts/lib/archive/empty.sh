# Whether an archive holds nothing, as it has to before a new database writes there.
# Reads PREFIX_VARIABLE, WALG_OUTPUT and WALG_ERROR.
# shellcheck shell=bash

readonly LIST_ATTEMPTS=5

# Looks whether the archive holds nothing: a new cluster's segments would collide with the old ones. Exit: 1 when it does, or
# can't be listed; PROBLEM says so.
archive_is_empty() {
  local attempt folder listing="$RUN/archive-listing"
  [ -n "$PREFIX_VARIABLE" ] || return 0
  folder="$(versioned_prefix "${!PREFIX_VARIABLE}")"
  for ((attempt = 1; ; attempt++)); do
    if interruptible list_archive "$listing"; then
      break
    elif ((attempt >= LIST_ATTEMPTS)); then
      PROBLEM="the archive $folder can't be listed ($(<"$listing")), so it is not known to be empty: correct the prefix or the credentials"
      return 1
    fi
    warn "the archive $folder can't be listed (attempt $attempt of $LIST_ATTEMPTS): $(<"$listing")"
    interruptible sleep "$((attempt * 2))"
  done
  if [ -s "$listing" ]; then
    PROBLEM="the archive $folder already holds data ($(paste -sd ' ' "$listing")): choose another prefix for a new database, or restore the one that is there"
    return 1
  fi
}

# Refuses to initialise above an archive that holds something.
check_archive_is_empty() {
  local PROBLEM
  archive_is_empty || die "$PROBLEM. The volume is empty, and nothing was initialised"
}

# Writes what lies below the prefix, or the error, into a file. Runs in a subshell.
# Arguments: file. Exit: wal-g's.
list_archive() {
  load_walg_env
  if [ -n "${WALG_FILE_PREFIX-}" ]; then
    # wal-g leaves empty folders behind where it has only looked
    find "$WALG_FILE_PREFIX" -type f -print -quit >"$1" 2>&1
  elif walg_within 20 st ls; then
    awk '$1 == "dir" || $1 == "obj" { print $NF }' <<<"$WALG_OUTPUT" >"$1"
  else
    echo "$WALG_ERROR" >"$1"
    return 1
  fi
}
