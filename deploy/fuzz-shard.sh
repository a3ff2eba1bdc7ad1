#!/bin/sh
# One shard of a fuzz campaign. The environment says which one, as `sevlab fuzz --help` tells; without that, all of it.
#   RUNS    cases of the whole campaign, default 246000: 20,000 at each cheap door, 10,000 where each boots a kernel
#           or reads a scenario, 500 whole launches
#   SEED    default ci
#   FOLDER  where results, report and what shows failures go, default reports/fuzz
# A shard that was broken off goes on when it is started again with the same FOLDER. Fold the results of all shards with
#   sevlab fuzz merge FOLDER/*.jsonl
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-246000} seed=${SEED:-ci} folder=${FOLDER:-reports/fuzz}
shard=${SHARD_INDEX:-${JOB_COMPLETION_INDEX:-all}}
npm run --silent setup
mkdir -p "$folder"
results="$folder/shard-$shard.jsonl"
# machines of CI are shared: a case hangs after 20 s there
set -- --case-limit 20 --failures "$folder/failures" --report "$folder/shard-$shard.md"
if [ -s "$results" ]; then
  exec node dist/sevlab.cjs fuzz --resume "$results" "$@"
fi
exec node dist/sevlab.cjs fuzz --runs "$runs" --seed "$seed" --output "$results" "$@"
