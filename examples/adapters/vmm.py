#!/usr/bin/env python3
"""A QEMU, or a program that takes its arguments, for `sevlab conform --target exec:`, behind docs/reference/exec-protocol.md.

    sevlab conform --target 'exec:python3 vmm.py /usr/bin/qemu-system-x86_64'

Real QEMU wants a kernel with SEV for most cases. Where SEV_STAND_IN names a shared object that stands in for one, that is
preloaded and asked what the VMM called; without it those cases are skipped.
"""
import array
import fcntl
import glob
import hashlib
import json
import os
import select
import subprocess
import sys
import tempfile
import termios
import time

BETWEEN_LOOKS = 0.02  # seconds
PATIENCE = 5  # seconds without a line from a process that has always something to do, such as a guest that runs


class Vmm:
    """A process whose monitor is its standard input and output."""

    def __init__(self, program, stand_in, request):
        self.folder = tempfile.TemporaryDirectory(prefix="sevlab-vmm-")
        for name, content in request["files"].items():
            with open(os.path.join(self.folder.name, name), "wb") as file:
                file.write(bytes.fromhex(content))
        self.log = os.path.join(self.folder.name, "calls")
        environment = dict(os.environ)
        if stand_in:
            answers = ("%s:%d:%d" % (one["call"], one["errno"], one["status"]) for one in request["host"])
            environment.update(LD_PRELOAD=stand_in, SEV_STAND_IN_LOG=self.log, SEV_STAND_IN_FAIL=",".join(answers))
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, *request["arguments"], "-qmp", "stdio"],
            cwd=self.folder.name, env=environment, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.rest = b""
        self.ending = False

    def lines(self):
        """Whatever it writes until it idles at two looks: how long that takes depends on the machine."""
        found, idled, end = [], False, time.monotonic() + PATIENCE
        while not self.ending and time.monotonic() < end:
            if select.select([self.process.stdout], [], [], BETWEEN_LOOKS)[0]:
                piece = os.read(self.process.stdout.fileno(), 65536)
                self.ending = not piece
                *whole, self.rest = (self.rest + piece).split(b"\r\n")
                found += [line.decode() for line in whole]
                idled, end = False, time.monotonic() + PATIENCE
                continue
            idles = self.idles()
            if idled and idles:
                break
            idled = idles
        return found

    def idles(self):
        """Whether it has read all that it was sent, and no thread of it runs or waits for a processor or a disk."""
        unread = array.array("i", [0])
        fcntl.ioctl(self.process.stdin, termios.FIONREAD, unread)
        return unread[0] == 0 and set(thread_states(self.process.pid)) == {"S"}

    def send(self, content):
        try:
            self.process.stdin.write(content)
        except BrokenPipeError:
            return []
        return self.lines()

    def look(self):
        self.lines()
        if not self.ending:
            return {"calls": self.calls(), "ended": None}
        status = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode().splitlines()
        told = [line for line in lines if "doesn't support requested feature" not in line]  # of this processor
        name = os.path.basename(self.process.args[0]) + ": "
        return {"calls": self.calls(), "ended": {"status": status, "stderr": [line.removeprefix(name) for line in told]}}

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            return [told(json.loads(line)) for line in file]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def thread_states(pid):
    """Letters of proc(5)."""
    for name in glob.glob("/proc/%d/task/*/stat" % pid):
        try:
            with open(name) as file:
                yield file.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended meanwhile


def told(call):
    """A call as the protocol has it: of what is measured, length and hash."""
    data = call.pop("data", None)
    if data is not None:
        content = bytes.fromhex(data)
        call.update(length=len(content), sha256=hashlib.sha256(content).hexdigest())
    if "gpa" in call:
        call["gpa"] = hex(call["gpa"])
    return call


def release_of(program):
    """7.2 of `QEMU emulator version 7.2.22 (…)`."""
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return ".".join(words[words.index("version") + 1].split(".")[:2])


def main(program, stand_in=os.environ.get("SEV_STAND_IN")):
    vmm = None
    release = release_of(program)
    print_line = lambda answer: print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        action = request.get("do")
        if action is None:
            print_line({"protocol": "sevlab-exec", "version": 1, "name": "QEMU " + release, "rooms": ["vmm"]})
        elif action == "start-vmm":
            if vmm:
                vmm.end()
            vmm = None
            if request["qemu"] != release:
                print_line({"skip": "it is QEMU %s, not %s" % (release, request["qemu"])})
            elif not stand_in and "kvm" in request["arguments"]:
                print_line({"skip": "there is no SEV here, and nothing that stands in for it"})
            else:
                vmm = Vmm(program, stand_in, request)
                greeting = vmm.lines()
                print_line({"greeting": greeting[0]} if greeting else {})
        elif action == "send":
            print_line({"lines": vmm.send(bytes.fromhex(request["bytes"]))})
        elif action == "look":
            print_line(vmm.look())
        else:
            print_line({"error": "no request " + action})
    if vmm:
        vmm.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
