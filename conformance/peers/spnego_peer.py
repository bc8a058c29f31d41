"""One end of a SPNEGO conversation by PyPI's pyspnego or by MIT's library, for the conformance suite.

    spnego_peer.py pyspnego init   PORT PROTOCOL MECHS [FLAG...]   connects to 127.0.0.1:PORT
    spnego_peer.py pyspnego accept PORT PROTOCOL MECHS [FLAG...]   listens there for one conversation
    spnego_peer.py mit ...                                         the same with MIT's library and gss-ntlmssp

PROTOCOL is negotiate, kerberos or ntlm (the last two without SPNEGO); MECHS is kerberos, ntlm or kerberos,ntlm: what the
peer has credentials for. FLAG is mutual, dce (DCE style, three legs), or
first: the acceptor speaks first.

Each token and message goes as a 4-byte big-endian length and its bytes; an empty one in the place of a token means that
there is none. Once the context stands, each side sends, the initiator first: its MESSAGES wrapped with confidentiality,
and a MIC over each; and checks what the other sent. The initiator's last act is to send b"done" in clear. None of the messages is empty:
gss-ntlmssp takes none.
"""
import os
import socket
import sys

from wire import receive, send

MESSAGES = [b"x", b"hello, peer", bytes(range(256)) * 5, b"z" * 16384]
KRB5, NTLM, SPNEGO = "1.2.840.113554.1.2.2", "1.3.6.1.4.1.311.2.2.10", "1.3.6.1.5.5.2"


class Pyspnego:
    """SPNEGO and NTLM in pure Python; Kerberos by way of the gssapi module."""

    def __init__(self, role, protocol, mechs, flags):
        import spnego

        self.spnego = spnego
        request = spnego.ContextReq.confidentiality | spnego.ContextReq.integrity
        request |= spnego.ContextReq.replay_detect | spnego.ContextReq.sequence_detect
        if "mutual" in flags:
            request |= spnego.ContextReq.mutual_auth
        if "dce" in flags:
            request |= spnego.ContextReq.dce_style
        options = spnego.NegotiateOptions.use_negotiate if protocol == "negotiate" else spnego.NegotiateOptions.none
        if protocol == "ntlm":
            options = spnego.NegotiateOptions.use_ntlm
        where = dict(hostname="localhost", service="gss", protocol=protocol, options=options, context_req=request)
        if role == "accept":
            self.context = spnego.server(**where)
            return
        credentials = []
        if "kerberos" in mechs:
            credentials.append(spnego.KerberosCCache(os.environ["KRB5CCNAME"]))
        if "ntlm" in mechs:
            # The password comes out of NTLM_USER_FILE; as a password it would be tried for Kerberos too.
            credentials.append(spnego.CredentialCache("DOM\\alice"))
        self.context = spnego.client(credentials, **where)

    def step(self, token):
        return self.context.step(token)

    def complete(self):
        return self.context.complete

    def wrap(self, message):
        return self.context.wrap(message).data

    def unwrap(self, token):
        return self.context.unwrap(token).data

    def sign(self, message):
        return self.context.sign(message)

    def verify(self, message, mic):
        self.context.verify(message, mic)

    def said(self):
        return "%s by %s" % (self.context.client_principal, self.context.negotiated_protocol)


class Mit:
    """MIT's SPNEGO, with gss-ntlmssp for NTLM."""

    def __init__(self, role, protocol, mechs, flags):
        import gssapi

        self.gssapi = gssapi
        mech = {"negotiate": SPNEGO, "kerberos": KRB5, "ntlm": NTLM}[protocol]
        mech = gssapi.OID.from_int_seq(mech)
        held = [gssapi.OID.from_int_seq({"kerberos": KRB5, "ntlm": NTLM}[name]) for name in mechs.split(",")]
        request = gssapi.RequirementFlag.confidentiality | gssapi.RequirementFlag.integrity
        request |= gssapi.RequirementFlag.replay_detection | gssapi.RequirementFlag.out_of_sequence_detection
        if "mutual" in flags:
            request |= gssapi.RequirementFlag.mutual_authentication
        if "dce" in flags:
            request |= gssapi.RequirementFlag.dce_style
        if role == "accept":
            creds = gssapi.Credentials(usage="accept", mechs=held + ([mech] if mech not in held else []))
            if protocol == "negotiate":
                gssapi.raw.set_neg_mechs(creds, held)
            self.context = gssapi.SecurityContext(usage="accept", creds=creds)
            return
        creds = gssapi.Credentials(usage="initiate", mechs=held + ([mech] if mech not in held else []))
        if protocol == "negotiate":
            gssapi.raw.set_neg_mechs(creds, held)
        name = gssapi.Name("gss@localhost", gssapi.NameType.hostbased_service)
        self.context = gssapi.SecurityContext(name=name, mech=mech, creds=creds, usage="initiate", flags=request)

    def step(self, token):
        return self.context.step(token)

    def complete(self):
        return self.context.complete

    def wrap(self, message):
        return self.context.wrap(message, True).message

    def unwrap(self, token):
        return self.context.unwrap(token).message

    def sign(self, message):
        return self.context.get_signature(message)

    def verify(self, message, mic):
        self.context.verify_signature(message, mic)

    def said(self):
        return "%s by %s" % (self.context.initiator_name, self.context.mech)


def establish(sock, end, token):
    while True:
        token = end.step(token)
        if token:
            send(sock, token)
        if end.complete():
            return
        token = receive(sock)


def speak(sock, end):
    for message in MESSAGES:
        send(sock, end.wrap(message))
    for message in MESSAGES:
        send(sock, end.sign(message))


def listen(sock, end):
    for message in MESSAGES:
        got = end.unwrap(receive(sock))
        assert got == message, (got[:40], message[:40])
    for message in MESSAGES:
        end.verify(message, receive(sock))


def main():
    library, role, port, protocol, mechs, *flags = sys.argv[1:]
    kind = {"pyspnego": Pyspnego, "mit": Mit}[library]
    if role == "init":
        sock = socket.create_connection(("127.0.0.1", int(port)))
        end = kind(role, protocol, mechs, flags)
        establish(sock, end, receive(sock) if "first" in flags else None)
        speak(sock, end)
        listen(sock, end)
        send(sock, b"done")
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        sock, _ = server.accept()
        end = kind(role, protocol, mechs, flags)
        establish(sock, end, None if "first" in flags else receive(sock))
        listen(sock, end)
        speak(sock, end)
        assert receive(sock) == b"done"
    print(end.said())


if __name__ == "__main__":
    main()
