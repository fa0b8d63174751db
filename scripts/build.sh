#!/bin/sh
# Makes dist/, which a package ships: TypeScript is not run below node_modules. Development never needs it.
#
#   sh scripts/build.sh [DIR]       DIR instead of dist/; it is made anew
set -eu
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
output=${1:-$home/dist}
rm -rf "$output"
mkdir -p "$output"
output=$(CDPATH='' cd -- "$output" && pwd)
cd "$home"
PATH=$PWD/node_modules/.bin:$PATH
tsc -p tsconfig.build.json --outDir "$output"
# What the program reads beside its code.
(cd src && find . -name '*.sql' -o -path './web/browser/*' -type f ! -name tsconfig.json) | while read -r file; do
  mkdir -p "$output/$(dirname "$file")"
  cp "src/$file" "$output/$file"
done
