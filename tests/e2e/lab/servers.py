"""The peers: openssh-server, Dropbear, AsyncSSH and Paramiko, each private, on loopback, with throw-away keys.

Every server has .host, .port, .user, .kind, .host_keys (paths), .log(), .pid, .stop(), and .accepts: does it do that?
"""
import getpass
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys

from . import keys as keytool
from .net import free_port
from .proc import Child, descendants, until

# As root, the servers run as an ordinary user: nothing of the system is needed (no sshd user, no /run/sshd), and no
# test can depend on the server's power. ("nobody" will not do: where systemd answers for it, its account is locked.)
AS_ROOT = os.geteuid() == 0
SERVER_USER = "daemon" if AS_ROOT else getpass.getuser()
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
ADITD = os.path.abspath(os.environ.get("ADITD", os.path.join(ROOT, "build/aditd")))


def find(variable, name, *places):
    """The path of a peer's program: from the environment, the PATH or the usual places; None if it is not there."""
    path = os.environ.get(variable) or shutil.which(name)
    return path or next((place for place in places if os.access(place, os.X_OK)), None)


def sshd_path():
    return find("ADIT_SSHD", "sshd", "/usr/sbin/sshd", os.path.join(ROOT, "build/peers/usr/sbin/sshd"))


def dropbear_path():
    return find("ADIT_DROPBEAR", "dropbear", "/usr/sbin/dropbear")


def for_server(program, folder):
    """The program's path, or that of a copy if the servers' user cannot reach it (a checkout below /root)."""
    parents = [os.path.dirname(program)]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    if not AS_ROOT or all(os.stat(parent).st_mode & 0o001 for parent in parents):
        return program
    return shutil.copy(program, folder)


def give(path):
    """Makes a file or folder the server user's own."""
    if AS_ROOT:
        entry = pwd.getpwnam(SERVER_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def server_identity():
    if not AS_ROOT:
        return {}
    return {"user": SERVER_USER, "group": pwd.getpwnam(SERVER_USER).pw_gid}


class Server:
    """What all kinds have in common: a folder, a process, where to reach it."""
    kind = None
    host = "127.0.0.1"
    user = SERVER_USER

    def __init__(self, folder, keyring, host_kinds):
        self.folder = folder
        folder.mkdir()
        os.chmod(folder, 0o755)
        self.keyring = keyring
        self.host_keys = {kind: keyring.host(kind) for kind in host_kinds}
        self.child = None
        self.port = None

    def own_host_key(self, kind):
        """A copy of a host key that the server's user may read."""
        copy = self.folder / f"host_{kind}"
        shutil.copy(self.host_keys[kind], copy)
        shutil.copy(str(self.host_keys[kind]) + ".pub", str(copy) + ".pub")
        os.chmod(copy, 0o600)
        give(copy)
        return copy

    def known_hosts(self, *kinds, name=None):
        return keytool.known_host(self, *[self.host_keys[k] for k in kinds or self.host_keys], name=name)

    def log(self):
        return self.child.said

    @property
    def pid(self):
        return self.child.pid

    def connections(self):
        """The processes that serve logins (openssh and dropbear)."""
        return descendants(self.pid)

    def stop(self):
        if self.child:
            below = self.connections()
            self.child.stop()
            for pid in below:
                kill(pid)


def kill(pid, sig=9):
    """Sends a signal to a process that may be gone already."""
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


class OpenSSH(Server):
    """openssh-server. `config`: lines that come before the defaults, so that they win."""
    kind = "openssh"

    def __init__(self, folder, keyring, authorized, config=(), host_kinds=tuple(keytool.TYPES)):
        super().__init__(folder, keyring, host_kinds)
        program = for_server(os.path.abspath(sshd_path()), folder)
        (folder / "authorized_keys").write_text(authorized, encoding="ascii")
        while True:
            self.port = free_port()
            lines = [
                *config,
                f"Port {self.port}", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no",
                *[f"HostKey {self.own_host_key(kind)}" for kind in host_kinds],
                f"AuthorizedKeysFile {folder}/authorized_keys", f"TrustedUserCAKeys {keyring.make('user_ca')}.pub",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "AllowTcpForwarding yes", "AllowStreamLocalForwarding yes",
                "GatewayPorts clientspecified", "MaxStartups 1000", "UseDNS no", "LogLevel VERBOSE",
            ]
            (folder / "sshd_config").write_text("\n".join(lines) + "\n", encoding="ascii")
            self.child = Child([program, "-D", "-e", "-f", folder / "sshd_config"], **server_identity())
            try:
                if "Server" in self.child.told(r"Server listening on|Address already in use").group():
                    return
            except AssertionError:
                self.child.stop()
                raise
            self.child.stop()


class Aditd(Server):
    """Our own. `config`: lines that come before the defaults, so that they win; `match`: lines behind them. With as_root
    it starts as root does on a real machine; otherwise as the servers' user, for that user and for virtual ones. The
    words of `prefix` come before the program's. With starts=False only its files are there: launch() is the test's."""
    kind = "aditd"

    def __init__(self, folder, keyring, authorized, config=(), match=(), host_kinds=tuple(keytool.TYPES), flags=(),
                 as_root=False, env=None, starts=True, prefix=()):
        super().__init__(folder, keyring, host_kinds)
        give(folder)
        self.match = [*match]
        self.as_root = as_root
        self.program = for_server(ADITD, folder)
        self.flags = [*flags]
        self.prefix = [*prefix]
        self.env = {**os.environ, **env} if env else None
        (folder / "keys").mkdir()
        (folder / "keys" / "authorized_keys").write_text(authorized, encoding="ascii")
        if starts:
            self.start(config)
        else:
            self.port = free_port()
            self.write(config)

    def lines(self, config, port):
        host_key = (lambda kind: self.host_keys[kind]) if self.as_root else self.own_host_key
        return [
            *config,
            f"Port {port}", "ListenAddress 127.0.0.1", f"PidFile {self.folder}/pid",
            *[f"HostKey {host_key(kind)}" for kind in self.host_keys],
            f"AuthorizedKeysFile {self.folder}/keys/authorized_keys", "StrictModes no",
            f"TrustedUserCAKeys {self.keyring.make('user_ca')}.pub", "GatewayPorts clientspecified",
            "MaxStartups 1000", "PerSourcePenalties no", "LogLevel VERBOSE", "Workers 2", "AuditLog stderr",
            *self.match,
        ]

    def write(self, config):
        (self.folder / "aditd_config").write_text("\n".join(self.lines(config, self.port)) + "\n", encoding="utf-8")

    def start(self, config):
        while True:
            self.port = free_port()
            self.write(config)
            self.child = self.launch("-D", "-e", *self.flags, prefix=self.prefix)
            try:
                if "ready" in self.child.told(r"ready: \d+ workers|ddress already in use").group():
                    return
            except AssertionError:
                self.child.stop()
                raise
            self.child.stop()

    def launch(self, *flags, prefix=(), env=(), file=True, **how):
        """The program with these flags, behind the words of `prefix`."""
        env = {**(self.env or os.environ), **dict(env)}
        return Child([*prefix, self.program, *(["-f", self.folder / "aditd_config"] if file else []), *flags], env=env,
                     **({} if self.as_root else server_identity()), **how)

    def reload(self, config):
        """Another configuration, at the same port; returns when it serves, or was refused."""
        self.write(config)
        before = len(self.log())
        os.kill(self.pid, signal.SIGHUP)
        return self.child.told(r"reloaded: \d+ workers|going on with the configuration of before", after=before).group()

    def records(self):
        """The audit records so far, each as a dictionary."""
        found = []
        for line in self.log().splitlines():
            if " event=" in line or line.startswith("event="):
                fields = re.findall(r'([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))', line)
                found.append({name: quoted or word for name, quoted, word in fields})
        return found

    def record(self, event):
        """The first record of this event, when it comes: the audit is written by another process, a moment later."""
        return until(lambda: next((record for record in self.records() if record["event"] == event), None),
                     what=f"a record of {event}")


class Dropbear(Server):
    """Dropbear, which reads authorized_keys from a home that we give it."""
    kind = "dropbear"

    def __init__(self, folder, keyring, authorized, shim, options=(), host_kinds=("ed25519", "rsa", "ecdsa256")):
        super().__init__(folder, keyring, host_kinds)
        home = folder / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "authorized_keys").write_text(authorized, encoding="ascii")
        for path, mode in ((home, 0o755), (home / ".ssh", 0o700), (home / ".ssh" / "authorized_keys", 0o600)):
            os.chmod(path, mode)
            give(path)
        program = for_server(os.path.abspath(dropbear_path()), folder)
        own = []
        for kind in host_kinds:
            own += ["-r", self.convert(kind)]
        while True:
            self.port = free_port()
            self.child = Child([program, "-F", "-E", "-s", *options, *own, "-p", f"127.0.0.1:{self.port}"],
                               env={"LD_PRELOAD": str(shim), "TEST_HOME": str(home), "PATH": os.environ["PATH"]},
                               **server_identity())
            match = self.child.told(r"Not backgrounding|Failed listening[^\n]*\n")
            if match.group() == "Not backgrounding":
                return
            self.child.stop()

    def convert(self, kind):
        """Dropbear has a key format of its own."""
        path = self.folder / f"dropbear_{kind}"
        subprocess.run(["dropbearconvert", "openssh", "dropbear", self.own_host_key(kind), path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give(path)
        return path


class Python(Server):
    """A server script of this folder, told what to do in one line of JSON; says `port N`, then events as JSON."""
    host_kinds = ("ed25519", "rsa", "ecdsa256", "ecdsa384", "ecdsa521")
    user = "digger"

    def __init__(self, folder, keyring, authorized, **settings):
        super().__init__(folder, keyring, settings.pop("host_kinds", self.host_kinds))
        (folder / "authorized_keys").write_text(authorized, encoding="ascii")
        settings.update(host_keys=[str(path) for path in self.host_keys.values()],
                        authorized=str(folder / "authorized_keys"), user=self.user)
        self.child = Child([sys.executable, "-W", "ignore", os.path.join(HERE, self.script), json.dumps(settings)])
        self.port = int(self.child.told(r"port (\d+)\n").group(1))

    def events(self):
        """What the server has told, as a list of lists: ["auth", "password", ...], ["open", host, port], ..."""
        return [json.loads(line) for line in self.child.out.splitlines() if line.startswith("[")]


class AsyncSSH(Python):
    kind = "asyncssh"
    script = "asyncssh_server.py"


class Paramiko(Python):
    kind = "paramiko"
    script = "paramiko_server.py"
    host_kinds = ("ed25519", "rsa", "ecdsa256")
