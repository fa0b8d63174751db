#!/bin/sh
# Puts the program, as it is installed, into a directory: dist/, bin/, its dependencies with the Node that it runs on, manual
# pages, completion, and the worked examples. The Debian package and the container image are made of this.
#
#   sh packaging/stage.sh DIR       DIR must not exist
set -eu
target=$1
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
[ ! -e "$target" ] || { echo "stage.sh: $target is there already; name a new directory" >&2; exit 2; }
mkdir -p "$target"
target=$(CDPATH='' cd -- "$target" && pwd)
sh "$home/scripts/build.sh" "$target/dist"
cd "$home"
cp -R bin examples package.json package-lock.json LICENSE README.md "$target/"
# Dependencies for running alone; the lock file says which, and what they must hash to.
(cd "$target" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error)
rm -rf "$target"/node_modules/@biomejs "$target"/node_modules/.bin "$target"/node_modules/node-linux-*/include \
  "$target"/node_modules/node-linux-*/share
rm -f "$target/package-lock.json"
mkdir -p "$target/share/completion"
"$target/bin/posthorn" help --man "$target/share/man" > /dev/null
for shell in bash zsh fish; do
  "$target/bin/posthorn" completion "$shell" > "$target/share/completion/posthorn.$shell"
done
