"""The KDC proxy of the package kdcproxy behind a TLS server: PORT, certificate and key as arguments, its configuration in KDCPROXY_CONFIG."""
import ssl
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import kdcproxy  # noqa: E402


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


port, certificate, key = sys.argv[1:4]
server = make_server("127.0.0.1", int(port), kdcproxy.Application(), handler_class=Quiet)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
