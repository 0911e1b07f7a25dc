"""A scripted SSH client whose every step can be done wrong, in the test's own thread: call one by one.

Not a client for anything else: it believes all that it is told.
"""
import contextlib
import socket

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from .wire import (ECDH_INIT, ECDH_REPLY, GLOBAL_REQUEST, OPEN, OPEN_CONFIRMATION, RAW, REQUEST_FAILURE,
                   SERVICE_ACCEPT, SERVICE_REQUEST, USERAUTH_REQUEST, USERAUTH_SUCCESS, Gone, Reader, Wire, message,
                   string, u32)

ALGORITHM = b"ssh-ed25519"


class Client(Wire):
    """One connection. The steps of a good client in order: hello, handshake, service, login, then channels."""
    role = "client"

    def __init__(self, server, key):
        sock = socket.create_connection((server.host, server.port), 20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)
        self.address = sock.getsockname()
        self.user = server.user.encode()
        self.key = serialization.load_ssh_private_key(key.read_bytes(), None)

    # -- the handshake, step by step

    def init(self, share=None, extra=b"", number=ECDH_INIT):
        """Our share of the key exchange, or these bytes instead."""
        self.mine = X25519PrivateKey.generate()
        self.share = self.mine.public_key().public_bytes(*RAW) if share is None else share
        self.send(number, string(self.share), extra)

    def read_reply(self):
        reader = Reader(self.expect(ECDH_REPLY))
        blob, share = reader.string(), reader.string()
        self.agree(self.mine.exchange(X25519PublicKey.from_public_bytes(share)), blob, (self.share, share))

    def handshake(self, first=True, **kexinit):
        self.kexinit(first, **kexinit)
        self.read_kexinit()
        self.init()
        self.read_reply()
        self.newkeys()
        self.read_newkeys()

    def secure(self):
        """Everything up to the login."""
        self.hello()
        self.handshake()

    # -- the login

    def service(self, name="ssh-userauth"):
        self.send(SERVICE_REQUEST, string(name))
        self.expect(SERVICE_ACCEPT)

    def request(self, method, *parts, user=None, service="ssh-connection"):
        """A USERAUTH_REQUEST as a message; the parts follow the method."""
        self.asked = self.user if user is None else user
        return message(USERAUTH_REQUEST, string(self.asked), string(service), string(method), *parts)

    def tries(self, *requests):
        """Sends such messages."""
        self.raw(b"".join(map(self.frame, requests)))

    def blob(self):
        return string(ALGORITHM) + string(self.key.public_key().public_bytes(*RAW))

    def signed(self, algorithm=ALGORITHM, blob=None, session=None, spoil=None, **request):
        """A login by our key, as a message. session: what is signed instead of ours; spoil(signature) changes it."""
        text = self.request("publickey", b"\1", string(algorithm), string(self.blob() if blob is None else blob),
                            **request)
        signature = self.key.sign(string(self.session if session is None else session) + text)
        return text + string(string(algorithm) + string(spoil(signature) if spoil else signature))

    def login(self):
        self.tries(self.signed())
        self.expect(USERAUTH_SUCCESS)

    def greet(self):
        """Everything up to where a login may come."""
        self.secure()
        self.service()

    def enter(self):
        """Everything up to the end of the login."""
        self.greet()
        self.login()

    # -- after it

    def ask(self, name, *parts, wants=b"\1"):
        self.send(GLOBAL_REQUEST, string(name), wants, *parts)

    def ask_open(self, port, number=0, host="127.0.0.1", window=1 << 21, packet=32768):
        """Asks for a channel to a port; `number` is ours for it."""
        self.send(OPEN, string("direct-tcpip"), u32(number, window, packet), string(host), u32(port),
                  string("127.0.0.1"), u32(1))

    def channel(self, port, number=0, **more):
        """Opens one: the server's number for it, its window and the largest packet it takes."""
        self.ask_open(port, number, **more)
        reader = Reader(self.expect(OPEN_CONFIRMATION), 5)
        return reader.u32(), reader.u32(), reader.u32()

    def stands(self):
        """The server still answers us, and owes nothing from before."""
        self.ask("what@ever")
        self.expect(REQUEST_FAILURE)

    def last_words(self):
        """Reads until the server ends it: its DISCONNECT as (reason, text), or None."""
        with contextlib.suppress(Gone):
            self.drain()
        return self.farewell

    def close(self):
        self.sock.close()
