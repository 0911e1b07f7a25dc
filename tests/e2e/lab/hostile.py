"""A scripted SSH server whose every step can be done wrong.

A script is a function that gets a Server and calls its steps; Hostile listens and runs the script for each connection.
Not a server for anything else: it believes all that it is told.
"""
import base64
import socket
import threading

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from .wire import (CLOSE, DATA, ECDH_INIT, ECDH_REPLY, EOF, EXT_INFO, GLOBAL_REQUEST, OPEN, OPEN_CONFIRMATION, RAW,
                   REQUEST_FAILURE, REQUEST_SUCCESS, SERVICE_ACCEPT, SERVICE_REQUEST, USERAUTH_60, USERAUTH_FAILURE,
                   USERAUTH_REQUEST, USERAUTH_SUCCESS, WINDOW_ADJUST, Gone, Reader, Wire, string, u32)


class Server(Wire):
    """One connection. The steps of a good server in order: hello, handshake, login, then channels or serve."""
    role = "server"

    def __init__(self, sock, key):
        super().__init__(sock)
        self.key = key
        self.logins = []      # (method, payload) of every USERAUTH_REQUEST
        self.forwards = []    # (address, port) of each tcpip-forward
        self.serving = False
        self.ended = set()    # (EOF or CLOSE, channel) that we have sent

    def send(self, number, *parts, **lies):
        if number in (EOF, CLOSE):
            self.ended.add((number, parts[0][:4]))
        super().send(number, *parts, **lies)

    def courtesy(self, payload):
        if payload[0] == GLOBAL_REQUEST:
            reader = Reader(payload)
            name, wants = reader.string(), reader.boolean()
            if name == b"tcpip-forward":
                self.forwards.append((reader.string(), reader.u32()))
                self.send(REQUEST_SUCCESS, u32(40000) if self.forwards[-1][1] == 0 else b"")
            elif wants:
                self.send(REQUEST_FAILURE)

    # -- the handshake, step by step

    def read_init(self):
        self.client_share = Reader(self.expect(ECDH_INIT)).string()

    def host_blob(self, key=None):
        return string("ssh-ed25519") + string((key or self.key).public_key().public_bytes(*RAW))

    def reply(self, share=None, blob=None, signature=None, key=None, extra=b"", number=ECDH_REPLY):
        """Answers the client's share. share: bytes instead of ours; signature(good) makes another one of it."""
        mine = X25519PrivateKey.generate()
        share = mine.public_key().public_bytes(*RAW) if share is None else share
        blob = self.host_blob(key) if blob is None else blob
        self.agree(mine.exchange(X25519PublicKey.from_public_bytes(self.client_share)), blob,
                   (self.client_share, share))
        good = string("ssh-ed25519") + string((key or self.key).sign(self.hash))
        self.send(number, string(blob), string(share), string(signature(good) if signature else good), extra)

    def handshake(self, first=True, **reply):
        self.kexinit(first)
        self.read_kexinit()
        self.read_init()
        self.reply(**reply)
        self.newkeys()
        self.read_newkeys()

    def ext_info(self, *pairs):
        pairs = pairs or ((b"server-sig-algs", b"ssh-ed25519,rsa-sha2-256"),)
        self.send(EXT_INFO, u32(len(pairs)), *[string(part) for pair in pairs for part in pair])

    def service(self):
        self.expect(SERVICE_REQUEST)
        self.send(SERVICE_ACCEPT, string("ssh-userauth"))

    def read_login(self):
        """The next USERAUTH_REQUEST: (method, reader behind the method)."""
        payload = self.expect(USERAUTH_REQUEST)
        reader = Reader(payload)
        reader.string()
        reader.string()
        method = reader.string()
        self.logins.append((method, payload))
        return method, reader

    def login(self):
        """Lets in whoever comes with a key; the signature is not looked at."""
        self.service()
        while True:
            method, reader = self.read_login()
            if method != b"publickey":
                self.send(USERAUTH_FAILURE, string("publickey"), b"\0")
            elif reader.boolean():
                break
            else:
                self.send(USERAUTH_60, string(reader.string()), string(reader.string()))
        self.send(USERAUTH_SUCCESS)

    def welcome(self):
        """Everything up to the end of the login."""
        self.hello()
        self.handshake()
        self.ext_info()
        self.login()

    # -- channels

    def channel(self, window=1 << 21, packet=32768, confirm=True):
        """Waits for the client to open a channel; returns its number, its window and the largest packet it takes."""
        reader = Reader(self.expect(OPEN))
        reader.string()
        number, its_window, its_packet = reader.u32(), reader.u32(), reader.u32()
        if confirm:
            self.send(OPEN_CONFIRMATION, u32(number, number, window, packet))
        return number, its_window, its_packet

    def serve(self):
        """A well-behaved echo server from here on, until the client goes."""
        self.serving = True
        while True:
            payload = self.packet()
            reader = Reader(payload)
            if payload[0] == OPEN:
                reader.string()
                number = reader.u32()
                self.ended -= {(EOF, u32(number)), (CLOSE, u32(number))}
                self.send(OPEN_CONFIRMATION, u32(number, number, 1 << 21, 32768))
            elif payload[0] == DATA:
                number, data = reader.u32(), reader.string()
                if {(EOF, u32(number)), (CLOSE, u32(number))} & self.ended:
                    continue
                self.send(DATA, u32(number), string(data))
                self.send(WINDOW_ADJUST, u32(number, len(data)))
            elif payload[0] in (EOF, CLOSE):
                if (payload[0], payload[1:5]) not in self.ended:
                    self.send(payload[0], payload[1:5])
            else:
                self.courtesy(payload)


class Hostile:
    """Listens; every connection runs the script and is then read to its end. .trouble: what the script found."""
    host, user = "127.0.0.1", "victim"

    def __init__(self, script):
        self.script = script
        self.key = Ed25519PrivateKey.generate()
        self.wires = []
        self.trouble = []
        self.finished = threading.Event()
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._play, args=(sock,), daemon=True).start()

    def _play(self, sock):
        wire = Server(sock, self.key)
        self.wires.append(wire)
        try:
            self.script(wire)
            wire.drain()
        except (Gone, OSError, EOFError):
            pass
        except BaseException as problem:  # shown by the test
            self.trouble.append(problem)
        finally:
            sock.close()
            self.finished.set()

    def known_hosts(self):
        blob = string("ssh-ed25519") + string(self.key.public_key().public_bytes(*RAW))
        return f"[{self.host}]:{self.port} ssh-ed25519 {base64.b64encode(blob).decode()}\n"

    def close(self):
        self.listener.close()
        for wire in self.wires:
            wire.sock.close()
