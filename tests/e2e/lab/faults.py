"""A TCP proxy that stands between client and server and can cut, stall, delay, or flip a byte."""
import contextlib
import socket
import threading
import time

from .net import reset


class Proxy:
    """Forwards where:port to `target`. What it does to the bytes can change at any time.

    stall(): takes nothing more from either side. flip(direction, at): inverts one bit of byte number `at`
    ("down": from the server, "up": from the client). delay: seconds before each piece goes on. cut(): ends all
    connections. `accepted` counts connections, `carried` bytes per direction.
    """

    def __init__(self, target, port=0, where="127.0.0.1"):
        self.target = target
        self.listener = socket.create_server((where, port))
        self.host, self.port = self.listener.getsockname()
        self.delay = 0
        self.accepted = 0
        self.carried = {"up": 0, "down": 0}
        self.socks = []
        self._flips = {}
        self._go = threading.Event()
        self._go.set()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            far = socket.create_connection(self.target)
            for sock in (near, far):
                sock.settimeout(0.05)  # a receiver that sleeps in the kernel would keep a closed socket alive
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socks += [near, far]
            threading.Thread(target=self._pump, args=(near, far, "up"), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, "down"), daemon=True).start()

    def _pump(self, source, sink, direction):
        with contextlib.suppress(OSError):
            while True:
                self._go.wait()
                try:
                    piece = source.recv(65536)
                except TimeoutError:
                    continue
                self._go.wait()
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                if self.delay:
                    time.sleep(self.delay)  # the delay is the subject here, not a way of waiting for something
                start = self.carried[direction]
                self.carried[direction] += len(piece)
                at = self._flips.get(direction)
                if at is not None and start <= at < start + len(piece):
                    piece = bytearray(piece)
                    piece[at - start] ^= 1
                send_all(sink, piece)

    def stall(self):
        self._go.clear()

    def resume(self):
        self._go.set()

    def flip(self, direction, at):
        self._flips[direction] = at

    def cut(self, hard=False):
        socks, self.socks = self.socks, []
        for sock in socks:
            with contextlib.suppress(OSError):
                if hard:
                    reset(sock)
                else:
                    sock.shutdown(socket.SHUT_RDWR)
                    sock.close()

    def close(self):
        self.listener.close()
        self.resume()
        self.cut()


def send_all(sink, piece):
    """sendall() without the socket's time limit."""
    piece = memoryview(piece)
    while piece:
        try:
            piece = piece[sink.send(piece):]
        except TimeoutError:
            continue
