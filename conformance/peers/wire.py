"""How the peers and the suite talk: each token and message behind its length in 4 octets, big-endian."""
import struct


def send(sock, data):
    sock.sendall(struct.pack(">I", len(data)) + data)


def receive(sock):
    return _exactly(sock, struct.unpack(">I", _exactly(sock, 4))[0])


def _exactly(sock, count):
    data = bytearray()
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise EOFError("the peer closed the connection")
        data += chunk
    return bytes(data)
