"""One end of an NTLM conversation, for the conformance suite.

    ntlm_peer.py LIBRARY init   PORT MECH [OPTION...]   connects to 127.0.0.1:PORT
    ntlm_peer.py LIBRARY accept PORT MECH [OPTION...]   listens there for one conversation

LIBRARY is gss (MIT's libgssapi with gss-ntlmssp) or pyspnego; MECH is ntlm or spnego. An OPTION is
  sign        without encryption, and then without wrapped messages: both libraries seal those whatever was negotiated
  deaf        does not check what the other side sends
  wrong       with another password than alice's
  notime      as a client of a server that sends no time, which makes no MIC (pyspnego's initiator)
CB in the environment is the hex of the channel bindings' application data, NTLM_USER_FILE the acceptor's users.

gss-ntlmssp takes no empty message, so that none is sent to it or by it.

Each token and message goes as a 4-byte big-endian length and its bytes. Once the context stands, each side sends, the
initiator first: its MESSAGES wrapped, and a MIC over each; and checks what the other sent. The initiator's last act is
to send b"done" in clear.
"""
import os
import socket
import sys

from wire import receive, send

MESSAGES = [(bytes(range(251)) * 4178)[:size] for size in (0, 1, 15, 16, 17, 63, 64, 65, 4096, 1 << 20)]
USER, PASSWORD = "DOM\\alice", "Passw0rd-alice"


class Gss:
    def __init__(self, role, mech, options):
        import gssapi
        from gssapi import RequirementFlag as Flag

        ntlm = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
        chosen = ntlm if mech == "ntlm" else gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
        data = os.environ.get("CB")
        bindings = gssapi.raw.ChannelBindings(application_data=bytes.fromhex(data)) if data else None
        if role == "init":
            name = gssapi.Name(USER, gssapi.NameType.user)
            password = "another" if "wrong" in options else PASSWORD
            creds = gssapi.raw.acquire_cred_with_password(name, password.encode(), mechs=[ntlm], usage="initiate").creds
            flags = Flag.integrity | Flag.replay_detection | Flag.out_of_sequence_detection
            if "sign" not in options:
                flags |= Flag.confidentiality
            self.context = gssapi.SecurityContext(
                name=gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service), mech=chosen,
                creds=gssapi.Credentials(base=creds), usage="initiate", flags=flags, channel_bindings=bindings)
        else:
            creds = gssapi.Credentials(usage="accept", mechs=[ntlm]) if mech == "ntlm" else None
            self.context = gssapi.SecurityContext(usage="accept", creds=creds, channel_bindings=bindings)

    step = property(lambda self: self.context.step)
    complete = property(lambda self: self.context.complete)
    client = property(lambda self: str(self.context.initiator_name))

    def wrap(self, data, encrypt):
        return self.context.wrap(data, encrypt).message

    def unwrap(self, token):
        return self.context.unwrap(token).message

    def sign(self, data):
        return self.context.get_signature(data)

    def verify(self, data, mic):
        self.context.verify_signature(data, mic)


class Pyspnego:
    def __init__(self, role, mech, options):
        import spnego
        from spnego.channel_bindings import GssChannelBindings

        negotiate = mech == "spnego"
        choice = spnego.NegotiateOptions.use_negotiate if negotiate else spnego.NegotiateOptions.use_ntlm
        data = os.environ.get("CB")
        args = {
            "protocol": "negotiate" if negotiate else "ntlm",
            "options": choice,
            "channel_bindings": GssChannelBindings(application_data=bytes.fromhex(data)) if data else None,
        }
        if role == "init":
            required = spnego.ContextReq.integrity | spnego.ContextReq.replay_detect | spnego.ContextReq.sequence_detect
            if "sign" not in options:
                required |= spnego.ContextReq.confidentiality
            password = "another" if "wrong" in options else PASSWORD
            self.context = spnego.client(
                USER, password, hostname="localhost", service="HTTP", context_req=required, **args)
            if "notime" in options:
                self.forget_the_time()
        else:
            self.context = spnego.server(**args)

    @staticmethod
    def forget_the_time():
        from types import SimpleNamespace

        from spnego._ntlm import NTLMProxy
        from spnego._ntlm_raw.messages import AvId

        compute = NTLMProxy._compute_response

        def without_time(self, challenge, *args, **kwargs):
            info = challenge.target_info.copy()
            del info[AvId.timestamp]
            timeless = SimpleNamespace(
                flags=challenge.flags, server_challenge=challenge.server_challenge, target_info=info)
            return compute(self, timeless, *args, **kwargs)

        NTLMProxy._compute_response = without_time

    step = property(lambda self: self.context.step)
    complete = property(lambda self: self.context.complete)
    client = property(lambda self: self.context.client_principal)

    def wrap(self, data, encrypt):
        return self.context.wrap(data, encrypt).data

    def unwrap(self, token):
        return self.context.unwrap(token).data

    def sign(self, data):
        return self.context.sign(data)

    def verify(self, data, mic):
        self.context.verify(data, mic)


def establish(sock, peer, token):
    while True:
        token = peer.step(token)
        if token:
            send(sock, token)
        if peer.complete:
            return
        token = receive(sock)


def speak(sock, peer, messages, options):
    if "sign" not in options:
        for message in messages:
            send(sock, peer.wrap(message, True))
    for message in messages:
        send(sock, peer.sign(message))


def listen(sock, peer, messages, options):
    if "sign" not in options:
        for message in messages:
            token = receive(sock)
            assert "deaf" in options or peer.unwrap(token) == message, len(message)
    for message in messages:
        mic = receive(sock)
        if "deaf" not in options:
            peer.verify(message, mic)


def main():
    library, role, port, mech, *options = sys.argv[1:]
    peer = {"gss": Gss, "pyspnego": Pyspnego}[library](role, mech, options)
    messages = MESSAGES[1:] if library == "gss" else MESSAGES
    if role == "init":
        sock = socket.create_connection(("127.0.0.1", int(port)))
        establish(sock, peer, None)
        speak(sock, peer, messages, options)
        listen(sock, peer, messages, options)
        send(sock, b"done")
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        sock, _ = server.accept()
        establish(sock, peer, receive(sock))
        listen(sock, peer, messages, options)
        speak(sock, peer, messages, options)
        assert receive(sock) == b"done"
        print("initiator", peer.client)


if __name__ == "__main__":
    main()
