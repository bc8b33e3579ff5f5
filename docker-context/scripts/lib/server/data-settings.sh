# What a server takes from its data and from the container's flags, beside the files of the image: the size of a WAL segment, and
# what initdb decided for the locale. postgresql.conf in the data, where initdb writes such things, is not read by any server.
# Sets SERVER_FLAGS, ARCHIVE_SETTINGS and WAL_SEGMENT_BYTES.
# shellcheck shell=bash disable=SC2034 # results are shared between the files

# log_timezone is not among them: the log is in UTC
readonly LOCALE_SETTINGS='lc_messages|lc_monetary|lc_numeric|lc_time|datestyle|timezone|default_text_search_config'
# in the data, so that base backups take it along; data without it are of an earlier version of this image and go on as they were
readonly LOCALE_FILE=initdb.conf
readonly USUAL_SEGMENT_MIB=16

# What each server with the configuration of the real one is started with; boot adds the container's flags. And the archive's.
SERVER_FLAGS=(-c config_file=/etc/postgresql/postgresql.conf)
ARCHIVE_SETTINGS=()

# Prints what larger segments need, the same as initdb would write: PostgreSQL does not start below two of them.
# Arguments: MiB of a segment.
segment_settings() {
  if (($1 > USUAL_SEGMENT_MIB)); then printf 'min_wal_size = %sMB\nmax_wal_size = %sMB\n' "$((5 * $1))" "$((64 * $1))"; fi
}

# Keeps in a new data folder what initdb decided for its locale. Arguments: folder.
keep_locale_settings() {
  sed -nE "/^($LOCALE_SETTINGS)[ =]/p" "$1/postgresql.conf" >"$1/$LOCALE_FILE"
}

# Gives a new data folder what the data have that it takes the place of. Arguments: folder of those, new folder.
copy_locale_settings() {
  if [ -e "$1/$LOCALE_FILE" ]; then cp "$1/$LOCALE_FILE" "$2/$LOCALE_FILE"; fi
}

# Writes what a server on these data needs into the file that the image's postgresql.conf includes before conf.d. Call it before
# each start with SERVER_FLAGS. Arguments: data folder; an empty or absent one has nothing to say.
# Sets and exports WAL_SEGMENT_BYTES, which archive-wal and fetch-wal inherit from the server.
write_generated_settings() {
  local setting
  WAL_SEGMENT_BYTES="$(control "$1" 'Bytes per WAL segment' || true)"
  export WAL_SEGMENT_BYTES="${WAL_SEGMENT_BYTES:-$((USUAL_SEGMENT_MIB * 1048576))}"
  echo "$((WAL_SEGMENT_BYTES / 1024))" >"$RUN/segment-kib" # for the probes
  {
    echo "# Written at every start: from the data, and for the archive; flags of the server say the latter too."
    segment_settings "$((WAL_SEGMENT_BYTES / 1048576))"
    if [ -e "$1/$LOCALE_FILE" ]; then
      while IFS= read -r setting || [ -n "$setting" ]; do
        if [[ "$setting" =~ ^($LOCALE_SETTINGS)[\ =] ]]; then printf '%s\n' "$setting"; fi
      done <"$1/$LOCALE_FILE"
    fi
    for setting in "${ARCHIVE_SETTINGS[@]}"; do
      printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
    done
  } >"$RUN/generated.conf.new"
  mv -f "$RUN/generated.conf.new" "$RUN/generated.conf"
}
