#!/bin/sh
# Makes dist/, which the published package ships: TypeScript is not run below node_modules. Development never needs it.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
sh scripts/with-node.sh tsc -p tsconfig.build.json
# What the program reads beside its code.
(cd src && find . -name '*.sql' -o -path './web/browser/*' -type f ! -name tsconfig.json) | while read -r file; do
  mkdir -p "dist/$(dirname "$file")"
  cp "src/$file" "dist/$file"
done
