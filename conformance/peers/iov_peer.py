#!/usr/bin/python3
"""One end of a GSS conversation in buffers, by MIT's C library, for the conformance suite.

    iov_peer.py init   PORT SERVICE@HOST [dce]   connects to 127.0.0.1:PORT
    iov_peer.py accept PORT SERVICE@HOST [dce]   listens there for one conversation

Each token and message goes as a 4-byte big-endian length and its bytes. Once the context stands, each side sends, the
initiator first, and checks what the other sent:

1. pseudo-random octets, by the full key and by the partial one, for each of PRF;
2. the size limits of LIMITS, sealed and signed, as one string of 4-byte numbers;
3. sealed and signed, for each of LAYOUTS its buffers, each as a message (DCE: for each of DCE_LAYOUTS);
4. sealed and signed, the token of gss_wrap_aead over MESSAGE, with ASSOCIATED (not in DCE style).

The initiator's last act is to send b"done" in clear.
"""
import ctypes as c
import socket
import struct
import sys

from capi_peer import CONF, CONTINUE, INTEG, MUTUAL, REPLAY, SEQUENCE, Buffer, Context
from wire import receive, send

DCE = 0x1000
DATA, HEADER, TRAILER, PADDING, STREAM, SIGN_ONLY = 1, 2, 7, 9, 10, 11
ALLOCATE = 0x10000
PRF = [(b"", 1), (b"input", 16), (b"input", 20), (b"input" * 20, 100)]
LIMITS = [0, 20, 64, 100, 1500, 65536]
ASSOCIATED = b"associated data"
MESSAGE = b"the message itself, in no buffer of its own"
LAYOUTS = [
    [HEADER, (DATA, b"one piece of data"), PADDING, TRAILER],
    [HEADER, (DATA, b""), PADDING, TRAILER],
    [HEADER, (SIGN_ONLY, b"before"), (DATA, b"first, "), (DATA, b"second"), (SIGN_ONLY, b"behind"), PADDING, TRAILER],
]
DCE_LAYOUTS = [
    [HEADER, (DATA, b"0123456789abcdef" * 3)],
    [HEADER, (SIGN_ONLY, b"a header of DCE RPC ...."), (DATA, b"0123456789abcdef" * 5), (SIGN_ONLY, b"its end.")],
]


class Iov(c.Structure):
    _fields_ = [("type", c.c_uint32), ("buffer", Buffer)]


def wrap_iov(context, layout, encrypt):
    iov = (Iov * len(layout))()
    held = []
    for place, entry in zip(iov, layout):
        if isinstance(entry, tuple):
            place.type, data = entry
            held.append(c.create_string_buffer(data, len(data) or 1))
            place.buffer.length, place.buffer.value = len(data), c.addressof(held[-1])
        else:
            place.type = entry | ALLOCATE
    state = c.c_int()
    context.call("gss_wrap_iov", context.handle, int(encrypt), 0, c.byref(state), iov, len(iov))
    assert bool(state.value) == encrypt
    return [place.buffer.bytes() for place in iov]


def unwrap_iov(context, layout, parts):
    iov = (Iov * len(layout))()
    held = []
    for place, entry, part in zip(iov, layout, parts):
        place.type = entry[0] if isinstance(entry, tuple) else entry
        held.append(c.create_string_buffer(part, len(part) or 1))
        place.buffer.length, place.buffer.value = len(part), c.addressof(held[-1])
    state = c.c_int()
    major = context.call("gss_unwrap_iov", context.handle, c.byref(state), None, iov, len(iov))
    assert major == 0, hex(major)
    got = [place.buffer.bytes() for place, entry in zip(iov, layout) if isinstance(entry, tuple)]
    return got, bool(state.value)


def prf(context, key, data, length):
    source, out = Buffer.of(data), Buffer()
    context.call("gss_pseudo_random", context.handle, key, c.byref(source), c.c_ssize_t(length), c.byref(out))
    return out.bytes()


def limits(context):
    found = b""
    for encrypt in (1, 0):
        for most in LIMITS:
            limit = c.c_uint32()
            context.call("gss_wrap_size_limit", context.handle, encrypt, 0, c.c_uint32(most), c.byref(limit))
            found += struct.pack(">I", limit.value)
    return found


def pseudo_random(context):
    return [prf(context, key, data, length) for key in (0, 1) for data, length in PRF]


def speak(sock, context, dce):
    for octets in pseudo_random(context):
        send(sock, octets)
    send(sock, limits(context))
    for encrypt in (True, False):
        for layout in DCE_LAYOUTS if dce else LAYOUTS:
            for part in wrap_iov(context, layout, encrypt):
                send(sock, part)
    for encrypt in () if dce else (True, False):
        associated, message, out, state = Buffer.of(ASSOCIATED), Buffer.of(MESSAGE), Buffer(), c.c_int()
        context.call(
            "gss_wrap_aead",
            context.handle,
            int(encrypt),
            0,
            c.byref(associated),
            c.byref(message),
            c.byref(state),
            c.byref(out),
        )
        send(sock, out.bytes())


def listen(sock, context, dce):
    for expected in pseudo_random(context):
        assert receive(sock) == expected, expected
    receive(sock)
    for encrypt in (True, False):
        for layout in DCE_LAYOUTS if dce else LAYOUTS:
            got = unwrap_iov(context, layout, [receive(sock) for _ in layout])
            assert got == ([entry[1] for entry in layout if isinstance(entry, tuple)], encrypt), got
    for encrypt in () if dce else (True, False):
        token, associated, out, state = Buffer.of(receive(sock)), Buffer.of(ASSOCIATED), Buffer(), c.c_int()
        context.call(
            "gss_unwrap_aead", context.handle, c.byref(token), c.byref(associated), c.byref(out), c.byref(state), None
        )
        assert (out.bytes(), bool(state.value)) == (MESSAGE, encrypt), (out.bytes(), state.value)


def main():
    role, port, service, *rest = sys.argv[1:]
    dce = "dce" in rest
    context = Context("libgssapi_krb5.so.2")
    if role == "init":
        sock = socket.create_connection(("127.0.0.1", int(port)))
        context.initiate(sock, service, "krb5", CONF | INTEG | REPLAY | SEQUENCE | MUTUAL | (DCE if dce else 0))
        speak(sock, context, dce)
        listen(sock, context, dce)
        send(sock, b"done")
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        sock, _ = server.accept()
        context.accept(sock)
        listen(sock, context, dce)
        speak(sock, context, dce)
        assert receive(sock) == b"done"
    assert bool(context.flags.value & DCE) == dce
    print("flags 0x%x" % context.flags.value)


if __name__ == "__main__":
    main()
