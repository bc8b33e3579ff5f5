# The journal of the restore under way: JOURNAL, the record .postgres-stack/restore. restore/steps.sh describes its steps.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly RESTORE_STEPS='requested|fetching|recovering|verifying|stopped|swapping|swapped|finishing|undoing|branching'

# Reads the journal into JOURNAL. Ends the process when it can't be understood.
read_restore_journal() { read_journal JOURNAL "$JOURNAL_FILE" "$RESTORE_STEPS"; }

# Arguments: step. Ends the process when it can't be written.
enter_step() { write_step JOURNAL "$JOURNAL_FILE" "$1" "$(title "${JOURNAL[id]}")"; }

# Closes the journal, and drops a request made by a file, but only once the outcome is readable: without both, the next start
# would carry out the request again.
close_journal() {
  local state
  state="$(outcome_of "${JOURNAL[id]}" state)"
  [ -n "$state" ] || die "what became of $(title "${JOURNAL[id]}") is not recorded in $(outcome_file "${JOURNAL[id]}"), so its journal stays; the next start tries again: see to the volume"
  drop_journal
}

# Closes the journal without an outcome.
drop_journal() {
  remove_record "$JOURNAL_FILE" closing
  forget_request "${JOURNAL[id]}" "${JOURNAL[undo]:-false}"
  JOURNAL=()
}
