#!/usr/bin/env python3
"""Lets sevlab's conformance suite ask an AMD-SP: an example of its line protocol (docs/reference/exec-protocol.md).

The AMD-SP here knows the platform's states and no keys, so whatever needs a key is not for it. Put the mailbox of your
own in the place of Platform.command().

    sevlab conform --target "exec:python3 platform.py"
"""

import json
import struct
import sys

SUCCESS, INVALID_PLATFORM_STATE, INVALID_CONFIG, INVALID_LENGTH = 0x00, 0x01, 0x03, 0x04
INVALID_ADDRESS, INVALID_COMMAND = 0x09, 0x11

UNINIT, INIT_STATE = 0, 1
API_MAJOR, API_MINOR, BUILD = 1, 55, 25
PAGE = 4096
MEBIBYTE = 0x100000

INIT, SHUTDOWN, PLATFORM_STATUS, NOP = 0x01, 0x02, 0x04, 0x0E
# Commands for a guest, or about the keys of the platform.
NEED_INIT = {0x05, 0x06, 0x07, 0x08, 0x09, *range(0x20, 0x26), 0x30, 0x31, *range(0x33, 0x37),
             *range(0x40, 0x45), *range(0x50, 0x54), 0x60, 0x61}
KNOWN_ELSEWHERE = {0x03, 0x0A, 0x0B, 0x0C, 0x0D, 0x0F, 0x32, 0x70, 0x71}


class NotHere(Exception):
    """A case that this program is not for."""


class Memory:
    """DRAM as pages; what was never written is zero."""

    def __init__(self):
        self.pages = {}

    def read(self, at, length):
        pieces = (bytes(self.pages.get(page, bytes(PAGE))[low:high]) for page, low, high in self.pieces(at, length))
        return b"".join(pieces)

    def write(self, at, data):
        for page, low, high in self.pieces(at, len(data)):
            self.pages.setdefault(page, bytearray(PAGE))[low:high] = data[: high - low]
            data = data[high - low :]

    @staticmethod
    def pieces(at, length):
        while length > 0:
            low = at % PAGE
            high = min(PAGE, low + length)
            yield at // PAGE, low, high
            at, length = at + high - low, length - (high - low)


class Platform:
    """The state of the platform, behind the mailbox."""

    def __init__(self):
        self.memory = Memory()
        self.state = UNINIT
        self.es = False

    def command(self, number, buffer):
        if number == NOP:
            return SUCCESS
        if number == PLATFORM_STATUS:
            status = struct.pack("<BBBBHBBI", API_MAJOR, API_MINOR, self.state, 0, int(self.es), 0, BUILD, 0)
            self.memory.write(buffer, status)
            return SUCCESS
        if number == INIT:
            return self.init(*struct.unpack("<HHIQI", self.memory.read(buffer, 20)))
        if number == SHUTDOWN:
            self.state, self.es = UNINIT, False
            return SUCCESS
        if number in NEED_INIT:
            if self.state == UNINIT:
                return INVALID_PLATFORM_STATE
            raise NotHere("there are no keys here")
        if number in KNOWN_ELSEWHERE:
            raise NotHere(f"command {number:#x} is not here")
        return INVALID_COMMAND

    def init(self, flags, reserved02, reserved04, tmr_paddr, tmr_len):
        if self.state != UNINIT:
            return INVALID_PLATFORM_STATE
        if flags & ~1 or reserved02 or reserved04:
            return INVALID_CONFIG
        if flags & 1 and tmr_paddr % MEBIBYTE:
            return INVALID_ADDRESS
        if flags & 1 and tmr_len != MEBIBYTE:
            return INVALID_LENGTH
        self.state, self.es = INIT_STATE, bool(flags & 1)
        return SUCCESS


platform = Platform()


def answer(request):
    global platform
    verb = request.get("do")
    at = int(request.get("at", "0"), 16)
    if verb is None:
        return {"protocol": "sevlab-exec", "version": 1, "name": "platform.py", "rooms": ["psp"]}
    if verb == "power-on":
        platform = Platform()
        return {}
    if verb == "write":
        platform.memory.write(at, bytes.fromhex(request["bytes"]))
        return {}
    if verb == "read":
        return {"bytes": platform.memory.read(at, request["length"]).hex()}
    if verb == "wbinvd":
        return {}
    if verb == "command":
        try:
            status = platform.command(int(request["id"], 16), int(request["buffer"], 16))
        except NotHere as reason:
            return {"skip": str(reason)}
        return {"status": status, "buffer": hex(status)}  # firmware 1.55 leaves something else in the registers
    return {"skip": f"{verb} needs keys, and there are none here"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
