#!/usr/bin/python3
"""Single steps of the system's GSS library (MIT), for the conformance suite: one line of output for each line of input.

    gss_once.py accept SERVICE@HOST   each line is the hex of a first token; prints `accepted NAME` or `refused TEXT`
    gss_once.py local                 each line is a principal; prints `local NAME` or `refused TEXT`
    gss_once.py talk PORT SERVICE@HOST   each line is a message to our example server; prints its answers
    gss_once.py serve PORT SERVICE@HOST  serves one of our example clients, answering in capitals
    gss_once.py names                 each line is `TYPE TEXT`; prints the hex of the exported name or `refused TEXT`
"""
import ctypes
import socket
import struct
import sys

import gssapi
from gssapi import raw

TYPES = {
    "hostbased": gssapi.NameType.hostbased_service,
    "user": gssapi.NameType.user,
    "krb5": gssapi.OID.from_int_seq("1.2.840.113554.1.2.2.1"),
    "enterprise": gssapi.OID.from_int_seq("1.2.840.113554.1.2.2.6"),
    "exported": gssapi.NameType.export,
}


def accept(service, line):
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    creds = gssapi.Credentials(name=name, usage="accept")
    context = gssapi.SecurityContext(usage="accept", creds=creds)
    context.step(bytes.fromhex(line))
    return f"accepted {context.initiator_name}"


def local():
    """krb5_aname_to_localname(3), which no Python package has."""
    krb5 = ctypes.CDLL("libkrb5.so.3")
    krb5.krb5_get_error_message.restype = ctypes.c_char_p
    context = ctypes.c_void_p()
    assert krb5.krb5_init_context(ctypes.byref(context)) == 0

    def one(line):
        principal, buffer = ctypes.c_void_p(), ctypes.create_string_buffer(256)
        code = krb5.krb5_parse_name(context, line.encode(), ctypes.byref(principal))
        code = code or krb5.krb5_aname_to_localname(context, principal, 256, buffer)
        if code:
            return f"refused {krb5.krb5_get_error_message(context, code).decode()}"
        return f"local {buffer.value.decode()}"

    return one


def names(line):
    kind, _, text = line.partition(" ")
    text = bytes.fromhex(text) if kind == "exported" else text.encode()
    name = raw.import_name(text, TYPES[kind])
    name = raw.canonicalize_name(name, gssapi.MechType.kerberos)
    return raw.export_name(name).hex()


def send(sock, data):
    sock.sendall(struct.pack(">I", len(data)) + data)


def receive(sock):
    head = sock.recv(4, socket.MSG_WAITALL)
    return sock.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if len(head) == 4 else None


def establish(sock, context, token):
    while True:
        token = context.step(token)
        if token:
            send(sock, token)
        if context.complete:
            return
        token = receive(sock)


def talk(port, service):
    sock = socket.create_connection(("127.0.0.1", int(port)))
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    flags = gssapi.RequirementFlag.mutual_authentication | gssapi.RequirementFlag.integrity
    context = gssapi.SecurityContext(name=name, usage="initiate", flags=flags)
    establish(sock, context, b"")

    def one(line):
        send(sock, context.wrap(line.encode(), True).message)
        answer = context.unwrap(receive(sock))
        assert answer.encrypted
        return answer.message.decode()

    return one


def serve(port, service):
    listener = socket.create_server(("127.0.0.1", int(port)))
    sock, _ = listener.accept()
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    context = gssapi.SecurityContext(usage="accept", creds=gssapi.Credentials(name=name, usage="accept"))
    establish(sock, context, receive(sock))
    print("initiator", context.initiator_name)
    while (token := receive(sock)) is not None:
        message = context.unwrap(token)
        assert message.encrypted
        send(sock, context.wrap(message.message.upper(), True).message)


def main():
    mode, *rest = sys.argv[1:]
    if mode == "serve":
        return serve(*rest)
    if mode == "talk":
        step = talk(*rest)
    elif mode == "local":
        step = local()
    else:
        step = {"accept": lambda line: accept(rest[0], line), "names": names}[mode]
    for line in sys.stdin:
        try:
            print(step(line.rstrip("\n")))
        except gssapi.exceptions.GSSError as error:
            print("refused", " ".join(str(error).split()))


if __name__ == "__main__":
    main()
