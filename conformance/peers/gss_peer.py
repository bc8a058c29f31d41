#!/usr/bin/python3
"""One end of a GSS conversation by the system's GSS library (MIT), for the conformance suite.

    gss_peer.py init   PORT SERVICE@HOST MECH [FLAG...]   connects to 127.0.0.1:PORT
    gss_peer.py accept PORT SERVICE@HOST                  listens there for one conversation

MECH is krb5 or spnego; FLAG is mutual, integ, replay, sequence, dce or delegate. CB in the environment is the hex of the
channel bindings' application data, STORE the cache in which an acceptor keeps what was delegated to it.

Each token and message goes as a 4-byte big-endian length and its bytes. Once the context stands, each side sends, the
initiator first: its MESSAGES wrapped with confidentiality, the same wrapped with integrity only, and a MIC over each;
and checks what the other sent. The initiator's last act is to send b"done" in clear.
"""
import os
import socket
import sys

import gssapi
from gssapi import RequirementFlag

from wire import receive, send

MECHS = {"krb5": gssapi.MechType.kerberos, "spnego": gssapi.OID.from_int_seq("1.3.6.1.5.5.2")}
FLAGS = {
    "mutual": RequirementFlag.mutual_authentication,
    "integ": RequirementFlag.integrity,
    "replay": RequirementFlag.replay_detection,
    "sequence": RequirementFlag.out_of_sequence_detection,
    "dce": RequirementFlag.dce_style,
    "delegate": RequirementFlag.delegate_to_peer,
}
MESSAGES = [b"", b"x", b"hello, peer", bytes(range(256)) * 5, b"z" * 16384]


def bindings():
    data = os.environ.get("CB")
    return gssapi.raw.ChannelBindings(application_data=bytes.fromhex(data)) if data else None


def establish(sock, context, token):
    while True:
        token = context.step(token)
        if token:
            send(sock, token)
        if context.complete:
            return
        token = receive(sock)


def speak(sock, context):
    for encrypt in (True, False):
        for message in MESSAGES:
            send(sock, context.wrap(message, encrypt).message)
    for message in MESSAGES:
        send(sock, context.get_signature(message))


def listen(sock, context):
    for encrypt in (True, False):
        for message in MESSAGES:
            got = context.unwrap(receive(sock))
            assert got.message == message, (got.message[:40], message[:40])
            assert got.encrypted == encrypt, (got.encrypted, encrypt)
    for message in MESSAGES:
        context.verify_signature(message, receive(sock))


def main():
    role, port, service, *rest = sys.argv[1:]
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    if role == "init":
        sock = socket.create_connection(("127.0.0.1", int(port)))
        flags = RequirementFlag.confidentiality | RequirementFlag.integrity
        for flag in rest[1:]:
            flags |= FLAGS[flag]
        context = gssapi.SecurityContext(
            name=name, mech=MECHS[rest[0]], usage="initiate", flags=flags, channel_bindings=bindings()
        )
        establish(sock, context, None)
        speak(sock, context)
        listen(sock, context)
        send(sock, b"done")
        print("target", context.target_name)
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        sock, _ = server.accept()
        creds = gssapi.Credentials(name=name, usage="accept")
        context = gssapi.SecurityContext(usage="accept", creds=creds, channel_bindings=bindings())
        establish(sock, context, receive(sock))
        listen(sock, context)
        speak(sock, context)
        assert receive(sock) == b"done"
        print("initiator", context.initiator_name)
        if context.delegated_creds:
            print("delegated", context.delegated_creds.name)
            context.delegated_creds.store(store={"ccache": os.environ["STORE"]}, overwrite=True)
    print("flags 0x%x" % int(context.actual_flags))


if __name__ == "__main__":
    main()
