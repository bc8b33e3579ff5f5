# shellcheck shell=bash
# A Pulumi session on the stack STACK. Sourced after lib.sh and tools.sh.

# Uses the backend that this machine is logged in to; else a local one in .local/pulumi.
# Exit: 1 if ARGS names another stack, which would be updated instead of the reviewed one
pulumi_session() {
  if args_name_stack; then
    die "ARGS names a stack; nothing was changed. Name it with STACK."
  fi
  need pulumi
  export PULUMI_SKIP_UPDATE_CHECK=true
  if [[ -z "${PULUMI_BACKEND_URL:-}" ]] && ! pulumi whoami --non-interactive >/dev/null 2>&1; then
    own_backend
  fi
  pulumi stack select --create --stack "$STACK" --non-interactive
}

own_backend() {
  local passphrase="$STATE/pulumi/passphrase"
  mkdir -p "$STATE/pulumi"
  export PULUMI_BACKEND_URL="file://$STATE/pulumi"
  if [[ -z "${PULUMI_CONFIG_PASSPHRASE+given}${PULUMI_CONFIG_PASSPHRASE_FILE+given}" ]]; then
    if [[ ! -s "$passphrase" ]]; then
      (umask 077 && node -p 'crypto.randomBytes(32).toString("hex")' >"$passphrase")
    fi
    export PULUMI_CONFIG_PASSPHRASE_FILE="$passphrase"
  fi
  say "Pulumi's state is in .local/pulumi. To run pulumi by hand:"
  say "  export PULUMI_BACKEND_URL='$PULUMI_BACKEND_URL' PULUMI_CONFIG_PASSPHRASE_FILE='${PULUMI_CONFIG_PASSPHRASE_FILE:-}'"
}
