# shellcheck shell=bash
# Confirmation before a stack that keeps its data is updated: which cluster, what the update does, and the user's consent.
# Sourced after lib.sh, in a session on the stack.

# Whether the stack STACK keeps its data: true unless its configuration says `disposable: true`.
keeps_data() { [[ "$(said disposable)" != true ]]; }

# Whether the stack's file names its cluster.
names_cluster() { [[ -n "$(said kubernetes:context)$(said kubernetes:kubeconfig)" ]]; }

# Reads the stack's configuration.
# Arguments: key; the project's own ones without a namespace, because a project may be renamed
# Prints: the value; nothing if it is not set
said() { pulumi config get "$1" --stack "$STACK" 2>/dev/null || true; }

# Prints the cluster that the stack's file names.
where_it_is() {
  local context
  context="$(said kubernetes:context)"
  if [[ -n "$context" ]]; then say "context '$context'"; else say "the cluster of its own kubeconfig"; fi
}

# Continues if the stack names its cluster, its review passes, and the user confirms; ARGS=--yes confirms in advance.
# Exit: 1 with the reason; then nothing was changed
ask_for_protected() {
  local asked=1 rest=() argument answer=""
  for argument in ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}; do
    if [[ "$argument" == --yes || "$argument" == -y ]]; then asked=""; else rest+=("$argument"); fi
  done
  if ! names_cluster; then
    die "Stack '$STACK' keeps its data, and its file does not say in which cluster they are; nothing was changed." \
      "Say it: local/pulumi config set kubernetes:context <a context of the kubeconfig> --stack $STACK"
  fi
  if ! ARGS="${rest[*]+"${rest[*]}"}" "$ROOT/local/review" --stack "$STACK"; then
    die "The review above does not let the update through; nothing was changed."
  fi
  if [[ -z "$asked" ]]; then return; fi
  if [[ ! -t 0 ]]; then
    die "Stack '$STACK' keeps its data, and nobody can be asked here; nothing was changed. To go ahead: ARGS=--yes"
  fi
  read -rp "Update stack '$STACK' in $(where_it_is)? Only 'yes' goes ahead: " answer
  [[ "$answer" == yes ]] || die "Nothing was changed."
}
