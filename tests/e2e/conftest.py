"""Fixtures of the end-to-end tests. Everything that a test starts is ended, by its pid, when the test is over."""
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from lab import client as adit
from lab import keys as keytool
from lab import servers, services
from lab.agent import Agent
from lab.client import Client
from lab.faults import Proxy
from lab.hostile import Hostile
from lab.net import connect, free_port, listeners
from lab.proc import until
from lab.siege import Siege

TEST_SECONDS = 60
KINDS = ("aditd", "openssh", "dropbear", "asyncssh", "paramiko")


def pytest_sessionstart(session):
    """Without the program there is nothing to test: an error at once, not hundreds of failures. And whoever ends the
    tests by SIGTERM lets them clean up, as with Ctrl-C. What this process ignores (as behind nohup or &), the programs
    that it starts would ignore, too; a handler that does nothing is not inherited."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for number in signal.SIGINT, signal.SIGHUP:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    if not os.access(adit.ADIT, os.X_OK):
        pytest.exit(f"{adit.ADIT} is not there: build it first, or name another with ADIT=/path", 2)


class Lab:
    """What the whole run shares: a folder, the keys, one server of each kind."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = keytool.Keyring(folder / "keys")
        self.running = {}
        self.count = 0

    def folder_for(self, name):
        self.count += 1
        return self.folder / f"{self.count:04}_{name}"

    @property
    def key(self):
        """The key that every server lets in."""
        return self.keys.user("ed25519")

    def authorized(self):
        return "".join(keytool.public(self.keys.user(kind)) + "\n" for kind in keytool.TYPES)

    def start(self, kind, **settings):
        """A new server of this kind; skips the test if that peer is not installed."""
        folder = self.folder_for(kind)
        settings.setdefault("authorized", self.authorized())
        if kind == "aditd":
            return servers.Aditd(folder, self.keys, **settings)
        if kind == "openssh":
            if not servers.sshd_path():
                pytest.skip("openssh-server is not installed")
            return servers.OpenSSH(folder, self.keys, **settings)
        if kind == "dropbear":
            if not servers.dropbear_path():
                pytest.skip("dropbear is not installed")
            return servers.Dropbear(folder, self.keys, shim=self.shim(), **settings)
        pytest.importorskip(kind)
        return {"asyncssh": servers.AsyncSSH, "paramiko": servers.Paramiko}[kind](folder, self.keys, **settings)

    def shim(self, name="pwdir"):
        """A library to preload: pwdir gives Dropbear a home for authorized_keys, names gives a name an address."""
        path = self.folder / f"{name}.so"
        if not path.exists():
            source = Path(adit.HERE) / f"{name}.c"
            subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", path, source], check=True)
        return path

    def shared(self, kind, name="", **settings):
        """The server of this kind (and name) that all tests use; started again if a test has ended it."""
        server = self.running.get((kind, name))
        if server is None or not server.child.alive():
            server = self.running[kind, name] = self.start(kind, **settings)
        return server


@pytest.fixture(scope="session")
def lab():
    folder = Path(tempfile.mkdtemp(prefix="adit-e2e-"))
    os.chmod(folder, 0o755)
    the_lab = Lab(folder)
    yield the_lab
    for server in the_lab.running.values():
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def time_limit():
    """No test hangs: after a minute it fails where it stands."""
    def expired(*_):
        raise TimeoutError(f"the test took longer than {TEST_SECONDS} s")

    signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)


@pytest.fixture
def cleanup():
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def descriptors():
    """For tests with many sockets of their own: as many as we may have. Gives the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def openssh(lab):
    return lab.shared("openssh")


@pytest.fixture
def aditd(lab):
    return lab.shared("aditd")


@pytest.fixture
def asyncssh(lab):
    return lab.shared("asyncssh")


@pytest.fixture(params=KINDS)
def server(lab, request):
    """Each kind of server in turn."""
    return lab.shared(request.param)


@pytest.fixture
def start_server(lab, cleanup):
    """start_server(kind, **settings): a server of the test's own."""
    def start(kind="openssh", **settings):
        server = lab.start(kind, **settings)
        cleanup.callback(server.stop)
        return server
    return start


@pytest.fixture
def work(lab):
    """A folder for the files of one test, in which the servers may write too; as /tmp is."""
    folder = lab.folder_for("work")
    folder.mkdir()
    os.chmod(folder, 0o1777)
    return folder


@pytest.fixture
def service(cleanup):
    """service(handler, where): something to forward to."""
    def start(handler=services.echo, where="127.0.0.1"):
        one = services.Service(handler, where)
        cleanup.callback(one.close)
        return one
    return start


@pytest.fixture
def refuser(cleanup):
    one = services.Refuser()
    cleanup.callback(one.close)
    return one


@pytest.fixture
def proxy(cleanup):
    """proxy(server): a faulty network in front of a server."""
    def start(server):
        one = Proxy((server.host, server.port))
        one.behind = server
        cleanup.callback(one.close)
        return one
    return start


@pytest.fixture
def agent(work, cleanup):
    one = Agent(work)
    cleanup.callback(one.close)
    return one


@pytest.fixture
def home(work):
    folder = work / "home"
    (folder / ".ssh").mkdir(parents=True)
    return folder


@pytest.fixture
def run(cleanup, home):
    """run(*words, tty, env, ...): any command line as the person under test."""
    def start(*words, env=(), **how):
        one = Client(words, env=adit.environment(home, **dict(env)), **how)
        cleanup.callback(one.check)
        cleanup.callback(one.stop)
        return one
    return start


@pytest.fixture
def client(lab, run, work):
    """client(server, *flags, key, known_hosts, options, ...): starts adit towards a server it knows and that knows it.

    known_hosts: text of the file (default: all keys of the server), or a path. key: path, or None for no key at all.
    proxy: the address that is really dialled. prefix: words before the command. how: for Child.
    """
    def start(server, *flags, known_hosts=None, key="", options=(), proxy=None, how=(), prefix=(), **more):
        if known_hosts is None:
            known_hosts = server.known_hosts()
        if not isinstance(known_hosts, Path):
            (work / "known_hosts").write_text(known_hosts, encoding="utf-8")
            known_hosts = work / "known_hosts"
        options = list(options)
        if proxy is not None:
            name = f"[{server.host}]:{server.port}"
            flags = ["-p", proxy.port, *flags]
            options.append(f"HostKeyAlias={name}")
        if key is None:
            options += ["IdentityFile=none", "IdentitiesOnly=yes"]
        line = adit.command(server, *flags, known_hosts=known_hosts, key=lab.key if key == "" else key,
                            options=options, **more)
        return run(*prefix, *line, **dict(how))
    return start


@pytest.fixture
def ssh(client):
    """ssh(server, *flags, ...): OpenSSH's client, without a shell."""
    def start(server, *flags, **more):
        return client(server, "-N", *flags, program=shutil.which("ssh"), **more)
    return start


@pytest.fixture
def probe(lab, cleanup):
    """probe(server, ...): a login that ends with the test."""
    from lab.probe import Probe  # needs AsyncSSH, which other tests can be without

    def start(server, **more):
        one = Probe(server, lab.key, **more)
        cleanup.callback(one.close)
        return one
    return start


@pytest.fixture
def play(client, port, cleanup):
    """play(script, flags, ends, pattern): runs adit against a scripted server, with one connection through its -L.

    ends: adit must end with 255 and one clear sentence (that matches pattern); otherwise the script goes over to
    serve(), and a new connection must work. Returns (adit, the script's Hostile).
    """
    def run_case(script, flags=(), ends=True, pattern=None, lines=1, **more):
        evil = Hostile(script)
        cleanup.callback(evil.close)
        one = client(evil, "-L", f"127.0.0.1:{port}:target:7", *flags, **more)

        def poke():
            with contextlib.suppress(AssertionError, OSError):
                until(lambda: listeners(port) or not one.alive())
                sock = connect(("127.0.0.1", port))
                cleanup.callback(sock.close)
                sock.sendall(b"poke")

        threading.Thread(target=poke, daemon=True).start()
        if ends:
            one.fails(pattern, lines=lines)
        else:
            until(lambda: evil.trouble or not one.alive() or any(wire.serving for wire in evil.wires), what=str(one))
            assert not evil.trouble and one.alive(), f"{evil.trouble}\n{one}"
            one.stands(port)
            services.ping(("127.0.0.1", port))
            assert one.alive(), str(one)
        assert not evil.trouble, f"{evil.trouble}\n{one}"
        return one, evil
    return run_case


@pytest.fixture(scope="module")
def siege(lab):
    """An aditd for bad clients, and a tunnel through it."""
    with contextlib.ExitStack() as stack:
        yield Siege(lab, stack)


@pytest.fixture
def port():
    """A free port."""
    return free_port()


@pytest.fixture
def ports():
    """ports(n): n free ports."""
    return lambda n: [free_port() for _ in range(n)]
