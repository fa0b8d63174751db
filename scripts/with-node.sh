#!/bin/sh
# Runs a command with the Node that `npm ci` brought first on PATH. node_modules/.bin/node is not enough: npm 9, which current
# Debian and Ubuntu have, takes it away together with the package for the other kind of machine.
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
case $(uname -m) in
  aarch64 | arm64) platform=arm64 ;;
  *) platform=x64 ;;
esac
# What Node makes of the sources is kept, as in bin/posthorn: each test file is a process of its own.
[ ! -O "$home/node_modules" ] || export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$home/node_modules/.cache/posthorn}"
PATH=$home/node_modules/node-linux-$platform/bin:$home/node_modules/.bin:$PATH exec "$@"
