#!/usr/bin/python3
"""One end of a GSS conversation by any C library of the GSS-API, loaded as it is, for the conformance suite.

    capi_peer.py LIBRARY init   PORT SERVICE@HOST MECH [FLAG...]   connects to 127.0.0.1:PORT
    capi_peer.py LIBRARY accept PORT SERVICE@HOST MECH [FLAG...]   listens there for one conversation

MECH is krb5 or spnego; FLAG is mutual; gap: the first message is to be found early; delegate: the initiator's ticket is
handed on; or only: no messages follow. CB in the environment is the hex of the channel bindings' application data.

Each token and message goes as a 4-byte big-endian length and its bytes. Once the context stands, each side sends, the
initiator first: its MESSAGES wrapped with confidentiality, the same wrapped with integrity only, a MIC over each, and then
the wrapped messages 1, 3, 2, 2 of three; and checks what the other sent. The initiator's last act is to send b"done" in
clear.
"""
import ctypes as c
import os
import socket
import sys

from wire import receive, send

MESSAGES = [b"", b"x", b"y" * 15, b"y" * 16, b"y" * 17, b"y" * 32, bytes(range(256)) * 5, b"z" * (1 << 20)]
SUPPLEMENTARY = {0: "in sequence", 2: "duplicate", 4: "old", 8: "unsequenced", 16: "gap"}
DELEG, MUTUAL, REPLAY, SEQUENCE, CONF, INTEG = 1, 2, 4, 8, 16, 32
CONTINUE = 1


class Buffer(c.Structure):
    _fields_ = [("length", c.c_size_t), ("value", c.c_void_p)]

    @classmethod
    def of(cls, data):
        held = c.create_string_buffer(data, len(data))
        buffer = cls(len(data), c.cast(held, c.c_void_p))
        buffer.held = held
        return buffer

    def bytes(self):
        return c.string_at(self.value, self.length) if self.length else b""


class Oid(c.Structure):
    _fields_ = [("length", c.c_uint32), ("elements", c.c_void_p)]

    @classmethod
    def of(cls, text):
        numbers = [int(number) for number in text.split(".")]
        data = bytes([numbers[0] * 40 + numbers[1]])
        for number in numbers[2:]:
            octets = [number & 0x7F]
            while number >> 7:
                number >>= 7
                octets.append(number & 0x7F | 0x80)
            data += bytes(reversed(octets))
        held = c.create_string_buffer(data, len(data))
        oid = cls(len(data), c.cast(held, c.c_void_p))
        oid.held = held
        return oid


class Bindings(c.Structure):
    _fields_ = [
        ("initiator_type", c.c_uint32),
        ("initiator", Buffer),
        ("acceptor_type", c.c_uint32),
        ("acceptor", Buffer),
        ("data", Buffer),
    ]


MECHS = {"krb5": Oid.of("1.2.840.113554.1.2.2"), "spnego": Oid.of("1.3.6.1.5.5.2")}
HOSTBASED = Oid.of("1.2.840.113554.1.2.1.4")


class Context:
    def __init__(self, library):
        self.gss = c.CDLL(library)
        self.handle = c.c_void_p()
        self.minor = c.c_uint32()
        self.flags = c.c_uint32()
        self.bindings = None
        data = os.environ.get("CB")
        if data:
            self.bindings = Bindings(0, Buffer(), 0, Buffer(), Buffer.of(bytes.fromhex(data)))

    def call(self, name, *args):
        major = getattr(self.gss, name)(c.byref(self.minor), *args) & 0xFFFFFFFF
        if major & 0xFFFF0000:
            raise RuntimeError("%s: major %08x minor %d%s" % (name, major, self.minor.value, self.why(major)))
        return major

    def why(self, major):
        text, minor = "", c.c_uint32()
        for status, kind in ((major, 1), (self.minor.value, 2)):
            more, said = c.c_uint32(), Buffer()
            self.gss.gss_display_status(
                c.byref(minor), c.c_uint32(status), kind, c.byref(MECHS["krb5"]), c.byref(more), c.byref(said)
            )
            text += ": " + said.bytes().decode(errors="replace")
        return text

    def name(self, text):
        name, buffer = c.c_void_p(), Buffer.of(text.encode())
        self.call("gss_import_name", c.byref(buffer), c.byref(HOSTBASED), c.byref(name))
        return name

    def shown(self, name):
        said = Buffer()
        self.call("gss_display_name", name, c.byref(said), None)
        return said.bytes().decode()

    def channel(self):
        return c.byref(self.bindings) if self.bindings else None

    def initiate(self, sock, target, mech, flags):
        name, token = self.name(target), Buffer()
        while True:
            out = Buffer()
            major = self.call(
                "gss_init_sec_context",
                None,
                c.byref(self.handle),
                name,
                c.byref(MECHS[mech]),
                c.c_uint32(flags),
                c.c_uint32(0),
                self.channel(),
                c.byref(token),
                None,
                c.byref(out),
                c.byref(self.flags),
                None,
            )
            if out.length:
                send(sock, out.bytes())
            if not major & CONTINUE:
                return
            token = Buffer.of(receive(sock))

    def accept(self, sock):
        source, self.delegated = c.c_void_p(), c.c_void_p()
        while True:
            token, out = Buffer.of(receive(sock)), Buffer()
            major = self.call(
                "gss_accept_sec_context",
                c.byref(self.handle),
                None,
                c.byref(token),
                self.channel(),
                c.byref(source),
                None,
                c.byref(out),
                c.byref(self.flags),
                None,
                c.byref(self.delegated),
            )
            if out.length:
                send(sock, out.bytes())
            if not major & CONTINUE:
                return self.shown(source)

    def delegated_name(self):
        name = c.c_void_p()
        self.call("gss_inquire_cred", self.delegated, c.byref(name), None, None, None)
        return self.shown(name)

    def wrap(self, message, encrypt):
        data, out, state = Buffer.of(message), Buffer(), c.c_int()
        self.call("gss_wrap", self.handle, int(encrypt), 0, c.byref(data), c.byref(state), c.byref(out))
        assert bool(state.value) == encrypt, state.value
        return out.bytes()

    def unwrap(self, token):
        data, out, state = Buffer.of(token), Buffer(), c.c_int()
        major = self.call("gss_unwrap", self.handle, c.byref(data), c.byref(out), c.byref(state), None)
        return out.bytes(), bool(state.value), SUPPLEMENTARY[major]

    def sign(self, message):
        data, out = Buffer.of(message), Buffer()
        self.call("gss_get_mic", self.handle, 0, c.byref(data), c.byref(out))
        return out.bytes()

    def verify(self, message, mic):
        data, mic = Buffer.of(message), Buffer.of(mic)
        return SUPPLEMENTARY[self.call("gss_verify_mic", self.handle, c.byref(data), c.byref(mic), None)]


def speak(sock, context):
    for encrypt in (True, False):
        for message in MESSAGES:
            send(sock, context.wrap(message, encrypt))
    for message in MESSAGES:
        send(sock, context.sign(message))
    first, second, third = [context.wrap(message, True) for message in (b"1", b"2", b"3")]
    for token in (first, third, second, second):
        send(sock, token)


def listen(sock, context, first="in sequence"):
    expected = first
    for encrypt in (True, False):
        for message in MESSAGES:
            got = context.unwrap(receive(sock))
            assert got == (message, encrypt, expected), (len(got[0]), len(message)) + got[1:]
            expected = "in sequence"
    for message in MESSAGES:
        found = context.verify(message, receive(sock))
        assert found == "in sequence", found
    for expected in ((b"1", "in sequence"), (b"3", "gap"), (b"2", "unsequenced"), (b"2", "duplicate")):
        message, _, found = context.unwrap(receive(sock))
        assert found == expected[1] and message in (expected[0], b""), (message, found, expected)


def main():
    library, role, port, service, mech, *rest = sys.argv[1:]
    context = Context(library)
    if role == "init":
        sock = socket.create_connection(("127.0.0.1", int(port)))
        flags = CONF | INTEG | REPLAY | SEQUENCE | (MUTUAL if "mutual" in rest else 0)
        flags |= DELEG if "delegate" in rest else 0
        context.initiate(sock, service, mech, flags)
        if "only" not in rest:
            speak(sock, context)
            listen(sock, context, "gap" if "gap" in rest else "in sequence")
            send(sock, b"done")
        print("target", service)
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        sock, _ = server.accept()
        client = context.accept(sock)
        if "only" not in rest:
            listen(sock, context)
            speak(sock, context)
            assert receive(sock) == b"done"
        print("initiator", client)
        if context.flags.value & DELEG:
            print("delegated", context.delegated_name())
    print("flags 0x%x" % context.flags.value)


if __name__ == "__main__":
    main()
