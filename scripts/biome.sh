#!/bin/sh
# Runs the linter of this machine's kind: the packages hold plain binaries, one per platform.
case $(uname -m) in
  aarch64 | arm64) platform=arm64 ;;
  *) platform=x64 ;;
esac
exec "$(dirname "$0")/../node_modules/@biomejs/cli-linux-$platform/biome" "$@"
