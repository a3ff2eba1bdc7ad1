#!/bin/sh
# The same as on an EPYC host, with sevlab vmm in its place: everything goes over the QMP socket, and the guest is asked at
# its console. The guest is emulated here; sevlab vmm --real-qemu runs a kernel and an initrd of yours. Needs socat.
set -eu
sevlab=${SEVLAB:-$(cd "$(dirname "$0")" && pwd -P)/../../sevlab}
guid=736869e5-84f0-4973-92ec-06879ce3da0b # which QEMU's tools call luks-key
work=$(mktemp -d)
cd "$work"
trap 'rm -rf "$work"' EXIT

# The tenant's side, once for each launch: session.b64 and godh.b64 go to the host, the keys stay.
"$sevlab" firmware build --out OVMF.fd 2>/dev/null
"$sevlab" platform export --store platform --out chain.cert 2>/dev/null
"$sevlab" owner verify --sev chain.cert --trust-emulated-root >/dev/null 2>&1
"$sevlab" owner session chain.cert --policy 1 2>/dev/null
printf 'open sesame' >passphrase

# The host's side: where a job on hardware starts qemu-system-x86_64.
"$sevlab" vmm --store platform --firmware OVMF.fd --policy 1 --dh-cert-file vm_godh.b64 --session-file vm_session.b64 \
  --qmp qmp.sock --console console.sock 2>vmm.log &
vmm=$!
trap 'kill $vmm 2>/dev/null; rm -rf "$work"' EXIT
until [ -S console.sock ]; do
  kill -0 $vmm 2>/dev/null || { cat vmm.log >&2; exit 1; }
  sleep 0.1
done

# Verify the measurement, inject, let the guest run. virt-qemu-sev-validate of libvirt does the same.
"$sevlab" owner secret --qmp qmp.sock --insecure --firmware OVMF.fd --tik vm_tik.bin --tek vm_tek.bin \
  --inject-secret luks-key:passphrase --resume

# The test: somebody in the guest reads the file.
printf 'root\ncat /sys/kernel/security/secrets/coco/%s; echo\nexit\n' $guid |
  socat -t 10 - UNIX-CONNECT:console.sock >console.log
if ! tr -d '\r' <console.log | grep -qx 'open sesame'; then
  echo "the guest does not find the secret; its console:" >&2
  cat console.log >&2
  exit 1
fi
echo 'the guest reads open sesame'
