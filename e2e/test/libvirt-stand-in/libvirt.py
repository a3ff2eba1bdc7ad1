"""What virt-qemu-sev-validate calls of libvirt, over one QMP socket: see the README beside this file."""

import json
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlparse
from xml.etree import ElementTree

VIR_DOMAIN_RUNNING = 1
VIR_DOMAIN_PAUSED = 3

TIMEOUT_SECONDS = 20


class libvirtError(Exception):
    pass


class _Monitor:
    """A client of QMP after its negotiation."""

    def __init__(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(path)
        self._stream = connection.makefile("rw", encoding="utf-8", newline="")
        self._stream.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **given):
        self._stream.write(json.dumps({"execute": command, "arguments": given}))
        self._stream.flush()
        for line in self._stream:
            message = json.loads(line)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise libvirtError(
                    "internal error: unable to execute QEMU command '%s': %s"
                    % (command, message["error"]["desc"])
                )
        raise libvirtError("internal error: End of file from qemu monitor")


class _Domain:
    def __init__(self, monitor, xml):
        self._monitor = monitor
        self._xml = xml
        self._described = ElementTree.fromstring(xml)

    def ID(self):
        return 1

    def name(self):
        return self._described.findtext("name")

    def UUIDString(self):
        return self._monitor.execute("query-uuid")["UUID"]

    def isActive(self):
        return 1

    def info(self):
        running = self._monitor.execute("query-status")["running"]
        state = VIR_DOMAIN_RUNNING if running else VIR_DOMAIN_PAUSED
        return [state, 0, 0, len(self._monitor.execute("query-cpus-fast")), 0]

    def XMLDesc(self, flags=0):
        return self._xml

    def launchSecurityInfo(self, flags=0):
        told = self._monitor.execute("query-sev")
        return {
            "sev-measurement": self._monitor.execute("query-sev-launch-measure")["data"],
            "sev-api-major": told["api-major"],
            "sev-api-minor": told["api-minor"],
            "sev-build-id": told["build-id"],
            "sev-policy": told["policy"],
        }

    def setLaunchSecurityState(self, params, flags=0):
        if self.info()[0] != VIR_DOMAIN_PAUSED:
            raise libvirtError("Requested operation is not valid: domain must be in a paused state")
        given = {"packet-header": params["sev-secret-header"], "secret": params["sev-secret"]}
        if "sev-secret-set-address" in params:
            given["gpa"] = params["sev-secret-set-address"]
        self._monitor.execute("sev-inject-launch-secret", **given)

    def resume(self):
        self._monitor.execute("cont")


class _Connection:
    def __init__(self, uri):
        where = urlparse(uri)
        query = {key: values[-1] for key, values in parse_qs(where.query).items()}
        xml = Path(query["domain"]).read_text(encoding="utf-8")
        self._domain = _Domain(_Monitor(where.path), xml)
        self._host = query.get("host", "another-host")
        self._signature = query.get("signature", "25,1,1").split(",")

    def getHostname(self):
        return self._host

    def lookupByName(self, name):
        if name not in (self._domain.name(), self._domain.UUIDString(), "1"):
            raise libvirtError("Domain not found: no domain with matching name '%s'" % name)
        return self._domain

    def lookupByUUIDString(self, uuid):
        return self.lookupByName(uuid)

    def lookupByID(self, number):
        return self.lookupByName(str(number))

    def getCapabilities(self):
        family, model, stepping = self._signature
        return (
            "<capabilities><host><cpu><signature family='%s' model='%s' stepping='%s'/></cpu></host></capabilities>"
            % (family, model, stepping)
        )


def open(uri):  # libvirt's name for it is Python's, too
    return _Connection(uri)
