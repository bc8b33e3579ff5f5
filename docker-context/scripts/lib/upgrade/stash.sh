# The programs of a major, which its own image keeps on the volume: the next major's image opens the old data with them. Each is a
# folder .postgres-stack/binaries/<major>-<identity>, which appears whole:
#   usr/lib/postgresql/<major>, usr/share/postgresql/<major>   in the layout in which the programs find each other
#   libraries/   what they link, except glibc: old programs run with a newer one, but an older one breaks every other program
#   SHA256SUMS
# Sets OLD_BIN and OLD_LIBRARIES.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly STASHES="$RECORDS/binaries"
readonly STASH_RESERVE=$((64 * 1048576)) # bytes to leave free
readonly STASH_REMOVED="$STASHES/removed"
readonly GLIBC='^(ld-linux.*|lib(c|m|mvec|dl|rt|pthread|resolv|util|anl|nsl|nss_.*|thread_db|BrokenLocale))\.so'

# Prints an identity that changes with the programs or the libraries they link.
stash_identity() {
  local sum
  sum="$({
    cat /var/lib/dpkg/status
    find "/usr/lib/postgresql/$PG_MAJOR" "/usr/share/postgresql/$PG_MAJOR" -printf '%p %s\n' | sort
  } | sha256sum)"
  echo "${sum:0:12}"
}

# Keeps this image's programs unless they are kept already, and removes those of earlier images of this major. Needs no server.
# Runs by attempt. Exit: 1 when they could not be kept; the log says why.
stash_binaries() {
  local target old
  target="$STASHES/$PG_MAJOR-$(stash_identity)"
  rm -rf "$STASHES/$PG_MAJOR.new" "$STASH_REMOVED"
  if ! [ -d "$target" ]; then
    attempt keep_binaries "$STASHES/$PG_MAJOR.new" "$target"
    if ((STATUS != 0)); then
      rm -rf "$STASHES/$PG_MAJOR.new"
      warn "the programs of PostgreSQL $PG_MAJOR are not kept on the volume (${PROBLEM:-above}), so the next major can't upgrade this one; the next start tries again"
      return 1
    fi
    info "the programs of PostgreSQL $PG_MAJOR are kept on the volume for a later upgrade ($(du -sm "$target" | cut -f 1) MiB)"
  fi
  for old in "$STASHES/$PG_MAJOR"-*; do
    if [ -d "$old" ] && [ "$old" != "$target" ]; then remove_stash "$old"; fi
  done
}

# Arguments: folder to copy into, its final name. Exit: 1; PROBLEM may say why.
keep_binaries() {
  copy_binaries "$1"
  publish_folder "$1" "$2" stash
}

# Removes kept programs. Renames them first, because half-removed ones would count as the newest. Arguments: folder.
remove_stash() {
  rm -rf "$STASH_REMOVED"
  mv -T "$1" "$STASH_REMOVED"
  kill_point stash-removed:renamed
  rm -rf "$STASH_REMOVED"
}

# Copies programs and libraries, without the JIT compiler: it is large, and an upgrade does not need it.
# Arguments: folder. Exit: 1 when something could not be copied; PROBLEM may say why.
copy_binaries() {
  local bytes free library
  bytes="$(du -s -B1 --exclude=bitcode --exclude='llvmjit*' "/usr/lib/postgresql/$PG_MAJOR" | cut -f 1)"
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  if ((2 * bytes + STASH_RESERVE > free)); then
    PROBLEM="too little room on the volume: $((free / MIB)) MiB are free"
    return 1
  fi
  mkdir -p "$1/usr/lib/postgresql" "$1/usr/share/postgresql" "$1/libraries"
  tar -c -C /usr/lib/postgresql --exclude=bitcode --exclude='llvmjit*' "$PG_MAJOR" | tar -x -C "$1/usr/lib/postgresql" --no-same-owner
  cp -rL "/usr/share/postgresql/$PG_MAJOR" "$1/usr/share/postgresql/"
  linked_libraries "$1/usr/lib/postgresql/$PG_MAJOR" >"$1/linked"
  while IFS= read -r library; do
    if ! [[ "${library##*/}" =~ $GLIBC ]]; then cp -L "$library" "$1/libraries/"; fi
  done <"$1/linked"
  rm "$1/linked"
  (cd "$1" && find usr libraries -type f -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
}

# Prints the paths of the libraries that programs and modules link. Arguments: folder.
linked_libraries() {
  # ldd fails when it gets a script
  { find "$1" -type f \( -path '*/bin/*' -o -name '*.so' \) -exec ldd {} + 2>/dev/null || true; } | sed -n 's/.* => \(\/[^ ]*\) (.*/\1/p' | sort -u
}

# Prints the folder with a major's programs; nothing when there is none. After a kill there may be two whole ones.
# Arguments: major.
stash_of() {
  local folder newest=''
  for folder in "$STASHES/$1"-*; do
    if [ -d "$folder" ] && { [ -z "$newest" ] || [ "$folder" -nt "$newest" ]; }; then newest="$folder"; fi
  done
  printf '%s' "$newest"
}

# Sets OLD_BIN, the folder of a major's kept programs, and OLD_LIBRARIES, a folder for the libraries that this image lacks.
# Arguments: major.
name_old_programs() {
  OLD_BIN="$(stash_of "$1")/usr/lib/postgresql/$1/bin" OLD_LIBRARIES="$RUN/old-libraries"
}

# Prepares the programs of name_old_programs to run here. Exit: 1 when they can't be used; PROBLEM says why.
# Arguments: major.
use_stash() {
  local stash library answer here
  stash="$(stash_of "$1")"
  if [ -z "$stash" ]; then
    PROBLEM="the programs of PostgreSQL $1 are not on the volume: start the image of PostgreSQL $1 of this release once, it keeps them there"
    return 1
  fi
  if ! answer="$(cd "$stash" && sha256sum --check --quiet --strict SHA256SUMS 2>&1)"; then
    PROBLEM="the programs of PostgreSQL $1 on the volume are damaged ($(head -n 1 <<<"$answer")): remove $stash and start the image of PostgreSQL $1 once, it keeps them anew"
    return 1
  fi
  rm -rf "$OLD_LIBRARIES"
  mkdir -p "$OLD_LIBRARIES"
  here="$(/sbin/ldconfig -p)"
  for library in "$stash/libraries"/*; do
    if [[ "$here" != *$'\t'"${library##*/} ("* ]]; then
      ln -s "$library" "$OLD_LIBRARIES/"
    fi
  done
  if ! answer="$(with_old_libraries "$OLD_BIN/postgres" --version 2>&1)"; then
    PROBLEM="the programs of PostgreSQL $1 don't run in this image ($(head -n 1 <<<"$answer")): use an image of PostgreSQL $PG_MAJOR on the same or a newer release of Debian"
    return 1
  fi
}

# Runs a command with the libraries that only the old programs need. Arguments: command.
with_old_libraries() { env LD_LIBRARY_PATH="$OLD_LIBRARIES" "$@"; }

# Removes the programs of earlier majors.
remove_old_stashes() {
  local folder major
  for folder in "$STASHES"/*-*; do
    major="${folder##*/}" major="${major%%-*}"
    if [ -d "$folder" ] && ((major < PG_MAJOR)); then remove_stash "$folder"; fi
  done
}
