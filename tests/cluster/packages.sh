#!/usr/bin/env bash
# Install what the tests of images run (Debian 12): builders, a registry, containerd.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need podman podman
need buildah buildah
need docker-registry docker-registry
need containerd containerd
need runc runc
need mmdebstrap mmdebstrap
need htpasswd apache2-utils
if [ "${#packages[@]}" -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
