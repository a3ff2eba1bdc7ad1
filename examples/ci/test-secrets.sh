#!/bin/sh
# A tenant's secret goes by attestation and LAUNCH_SECRET into a SEV guest, a real Linux boots there, and the file that it
# shows must be that secret. Usage: test-secrets.sh [FILE]; without one, a secret is made up. Exit code 0: it was so.
set -eu
folder=$(cd "$(dirname "$0")" && pwd -P)
sevlab=${SEVLAB:-$folder/../../sevlab}
guid=736869e5-84f0-4973-92ec-06879ce3da0b
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The tenant's secret, and the launch that it is meant for.
if [ $# -gt 0 ]; then cat -- "$1" >"$work/secret"; else printf 'made up for this test' >"$work/secret"; fi
cat >"$work/launch.yaml" <<END
version: 1
title: A secret for a guest in CI
policy: [NODBG, NOKS]
firmware: { layout: "202405" }
memory: 512 MiB
secrets: [{ guid: $guid, base64: $(base64 -w 0 "$work/secret") }]
steps: []
END

# Launch, measurement, verification, packet and injection; then a real kernel.
"$sevlab" boot --json --reveal "$work/launch.yaml" >"$work/boot.json"

# What programs in the guest find.
node - "$work" "$guid" <<'END'
const { readFileSync } = require('node:fs');
const [folder, guid] = process.argv.slice(2);
const { answers } = JSON.parse(readFileSync(`${folder}/boot.json`, 'utf8'));
const { release } = answers.find(({ op }) => op === 'boot');
const file = answers.find(({ op }) => op === 'readall').f.find(({ n }) => n === guid);
const expected = readFileSync(`${folder}/secret`).toString('hex');
if (file?.hex !== expected) {
  console.error(`Linux ${release}: ${guid}: expected the secret of ${expected.length / 2} bytes, got ${file?.len ?? 'no file'}`);
  process.exit(1);
}
console.log(`Linux ${release}: ${guid} holds the secret, ${file.len} bytes`);
END

# A host that changes the packet on its way gets nothing in.
"$sevlab" run "$folder/changed-packet.yaml"
