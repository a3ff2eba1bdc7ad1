#!/bin/sh
# What action.yml and Containerfile call, and e2e/packages.test.ts executes. Needs Node and npm, and no secret.
#   ci.sh install PREFIX      packs sevlab from this checkout: PREFIX/bin/sevlab needs neither the checkout nor a network,
#                             and PREFIX/packages has both packages for npm install
#   ci.sh run REPORTS FILE…   runs scenario files; REPORTS has junit.xml, ctrf.json, and report.html
set -eu
checkout=$(cd -P "$(dirname "$0")/.." && pwd)

case ${1-} in
install)
  prefix=$2
  mkdir -p "$prefix"
  prefix=$(cd "$prefix" && pwd -P)
  (cd "$checkout" && npm run --silent setup && node tools/pack.mjs "$prefix/packages")
  npm install --global --offline --silent --prefix "$prefix" "$prefix"/packages/sevlab-[0-9]*.tgz
  if [ -n "${GITHUB_ACTIONS-}" ]; then
    echo "$prefix/bin" >>"$GITHUB_PATH"
    echo "packages=$prefix/packages" >>"$GITHUB_OUTPUT"
  fi
  ;;
run)
  reports=$2
  shift 2
  mkdir -p "$reports"
  sevlab run --junit "$reports/junit.xml" --ctrf "$reports/ctrf.json" --report "$reports/report.html" "$@"
  ;;
*)
  echo 'usage: ci.sh install PREFIX, or ci.sh run REPORTS FILE…' >&2
  exit 2
  ;;
esac
