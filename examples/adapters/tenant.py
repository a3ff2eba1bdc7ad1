#!/usr/bin/env python3
"""virt-qemu-sev-validate for `sevlab conform --target exec:`, behind docs/reference/exec-protocol.md: a tenant with files.

    sevlab conform --target 'exec:python3 tenant.py /usr/bin/python3 /usr/bin/virt-qemu-sev-validate'
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

VERDICTS = {0: "accepted", 1: "refused", 2: "unusable"}


class NotHere(Exception):
    """A case that this program is not for."""


def options_of(request, write):
    """The launch in question, in the options of the program."""
    if request["version"] < [0, 17]:
        raise NotHere("it takes the measurements of API 0.17 and later for all")
    if "digest" in request:
        raise NotHere("it takes files only")
    major, minor, build = request["version"]
    measurement = base64.b64encode(bytes.fromhex(request["measurement"])).decode()
    options = ["--measurement", measurement, "--api-major", major, "--api-minor", minor, "--build-id", build,
               "--policy", request["policy"], "--tik", write("tik", request["tik"]), "--tek", write("tek", request["tek"])]
    for name in "firmware", "kernel", "initrd":
        if name in request:
            options += ["--" + name, write(name, request[name])]
    if "kernel" in request:
        options += ["--cmdline", request["commandLine"]]
    if "vcpus" in request:
        vcpus = request["vcpus"]
        options += ["--num-cpus", vcpus["count"], "--cpu-family", vcpus["family"], "--cpu-model", vcpus["model"],
                    "--cpu-stepping", vcpus["stepping"]]
    return options


def answer(program, request):
    if request["question"] not in ("measurement", "packet"):
        raise NotHere("it is asked for measurements and packets only")
    with tempfile.TemporaryDirectory(prefix="sevlab-tenant-") as folder:
        def write(name, content):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(bytes.fromhex(content))
            return name

        options = options_of(request, write)
        for i, secret in enumerate(request.get("secrets", [])):
            options += ["--inject-secret", "%s:%s" % (secret["guid"], write("secret%d" % i, secret["data"]))]
        if "secrets" in request:
            options += ["--secret-header", "header", "--secret-payload", "payload"]
        run = subprocess.run([*program, *map(str, options)], cwd=folder, capture_output=True, text=True)
        if run.returncode not in VERDICTS:
            return {"error": "exit status %d: %s" % (run.returncode, run.stderr.strip())}
        reply = {"verdict": VERDICTS[run.returncode]}
        if reply["verdict"] == "accepted" and "secrets" in request:
            reply.update({name: read(folder, file) for name, file in (("header", "header"), ("data", "payload"))})
        return reply


def read(folder, name):
    with open(os.path.join(folder, name)) as file:
        return base64.b64decode(file.read()).hex()


def main(*program):
    for line in sys.stdin:
        request = json.loads(line)
        if "do" not in request:
            reply = {"protocol": "sevlab-exec", "version": 1, "name": os.path.basename(program[-1]), "rooms": ["tenant"]}
        else:
            try:
                reply = answer(program, request)
            except NotHere as reason:
                reply = {"skip": str(reason)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
