# shellcheck shell=bash
# Downloads programs that are not on PATH. Sourced after lib.sh.

# Name, version, platform, SHA-256, address. Sources of the checksums:
#   pulumi         github.com/pulumi/homebrew-tap, Formula/pulumi.rb at 51fb494
#   kubectl, kind  github.com/cert-manager/makefile-modules, modules/tools/00_mod.mk
PINS="
pulumi 3.259.0 linux-x86_64 94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5 https://github.com/pulumi/pulumi/releases/download/v3.259.0/pulumi-v3.259.0-linux-x64.tar.gz
pulumi 3.259.0 linux-aarch64 edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853 https://github.com/pulumi/pulumi/releases/download/v3.259.0/pulumi-v3.259.0-linux-arm64.tar.gz
pulumi 3.259.0 darwin-x86_64 eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534 https://github.com/pulumi/pulumi/releases/download/v3.259.0/pulumi-v3.259.0-darwin-x64.tar.gz
pulumi 3.259.0 darwin-arm64 57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864 https://github.com/pulumi/pulumi/releases/download/v3.259.0/pulumi-v3.259.0-darwin-arm64.tar.gz
kubectl 1.36.3 linux-x86_64 ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336 https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl
kubectl 1.36.3 linux-aarch64 3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62 https://dl.k8s.io/release/v1.36.3/bin/linux/arm64/kubectl
kubectl 1.36.3 darwin-x86_64 158b3b46cf74e8b6bd9b1d7cd30f665e3efb2bc1ec3c843ec925bcfdd2930de0 https://dl.k8s.io/release/v1.36.3/bin/darwin/amd64/kubectl
kubectl 1.36.3 darwin-arm64 fc8582acde13869a606730a79379d6515f30c68afcced0b5ac8789d5d002b7d6 https://dl.k8s.io/release/v1.36.3/bin/darwin/arm64/kubectl
kind 0.32.0 linux-x86_64 50030de23cf40a18505f20426f6a8506bedf13c6e509244bd1fa9463721b0f54 https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-linux-amd64
kind 0.32.0 linux-aarch64 b92cd615e97585de8ddade28ed5cd7feb4248d717c233eea5b03c37298900f5d https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-linux-arm64
kind 0.32.0 darwin-x86_64 295ac6d0d634c9819c9907df45e3017d1f13166bd13c3404c45e79f7faa47498 https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-darwin-amd64
kind 0.32.0 darwin-arm64 dca67911095a110c2b5c36e26df6cac860c602033e456c0db47be498cdef1ebb https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-darwin-arm64
"

# need TOOL: ensures that it is on PATH; downloads it into .local/bin and verifies it if necessary
need() {
  command -v "$1" >/dev/null && return
  local platform pin name version sha256 url file
  platform="$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)"
  pin="$(grep "^$1 [^ ]* $platform " <<<"$PINS")" ||
    die "$1 is not on PATH, and there is no pinned download for $platform; nothing was changed. Install $1 by hand."
  read -r name version _ sha256 url <<<"$pin"
  say "Downloading $name $version from $url"
  mkdir -p "$STATE/bin"
  file="$(mktemp "$STATE/bin/.$name.XXXXXX")"
  if ! curl -fsSL --retry 3 -o "$file" "$url"; then
    rm -f "$file"
    die "$name could not be downloaded; nothing was changed. Behind a mirror: put $name $version on PATH."
  fi
  if [[ "$(sha256_of "$file")" != "$sha256" ]]; then
    rm -f "$file"
    die "$url does not have the pinned SHA-256 $sha256; the file was removed. Do not use that download."
  fi
  if [[ "$url" == *.tar.gz ]]; then
    tar -xzf "$file" -C "$STATE/bin" --strip-components=1
    rm -f "$file"
  else
    chmod 755 "$file"
    mv "$file" "$STATE/bin/$name"
  fi
}

sha256_of() { # FILE
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}
