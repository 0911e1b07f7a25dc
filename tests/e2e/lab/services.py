"""What stands behind a forward: small servers on TCP or unix sockets, and the client's half of their protocols."""
import contextlib
import errno
import functools
import hashlib
import os
import random
import socket
import struct
import threading

from .net import connect, reset

MIB = 1 << 20


@functools.lru_cache(maxsize=8)
def noise(size, seed=0):
    """The same unrepeating bytes for the same size and seed."""
    return random.Random(seed).randbytes(size)


class Service:
    """Listens and gives every connection to `handler` in a thread of its own. `where`: an address or a unix path."""

    def __init__(self, handler, where="127.0.0.1"):
        self.handler = handler
        if "/" in str(where):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(where))
            os.chmod(where, 0o777)
            self.address = str(where)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in where else socket.AF_INET)
            self.listener.bind((where, 0))
            self.port = self.listener.getsockname()[1]
            self.address = (where, self.port)
        self.listener.listen(1024)
        self.connections = []
        self.peers = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    raise  # or a test would wait for an answer that nobody can give
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(sock)
            self.peers.append(peer)
            if self.handler:
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError):  # broken on purpose by many tests
            self.handler(sock)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.connections:
            with contextlib.suppress(OSError):  # a handler that still sends would keep it open
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def echo(sock):
    """Sends back what comes, then ends."""
    while piece := sock.recv(262144):
        sock.sendall(piece)
    sock.close()


def duplex(sock):
    """Takes a size, sends as much noise while it receives, after the peer's end sends the hash of what came."""
    size = struct.unpack("!Q", recv_exact(sock, 8))[0]
    sender = threading.Thread(target=sock.sendall, args=(noise(size, 2),), daemon=True)
    sender.start()
    digest = hashlib.sha256()
    while piece := sock.recv(262144):
        digest.update(piece)
    sender.join()
    sock.sendall(digest.digest())
    sock.close()


def last_words(sock):
    """Reads to the end first, then answers with the count and ends: needs the half-close of the peer."""
    count = 0
    while piece := sock.recv(262144):
        count += len(piece)
    sock.sendall(b"%d bytes, goodbye\n" % count)
    sock.close()


def first_words(sock):
    """Ends its own direction at once, then counts what still comes and keeps the count in `first_words.heard`."""
    sock.sendall(b"I have spoken\n")
    sock.shutdown(socket.SHUT_WR)
    count = 0
    while piece := sock.recv(262144):
        count += len(piece)
    first_words.heard.append(count)
    sock.close()


first_words.heard = []


def resetter(sock):
    """Waits for one byte, says a word, then resets."""
    sock.recv(1)
    reset(sock)


def recv_exact(sock, size):
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(size - len(data), 262144))
        if not piece:
            raise EOFError(f"{len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def recv_all(sock):
    data = bytearray()
    while piece := sock.recv(262144):
        data += piece
    return bytes(data)


def ping(address, word=b"hello through the adit"):
    """One round trip through an echo service, to its clean end."""
    with connect(address) as sock:
        sock.sendall(word)
        sock.shutdown(socket.SHUT_WR)
        assert recv_all(sock) == word


def echoed(sock, size):
    """So many bytes through an echo service, both directions at once; the connection stays."""
    sender = threading.Thread(target=sock.sendall, args=(noise(size, 1),), daemon=True)
    sender.start()
    assert recv_exact(sock, size) == noise(size, 1), "damaged"
    sender.join()


def exchange(address, up=4 * MIB, down=4 * MIB):
    """Both directions at once through a duplex service, hashed at both ends."""
    with connect(address, 60) as sock:
        def send():
            sock.sendall(struct.pack("!Q", down) + noise(up, 1))
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        got = recv_all(sock)
        sender.join()
    assert len(got) == down + 32, f"{len(got)} bytes came, not {down + 32}"
    assert hashlib.sha256(got[:down]).digest() == hashlib.sha256(noise(down, 2)).digest(), "download damaged"
    assert got[down:] == hashlib.sha256(noise(up, 1)).digest(), "upload damaged"


class Refuser:
    """A port that refuses connections and stays ours: bound, but nobody listens."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]

    def close(self):
        self.sock.close()
