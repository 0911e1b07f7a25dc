"""SSH on the wire for scripted peers of both roles, hostile.py and hostile_client.py: packets, their two directions of
keys, the version line, KEXINIT, the exchange hash. curve25519-sha256, ssh-ed25519, aes128-gcm; nothing is checked.
"""
import collections
import hashlib
import os
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .services import recv_exact

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = range(1, 8)
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, USERAUTH_60 = 50, 51, 52, 53, 60
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, WINDOW_ADJUST, DATA, EXTENDED_DATA, EOF, CLOSE, CHANNEL_REQUEST, \
    CHANNEL_SUCCESS, CHANNEL_FAILURE = range(90, 101)
PING, PONG = 192, 193

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
    """Takes a message of the peer apart."""

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
    """The peer has closed the connection."""


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


# What depends on the side: the word for strict key exchange, and the letters of the keys (RFC 4253 section 7.2: IV,
# then key) of what it sends and of what it gets.
Role = collections.namedtuple("Role", "strict peer_strict sends gets")
ROLES = {"client": Role(b"kex-strict-c-v00@openssh.com", b"kex-strict-s-v00@openssh.com", b"AC", b"BD"),
         "server": Role(b"kex-strict-s-v00@openssh.com", b"kex-strict-c-v00@openssh.com", b"BD", b"AC")}


class Wire:
    """One connection. Here are the steps that both sides take; those of one side are in the class that names it."""
    role = None

    def __init__(self, sock):
        sock.settimeout(30)
        self.sock = sock
        self.side = ROLES[self.role]
        self.seal = self.open = None
        self.session = None
        self.strict = False
        self.farewell = None  # (reason, text) of the peer's DISCONNECT
        self.sent = 0         # packets since the last NEWKEYS

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
        self.raw(self.frame(message(number, *parts), **lies))

    def packet(self):
        """The payload of the peer's next packet."""
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
        """The next message of one of these numbers; what comes before it gets the answer that courtesy() has."""
        while True:
            payload = self.packet()
            if payload[0] in numbers:
                return payload
            self.courtesy(payload)

    def courtesy(self, payload):
        """Answers a message that the script does not ask for."""

    def drain(self):
        """Reads until the peer goes."""
        while True:
            self.packet()

    # -- the handshake, step by step

    def hello(self, line=b"SSH-2.0-hostile_1\r\n"):
        self.version = line.strip().split(b"\n")[-1].strip()
        self.raw(line)
        self.peer_version = b""
        while not self.peer_version.endswith(b"\n"):
            self.peer_version += recv_exact(self.sock, 1)
        self.peer_version = self.peer_version.strip()

    def lists(self, first=True, **changes):
        lists = {"kex": b"curve25519-sha256,curve25519-sha256@libssh.org", "host_key": b"ssh-ed25519",
                 "enc_in": b"aes128-gcm@openssh.com", "enc_out": b"aes128-gcm@openssh.com",
                 "mac_in": b"hmac-sha2-256", "mac_out": b"hmac-sha2-256", "comp_in": b"none", "comp_out": b"none",
                 "lang_in": b"", "lang_out": b""}
        if first:
            lists["kex"] += b"," + self.side.strict
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
            self.strict = self.side.peer_strict in names and self.side.strict in self.my_kexinit

    def agree(self, secret, blob, shares):
        """Both sides have what makes the keys. shares: the client's, then the server's."""
        both = [(self.version, self.my_kexinit), (self.peer_version, self.their_kexinit)]
        versions, kexinits = zip(*both if self.role == "client" else both[::-1])
        self.secret = mpint(secret)
        self.hash = hashlib.sha256(b"".join(map(string, (*versions, *kexinits, blob, *shares))) + self.secret).digest()
        self.session = self.session or self.hash

    def cipher(self, letters):
        iv, key = (hashlib.sha256(self.secret + self.hash + bytes([letter]) + self.session).digest()
                   for letter in letters)
        return Gcm(key[:16], iv[:12])

    def newkeys(self, extra=b""):
        self.send(NEWKEYS, extra)
        self.seal = self.cipher(self.side.sends)
        self.sent = 0

    def read_newkeys(self):
        self.expect(NEWKEYS)
        self.open = self.cipher(self.side.gets)
