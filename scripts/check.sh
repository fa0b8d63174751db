#!/bin/sh
# What must hold before a commit; CI runs the same. Goes through all of it and tells at the end what failed.
# `--without-tests` is for CI, which has just run them.
cd "$(dirname "$0")/.." || exit 2
failed=
step() {
  name=$1
  shift
  echo "== $name"
  "$@" || failed="$failed, $name"
}
step types npm run --silent types
step 'lint and format' sh scripts/biome.sh check --error-on-warnings .
step imports sh scripts/with-node.sh node scripts/check-imports.ts
step RFCs sh scripts/with-node.sh node scripts/check-rfcs.ts
step 'configuration page' sh scripts/with-node.sh node scripts/configuration-page.ts --check
step 'troubleshooting page' sh scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/troubleshooting-page.ts --check
[ "$1" = --without-tests ] || step tests npm test --silent
[ -z "$failed" ] && echo '== all is well' && exit 0
echo "== failed: ${failed#, }" >&2
exit 1
