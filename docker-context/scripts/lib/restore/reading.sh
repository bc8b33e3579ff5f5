# Tells the archive that a base backup is being read.
# Reads JOURNAL.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly READING_SECONDS=21600 # how long a base backup is spared when its restore dies; renewed after a third of it

# Records in the archive that the base backup is being read, so that retention spares it and the WAL after it.
say_reading() {
  READING_SAID="$SECONDS"
  : "${JOURNAL[reader]:=$(</proc/sys/kernel/random/uuid)}"
  attempt add_reader "$(archive_environment)" "${JOURNAL[reader]}" "${JOURNAL[backup]}" "$READING_SECONDS" "$(title "${JOURNAL[id]}")"
  ((STATUS == 0)) || warn "the archive can't be told that ${JOURNAL[backup]} is read ($PROBLEM): its retention may delete it meanwhile"
}

# Renews that record in time. Called repeatedly.
say_still_reading() {
  if ((SECONDS - ${READING_SAID:--READING_SECONDS} >= READING_SECONDS / 3)); then say_reading; fi
}

# Removes that record, if there is one.
end_reading() {
  if [ -z "${JOURNAL[reader]-}" ]; then return 0; fi
  attempt remove_reader "$(archive_environment)" "${JOURNAL[reader]}"
  unset 'JOURNAL[reader]'
}
