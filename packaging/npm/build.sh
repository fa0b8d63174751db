#!/bin/sh
# Builds the npm package: the compiled program, its documentation and the worked examples. What only development needs stays
# out, the linter's 96 MB above all, which a checkout has as an optional dependency. Needs npm, and `npm ci` before; no root.
#
#   sh packaging/npm/build.sh OUTPUT-DIR     prints the path of the package
set -eu
umask 022
[ $# = 1 ] || { echo 'build.sh: name the directory for the package: sh packaging/npm/build.sh OUTPUT-DIR' >&2; exit 2; }
mkdir -p -- "$1"
output=$(CDPATH='' cd -- "$1" && pwd)
home=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
sh "$home/scripts/build.sh" "$stage/dist" >&2
cd "$home"
cp -R bin examples LICENSE README.md CHANGELOG.md "$stage/"
mkdir "$stage/docs"
cp docs/*.md "$stage/docs/"
# `private` keeps a checkout from being published by mistake; this package is what may be.
node -e '
  const { readFileSync, writeFileSync } = require("node:fs")
  const { private: _, scripts: __, devDependencies: ___, ...kept } = JSON.parse(readFileSync("package.json", "utf8"))
  for (const name of Object.keys(kept.optionalDependencies))
    if (!name.startsWith("node-linux-")) delete kept.optionalDependencies[name]
  writeFileSync(process.argv[1] + "/package.json", JSON.stringify(kept, null, 2) + "\n")
' "$stage"
cd "$stage"
echo "$output/$(npm pack --silent --pack-destination "$output")"
