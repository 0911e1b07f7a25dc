"""The program under test: how its command line is put together, how one waits for a forward, what may never happen."""
import os
import re
import signal

from .net import listeners, unix_listener
from .proc import Child, until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
ADIT = os.environ.get("ADIT") or os.path.join(ROOT, "build", "adit")
# The tests that OpenSSH's own client can satisfy have been tried with it: ADIT=/usr/bin/ssh. It needs -N said.
SAY_N = ["-N"] if os.path.basename(ADIT) == "ssh" else []
CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, -signal.SIGPIPE}


class Client(Child):
    """adit, running. Ends by stop(); checks at its end that it did not crash."""

    def stands(self, *where, seconds=None):
        """Waits until every port or unix path in `where` has a listener; returns self."""
        for place in where:
            there = (lambda p=place: listeners(p)) if isinstance(place, int) else (lambda p=place: unix_listener(p))
            until(lambda there=there: there() or not self.alive(), seconds, f"a listener at {place}:\n{self}")
            assert there(), f"{self}\nended before {place} stood"
        return self

    def fails(self, pattern=None, seconds=None, lines=1, status=255):
        """The end that every failure has: exit status 255 and one clear line that matches; returns what was said."""
        assert self.ended(seconds) == status, str(self)
        said = self.said.replace("\r\n", "\n")
        if pattern:
            assert re.search(pattern, said), f"{self}\ndid not say {pattern!r}"
        if lines and not SAY_N:  # OpenSSH's client often needs two
            assert 1 <= len(said.strip().splitlines()) <= lines, f"{self}\nsaid more than {lines} line(s)"
        self.check()
        return said

    def check(self):
        """Nothing of a crash, of a sanitizer, or of a raw control character."""
        assert self.process.returncode not in CRASHES, str(self)
        for trouble in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion"):
            assert trouble not in self.said, str(self)
        if self.tty is None:
            wild = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", self.said)
            assert not wild, f"{self}\nprinted a raw {wild.group()!r}"


def command(server, *flags, key=None, known_hosts=None, host=None, user=None, options=(), config="none",
            strict="yes", program=ADIT):
    """The command line for a server; flags and options come first, so that they win."""
    line = [program, *SAY_N, "-F", str(config)]
    line += [str(flag) for flag in flags]
    for option in options:
        line += ["-o", option]
    if server is None:
        return line
    line += ["-p", str(server.port)]
    if strict:
        line += ["-o", f"StrictHostKeyChecking={strict}"]
    line += ["-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
    if key:
        line += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    return [*line, f"{user or server.user}@{host or server.host}"]


def environment(home, **more):
    """A bare environment, so that nothing of the person who runs the tests plays a part."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin:/usr/sbin"), "HOME": str(home), "LC_ALL": "C.UTF-8",
           "TERM": "dumb"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update({name: str(value) for name, value in more.items()})
    return env
