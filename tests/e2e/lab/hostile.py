"""A scripted SSH server whose every step can be done wrong. curve25519-sha256, ssh-ed25519, aes128-gcm; no checks.

A script is a function that gets a Wire and calls its steps; Hostile listens and runs the script for each connection.
Not a server for anything else: it believes all that it is told.
"""
import base64
import hashlib
import os
import socket
import struct
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .services import recv_exact

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = range(1, 8)
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, USERAUTH_60 = 50, 51, 52, 53, 60
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, WINDOW_ADJUST, DATA, EXTENDED_DATA, EOF, CLOSE, CHANNEL_REQUEST, \
    CHANNEL_SUCCESS, CHANNEL_FAILURE = range(90, 101)

RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("!I", len(data)) + data


def u32(*numbers):
    return struct.pack(f"!{len(numbers)}I", *numbers)


def mpint(data):
    data = data.lstrip(b"\0")
    return string(b"\0" + data if data and data[0] & 0x80 else data)


def message(number, *parts):
    return bytes([number]) + b"".join(parts)


class Reader:
    """Takes a message of the client apart."""

    def __init__(self, data, at=1):
        self.data, self.at = data, at

    def u32(self):
        self.at += 4
        return struct.unpack("!I", self.data[self.at - 4:self.at])[0]

    def string(self):
        size = self.u32()
        self.at += size
        return self.data[self.at - size:self.at]

    def boolean(self):
        self.at += 1
        return bool(self.data[self.at - 1])


class Gone(Exception):
    """The client has closed the connection."""


class Wire:
    """One connection. The steps of a good server in order: hello, handshake, login, then channels or serve."""

    def __init__(self, sock, key):
        sock.settimeout(30)
        self.sock, self.key = sock, key
        self.seal = self.open = None
        self.session = None
        self.strict = False
        self.logins = []      # (method, payload) of every USERAUTH_REQUEST
        self.farewell = None  # (reason, text) of the client's DISCONNECT
        self.sent = 0         # packets since the last NEWKEYS
        self.forwards = []    # (address, port) of each tcpip-forward
        self.serving = False
        self.ended = set()    # (EOF or CLOSE, channel) that we have sent

    # -- bytes and packets

    def raw(self, data):
        self.sock.sendall(data)

    def frame(self, payload, length=None, padding=None, spoil=None):
        """A packet as bytes; length and padding are the fields if they are to lie, spoil(bytes) damages the result."""
        block = 16 if self.seal else 8
        head = 1 if self.seal else 5
        pad = block - (head + len(payload)) % block
        pad += block if pad < 4 else 0
        body = bytes([pad if padding is None else padding]) + payload + bytes(pad)
        size = struct.pack("!I", len(body) if length is None else length)
        data = size + (self.seal.encrypt(body, size) if self.seal else body)
        self.sent += 1
        return spoil(bytearray(data)) if spoil else data

    def send(self, number, *parts, **lies):
        if number in (EOF, CLOSE):
            self.ended.add((number, parts[0][:4]))
        self.raw(self.frame(message(number, *parts), **lies))

    def packet(self):
        """The payload of the client's next packet."""
        try:
            size = recv_exact(self.sock, 4)
            body = recv_exact(self.sock, struct.unpack("!I", size)[0] + (16 if self.open else 0))
        except (OSError, EOFError) as end:
            raise Gone from end
        if self.open:
            body = self.open.decrypt(body, size)
        payload = body[1:len(body) - body[0]]
        if payload[0] == DISCONNECT:
            reader = Reader(payload)
            self.farewell = reader.u32(), reader.string().decode()
            raise Gone
        return payload

    def expect(self, *numbers):
        """The next message of one of these numbers; requests that come before it are answered as a server would."""
        while True:
            payload = self.packet()
            if payload[0] in numbers:
                return payload
            self.courtesy(payload)

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

    def hello(self, line=b"SSH-2.0-hostile_1\r\n"):
        self.version = line.strip().split(b"\n")[-1].strip()
        self.raw(line)
        self.client_version = b""
        while not self.client_version.endswith(b"\n"):
            self.client_version += recv_exact(self.sock, 1)
        self.client_version = self.client_version.strip()

    def lists(self, first=True, **changes):
        lists = {"kex": b"curve25519-sha256,curve25519-sha256@libssh.org", "host_key": b"ssh-ed25519",
                 "enc_in": b"aes128-gcm@openssh.com", "enc_out": b"aes128-gcm@openssh.com",
                 "mac_in": b"hmac-sha2-256", "mac_out": b"hmac-sha2-256", "comp_in": b"none", "comp_out": b"none",
                 "lang_in": b"", "lang_out": b""}
        if first:
            lists["kex"] += b",kex-strict-s-v00@openssh.com"
        lists.update(changes)
        return lists

    def kexinit(self, first=True, follows=False, reserved=0, **changes):
        self.my_kexinit = message(KEXINIT, os.urandom(16),
                                  *[string(names) for names in self.lists(first, **changes).values()],
                                  bytes([follows]), u32(reserved))
        self.raw(self.frame(self.my_kexinit))

    def read_kexinit(self):
        self.their_kexinit = self.expect(KEXINIT)
        if self.session is None:
            names = Reader(self.their_kexinit, 17).string().split(b",")
            self.strict = b"kex-strict-c-v00@openssh.com" in names and b"kex-strict-s-v00" in self.my_kexinit

    def read_init(self):
        self.client_share = Reader(self.expect(ECDH_INIT)).string()

    def host_blob(self, key=None):
        return string("ssh-ed25519") + string((key or self.key).public_key().public_bytes(*RAW))

    def reply(self, share=None, blob=None, signature=None, key=None, extra=b"", number=ECDH_REPLY):
        """Answers the client's share. share: bytes instead of ours; signature(good) makes another one of it."""
        mine = X25519PrivateKey.generate()
        secret = mpint(mine.exchange(X25519PublicKey.from_public_bytes(self.client_share)))
        share = mine.public_key().public_bytes(*RAW) if share is None else share
        blob = self.host_blob(key) if blob is None else blob
        digest = hashlib.sha256(b"".join(map(string, (self.client_version, self.version, self.their_kexinit,
                                                      self.my_kexinit, blob, self.client_share, share))) + secret)
        self.secret, self.hash = secret, digest.digest()
        self.session = self.session or self.hash
        good = string("ssh-ed25519") + string((key or self.key).sign(self.hash))
        self.send(number, string(blob), string(share), string(signature(good) if signature else good), extra)

    def derive(self, letter, size):
        return hashlib.sha256(self.secret + self.hash + letter + self.session).digest()[:size]

    def newkeys(self, extra=b""):
        self.send(NEWKEYS, extra)
        self.seal = Gcm(self.derive(b"D", 16), self.derive(b"B", 12))
        self.sent = 0

    def read_newkeys(self):
        self.expect(NEWKEYS)
        self.open = Gcm(self.derive(b"C", 16), self.derive(b"A", 12))

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

    def drain(self):
        """Reads until the client goes."""
        while True:
            self.packet()


class Gcm:
    """aes128-gcm@openssh.com in one direction."""

    def __init__(self, key, iv):
        self.cipher, self.fixed, self.count = AESGCM(key), iv[:4], int.from_bytes(iv[4:], "big")

    def _nonce(self):
        nonce = self.fixed + struct.pack("!Q", self.count & (1 << 64) - 1)
        self.count += 1
        return nonce

    def encrypt(self, body, length):
        return self.cipher.encrypt(self._nonce(), body, length)

    def decrypt(self, body, length):
        return self.cipher.decrypt(self._nonce(), body, length)


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
        wire = Wire(sock, self.key)
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
