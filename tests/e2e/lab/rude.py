"""A client that has logged in and from then on says what it likes: Paramiko, whose messages are made by hand."""
import contextlib
import socket
import threading

import paramiko
from paramiko import common
from paramiko.message import Message


class Rude:
    """One login. Messages go out in a thread of their own, because a server may stop to read them."""

    def __init__(self, server, key, user=None):
        self.sock = socket.create_connection((server.host, server.port), 20)
        self.transport = paramiko.Transport(self.sock)
        self.transport.connect(username=user or server.user,
                               pkey=paramiko.Ed25519Key.from_private_key_file(str(key)))
        self.sent = 0

    def channel(self, port):
        """A channel to a port of this machine, by the rules."""
        return self.transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 1), timeout=20)

    def flood(self, message, times):
        """Sends the message, or what message(i) gives, so many times; .sent counts. Ends when the server has enough."""
        def run():
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                for i in range(times):
                    self.transport._send_message(message(i) if callable(message) else message)
                    self.sent += 1

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def close(self):
        self.transport.close()
        self.sock.close()


def message(number, *parts):
    """Integers, texts and truth values, one after the other."""
    m = Message()
    m.add_byte(number)
    for part in parts:
        if isinstance(part, bool):
            m.add_boolean(part)
        elif isinstance(part, int):
            m.add_int(part)
        else:
            m.add_string(part)
    return m


def open_to(port):
    """message(i) for a flood: opens to this port, each with a number of its own."""
    return lambda i: message(common.cMSG_CHANNEL_OPEN, "direct-tcpip", 1000 + i, 1 << 20, 1 << 15, "127.0.0.1", port,
                             "127.0.0.1", 1)


def ask(name):
    return message(common.cMSG_GLOBAL_REQUEST, name, True)


def adjust(channel, size):
    return message(common.cMSG_CHANNEL_WINDOW_ADJUST, channel, size)
