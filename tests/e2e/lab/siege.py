"""An aditd under attack: a table of bad clients, what has to become of each, and somebody whose tunnel must not notice.

A case is a script, which gets a Client of hostile_client.py, and a verdict: what the server must say then. One worker
serves them all, so that what harms it harms the tunnel.
"""
import contextlib
import os
import re

import pytest

from . import client as adit
from .hostile_client import Client
from .net import connect, free_port
from .proc import until
from .services import Service, echo, recv_exact
from .wire import (CHANNEL_FAILURE, CHANNEL_SUCCESS, CLOSE, OPEN_CONFIRMATION, OPEN_FAILURE, PONG, REQUEST_FAILURE,
                   REQUEST_SUCCESS, UNIMPLEMENTED, USERAUTH_60, USERAUTH_FAILURE, USERAUTH_SUCCESS, Gone, message,
                   string, u32)

PROTOCOL, KEX, MAC, SERVICE, NO_MORE_METHODS = 2, 3, 5, 7, 14  # reasons, RFC 4253 section 11.1
PROHIBITED, UNKNOWN_TYPE = 1, 3                # reasons, RFC 4254 section 5.1
ESCAPES = "\x1b]52;c;aGk=\x07\x1b[2Jclear\r\nsecond: line\x7f\x9b1m"
WILD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")  # what a terminal obeys
LINE_MAX = 4096


class Table:
    """Cases, in the order in which they are entered."""

    def __init__(self):
        self.rows = []

    def __call__(self, name, verdict):
        def enter(script):
            self.rows.append(pytest.param(script, verdict, id=name))
            return script
        return enter


# ---- verdicts

class Ends:
    """The server says DISCONNECT with this reason, and writes a line that matches; reason None: it just hangs up. It
    may do so before the script is through."""
    early = (OSError, EOFError, Gone)

    def __init__(self, reason, pattern):
        self.reason, self.pattern = reason, pattern

    def holds(self, bad, siege):
        words = bad.last_words()
        siege.wrote(rf"127\.0\.0\.1 port {bad.address[1]}\b[^\n]* ended: [^\n]*{self.pattern}", bad)
        assert (words and words[0]) == self.reason, words


class Lives:
    """The server says nothing, and the connection goes on. log: what it has to write."""
    early = ()

    def __init__(self, log=None):
        self.log = log

    def holds(self, bad, siege):
        self.goes_on(bad)
        if self.log:
            siege.wrote(self.log, bad)

    def goes_on(self, bad):
        bad.stands()


class Answers(Lives):
    """The server's next answer begins with these bytes, and the connection goes on."""
    ANSWERS = (UNIMPLEMENTED, USERAUTH_FAILURE, USERAUTH_60, USERAUTH_SUCCESS, REQUEST_SUCCESS, REQUEST_FAILURE,
               OPEN_FAILURE, OPEN_CONFIRMATION, CHANNEL_FAILURE, CHANNEL_SUCCESS, CLOSE, PONG)

    def __init__(self, *want, log=None):
        super().__init__(log)
        self.want = want

    def holds(self, bad, siege):
        got, want = bad.expect(*self.ANSWERS), message(*self.want)
        assert got.startswith(want), f"{got} is not {want}"
        super().holds(bad, siege)


class Unimplemented(Answers):
    """The answer names the last packet that was sent."""

    def holds(self, bad, siege):
        self.want = UNIMPLEMENTED, u32(bad.sent - 1)
        super().holds(bad, siege)


class Denied(Answers):
    """No login, and the next try is heard: a good one succeeds, unless the name is another one already."""

    def __init__(self, log=None):
        super().__init__(USERAUTH_FAILURE, string("publickey"), b"\0", log=log)

    def goes_on(self, bad):
        if bad.asked == bad.user:
            bad.login()
            bad.stands()
        else:
            bad.tries(bad.request("none", user=bad.asked))
            bad.expect(USERAUTH_FAILURE)


LIVES = Lives()


# ---- the server, and whoever is there besides

class Siege:
    """The server, and a client that had its tunnel before the first case."""

    def __init__(self, lab, stack):
        self.lab = lab
        self.server = lab.start("aditd", config=["Workers 1"])
        stack.callback(self.server.stop)
        self.echo = Service(echo, "127.0.0.1")
        stack.callback(self.echo.close)
        port = free_port()
        known = self.server.folder / "known_hosts"
        known.write_text(self.server.known_hosts(), encoding="ascii")
        line = adit.command(self.server, "-L", f"127.0.0.1:{port}:127.0.0.1:{self.echo.port}", key=lab.key,
                            known_hosts=known)
        self.good = adit.Client(line, env=adit.environment(self.server.folder))
        stack.callback(self.good.check)
        stack.callback(self.good.stop)
        self.good.stands(port)
        self.tunnel = connect(("127.0.0.1", port))
        stack.callback(self.tunnel.close)
        self.goes_on()

    def goes_on(self):
        """The tunnel carries bytes, no process has died, nothing of a peer stands raw or endless in the log."""
        word = os.urandom(16)
        self.tunnel.sendall(word)
        assert recv_exact(self.tunnel, len(word)) == word
        log = self.server.log()
        assert not re.search(r"\bevent=crash\b", log) and self.server.child.alive(), log
        wild = WILD.search(log)
        assert not wild, f"a raw {wild.group()!r}: {log[wild.start() - 80:wild.end() + 20]!r}"
        assert max(map(len, log.splitlines())) < LINE_MAX

    def wrote(self, pattern, bad):
        """Waits for this in the log or the audit, behind what was there before this client."""
        try:
            until(lambda: re.search(pattern, self.server.log()[bad.mark:]), 5, pattern)
        except AssertionError as lost:
            raise AssertionError(f"{lost}; there was\n{self.server.log()[bad.mark:]}") from None

    def play(self, script, verdict):
        bad = Client(self.server, self.lab.key)
        try:
            bad.mark = len(self.server.log())
            bad.echo = self.echo.port
            with contextlib.suppress(*verdict.early):
                script(bad)
            verdict.holds(bad, self)
        finally:
            bad.close()
        self.goes_on()
