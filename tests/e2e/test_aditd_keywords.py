"""Keywords and flags of aditd that are about the server itself: where it listens, its keys, its log, its processes."""
import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import sys

import pytest

from lab.net import connect, free_port, listeners, outward
from lab.probe import Probe, asyncssh, refusal
from lab.proc import Child, descendants, until
from lab.servers import AS_ROOT, for_server, server_identity, sshd_path
from lab.services import echo, ping

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
MAN = os.path.join(os.path.dirname(__file__), "..", "..", "man", "aditd_config.5")


@pytest.fixture
def bare(start_server, cleanup):
    """bare(lines, ...): the program with these lines instead of the lab's for the same keywords, and for those in
    `without`. {port} and {folder} are the server's."""
    def start(lines, flags=("-D", "-e"), without=(), prepare=None, as_root=False, **how):
        server = start_server("aditd", starts=False, as_root=as_root)
        if prepare:
            prepare(server)
        lines = [line.format(port=server.port, folder=server.folder) for line in lines]
        own = {line.split()[0] for line in lines} | set(without)
        match, server.match = server.match, []
        lines += [line for line in server.lines([], server.port) if line.split()[0] not in own]
        (server.folder / "aditd_config").write_text("\n".join([*lines, *match]) + "\n", encoding="utf-8")
        server.child = server.launch(*flags, **how)
        cleanup.callback(server.stop)
        return server
    return start


def ready(server):
    server.child.told("ready")
    return server


def family(server, name):
    """The pids of its processes of this name."""
    found = []
    for pid in descendants(server.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/comm", encoding="ascii") as text:
                if name in text.read():
                    found.append(pid)
    return found


# ---- -T -C beside sshd ----

FOR_WHOM = """
AllowTcpForwarding no
MaxAuthTries 4
Match User digger,sapper
    AllowTcpForwarding local
    PermitOpen 127.0.0.1:80
    AllowUsers digger
Match User d*,!digger
    AllowTcpForwarding remote
Match Address 10.0.0.0/8,!10.9.0.0/16
    MaxAuthTries 3
    GatewayPorts yes
Match Host *.example
    PermitListen 8080
Match LocalAddress 127.0.0.9 LocalPort 2222
    ClientAliveInterval 77
    AuthorizedKeysFile /keys/%u
Match all
    Banner /etc/banner
    MaxAuthTries 9
"""
COMPARED = ("allowtcpforwarding", "maxauthtries", "permitopen", "allowusers", "gatewayports", "permitlisten",
            "authorizedkeysfile", "banner")


@pytest.mark.parametrize("criteria", [
    "user=digger", "user=sapper,addr=10.1.2.3", "user=mole,addr=10.9.2.3", "user=dug", "user=dug,addr=10.1.1.1",
    "user=x,host=pit.example", "user=x,addr=::1", "user=x,laddr=127.0.0.9,lport=2222",
    "user=x,laddr=127.0.0.9,lport=22", "user=digger,laddr=127.0.0.8,lport=2222,addr=10.0.0.1,host=a.b.example",
])
def test_dump_for_somebody_as_sshd(start_server, criteria):
    """Match judges as sshd does."""
    if not sshd_path():
        pytest.skip("openssh-server is not installed")
    server = start_server("aditd", starts=False)
    place = server.folder / "shared"
    place.write_text(f"HostKey {server.own_host_key('ed25519')}\n{FOR_WHOM}", encoding="ascii")
    # sshd wants all of them at once, and for aditd what is not said matches nothing
    said = dict(word.split("=") for word in criteria.split(","))
    whole = {"user": "x", "host": "nowhere.invalid", "addr": "192.0.2.1", "laddr": "127.0.0.1", "lport": "99", **said}
    words = ["-T", "-f", place, "-C", ",".join(f"{name}={value}" for name, value in whole.items())]
    sshd = Child([for_server(os.path.abspath(sshd_path()), server.folder), *words], **server_identity())
    assert sshd.ended() == 0, str(sshd)
    ours = server.launch(*words, file=False)
    assert ours.ended() == 0, str(ours)
    theirs, mine = ([sorted(line for line in one.out.splitlines() if line.split()[0] == keyword)
                     for keyword in COMPARED] for one in (sshd, ours))
    assert mine == theirs


@pytest.mark.parametrize("user, wanted", [("bin", "1"), ("daemon", "6"), ("no-such-user-here", "2"), (None, "6")])
def test_dump_for_accounts(bare, user, wanted):
    """Groups of a user, and whether there is one, are looked up."""
    match = ["Match Group bin", "MaxAuthTries 1", "Match Invalid-User", "MaxAuthTries 2"]
    server = bare([], ["-T", *(["-C", f"user={user}"] if user else [])],
                  prepare=lambda server: server.match.extend(match))
    assert server.child.ended() == 0, str(server.child)
    assert f"maxauthtries {wanted}" in server.child.out.splitlines()


# ---- -d ----

@pytest.mark.parametrize("flag", ["-d", "-dd", "-ddd"])
def test_debug(lab, bare, service, flag):
    """It stays in the foreground, writes to stderr whatever LogLevel says, and serves as ever."""
    server = bare(["LogLevel QUIET"], [flag])
    until(lambda: listeners(server.port))
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert probe.reaches("127.0.0.1", service(echo).port) == "yes"
    assert server.child.alive() and "debug1: " in server.log()


# ---- the log ----

@pytest.mark.parametrize("line, match, wanted, unwanted", [
    ("LogLevel DEBUG1", [], "debug1: ", None),
    ("LogLevel VERBOSE", [], "Accepted publickey", "debug1: "),
    ("LogLevel QUIET", [], None, "Accepted publickey"),
    ("LogLevel QUIET", ["Match User digger", "LogLevel VERBOSE"], "user digger", "user sapper"),
], ids=["debug", "verbose", "quiet", "match"])
def test_log_level(lab, bare, line, match, wanted, unwanted):
    server = bare([line], prepare=lambda server: server.match.extend(match))
    until(lambda: listeners(server.port))
    for user in ("sapper", "digger"):
        Probe(server, lab.key, user=user).close()
    until(lambda: server.log().count("event=login") == 2)
    said = "\n".join(line for line in server.log().splitlines() if " event=" not in line)
    assert (wanted or "") in said and (unwanted is None or unwanted not in said)


# ---- host keys ----

@pytest.mark.parametrize("certified", [True, False])
def test_host_certificate(lab, bare, ssh, port, certified):
    """Who trusts the authority and knows no key trusts the certificate, and nothing without one."""
    ca = lab.keys.make("host_ca")

    def prepare(server):
        own = server.own_host_key("ed25519")
        cert = lab.keys.certify(ca, own, host=True, principals="127.0.0.1")
        os.chmod(cert, 0o644)

    lines = ["HostKey {folder}/host_ed25519", *(["HostCertificate {folder}/host_ed25519-cert.pub"] if certified else [])]
    server = ready(bare(lines, prepare=prepare))
    with open(f"{ca}.pub", encoding="ascii") as text:
        known = f"@cert-authority * {text.read()}"
    one = ssh(server, "-R", f"{port}:127.0.0.1:1", known_hosts=known, options=["StrictHostKeyChecking=yes"])
    if certified:
        one.stands(port)
    else:
        assert one.ended() == 255 and "Host key verification failed" in one.said


def test_reload_makes_no_key(bare):
    """A name that was mistyped keeps the old key in force; a new one would be another server to every client."""
    server = ready(bare(["HostKey {folder}/host_ed25519"], prepare=lambda server: server.own_host_key("ed25519")))
    path = server.folder / "aditd_config"
    path.write_text(path.read_text(encoding="utf-8").replace("host_ed25519", "host_ed25591"), encoding="utf-8")
    os.kill(server.pid, signal.SIGHUP)
    server.child.told("going on with the configuration of before")
    assert "host_ed25591: No such file" in server.log()
    assert not (server.folder / "host_ed25591").exists()


# ---- where it listens ----

PLACES = [
    ("every", [], {"0.0.0.0", "::"}),
    ("any", ["AddressFamily any"], {"0.0.0.0", "::"}),
    ("inet", ["AddressFamily inet"], {"0.0.0.0"}),
    ("inet6", ["AddressFamily inet6"], {"::"}),
    ("one", ["ListenAddress 127.0.0.1"], {"127.0.0.1"}),
    ("several", ["ListenAddress 127.0.0.1", "ListenAddress [::1]:{port}", "ListenAddress 127.0.0.3"],
     {"127.0.0.1", "::1", "127.0.0.3"}),
    ("one-family-of-a-name", ["AddressFamily inet", "ListenAddress localhost"], {"127.0.0.1"}),
]


@pytest.mark.parametrize("lines, bound", [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_places(lab, bare, lines, bound):
    server = ready(bare(lines, without=["ListenAddress"]))
    assert listeners(server.port) == bound
    for address in bound:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        Probe(server, lab.key, host=host).close()


@pytest.mark.parametrize("lines, later, bound", [
    (["ListenAddress localhost"], None, {"127.0.0.1", "::1"}),
    (["ListenAddress 127.0.0.1", "ListenAddress ::1"], None, {"127.0.0.1", "::1"}),
    (["AddressFamily any"], "AddressFamily inet", {"0.0.0.0"}),
    (["AddressFamily inet"], "AddressFamily any", {"0.0.0.0", "::"}),
], ids=["name", "addresses", "narrower", "wider"])
def test_places_after_a_reload(lab, bare, lines, later, bound):
    """What the new file says is open, and nothing else: also the second address of a name."""
    server = ready(bare(lines, without=["ListenAddress"]))
    path = server.folder / "aditd_config"
    if later:
        path.write_text(path.read_text(encoding="utf-8").replace(lines[0], later), encoding="utf-8")
    for _ in range(2):
        before = len(server.log())
        os.kill(server.pid, signal.SIGHUP)
        server.child.told("reloaded: ", after=before)
        until(lambda: listeners(server.port) == bound)
    Probe(server, lab.key).close()


def test_several_ports(lab, bare):
    other = free_port()
    server = ready(bare(["Port {port}", f"Port {other}"]))
    for port in (server.port, other):
        Probe(server, lab.key, port=port).close()


# Becomes the program with a listening socket of its own as the manager's.
GIVE = ("import os,sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
        "os.execv(sys.argv[2], sys.argv[2:])")


def test_socket_for_both_families(lab, start_server, cleanup):
    """A manager's socket for IPv6 serves IPv4 too: such clients count, and are written down, by their IPv4 address."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as door:
        server = start_server("aditd", starts=False, match=[
            "Match Address 127.0.0.2/32", "AllowTcpForwarding no", "Match LocalAddress 127.0.0.5",
            "AllowTcpForwarding no"])
        server.write([])
        server.child = server.launch("-D", "-e", prefix=[sys.executable, "-c", GIVE, door.fileno()],
                                     pass_fds=[door.fileno()])
        cleanup.callback(server.stop)
        port = door.getsockname()[1]
        ready(server)
    for source, host, wanted in (("127.0.0.1", "127.0.0.1", "failed"), ("127.0.0.2", "127.0.0.1", "prohibited"),
                                 ("127.0.0.1", "127.0.0.5", "prohibited")):
        with contextlib.closing(Probe(server, lab.key, host=host, port=port, local_addr=(source, 0))) as probe:
            assert probe.reaches("127.0.0.1", 7) == wanted
            assert probe.reaches("127.8.8.8", port) == "prohibited"
            assert wanted == "prohibited" or way_back(probe, "127.8.8.8", port) == LOOPS
    until(lambda: {record["source"] for record in server.records() if record["event"] == "login"} == {
        "127.0.0.1", "127.0.0.2"})


# ---- no way back into the server itself ----

LOOPS = "this server itself listens there"


def way_back(probe, host, port):
    """What becomes of a channel to the server itself: "yes", "failed", or the words of a refusal."""
    try:
        _, writer = probe.open(host, port)
    except asyncssh.ChannelOpenError as error:
        return "failed" if error.code == asyncssh.OPEN_CONNECT_FAILED else error.reason
    probe.shut(writer)
    return "yes"


# name, lines, {target: outcome}
WAYS_BACK = [
    ("one", [], {"127.0.0.1": LOOPS, "::ffff:127.0.0.1": LOOPS, "127.0.0.2": "failed"}),
    ("spelling", [], {"127.1": LOOPS, "2130706433": LOOPS, "0x7f000001": LOOPS}),
    ("generally", ["PermitOpen 127.0.0.0/8:* localhost:{port}"], {"127.0.0.1": LOOPS}),
    ("every-port", ["PermitOpen 127.0.0.1:*"], {"127.0.0.1": LOOPS}),
    ("named", ["PermitOpen 127.0.0.1:{port}"], {"127.0.0.1": "yes", "127.0.0.2": "open failed"}),
    ("all", ["ListenAddress 0.0.0.0", "ListenAddress ::"],
     {"127.0.0.1": LOOPS, "127.9.9.9": LOOPS, "::1": LOOPS, "::ffff:127.0.0.1": LOOPS, "localhost": LOOPS}),
    ("unspecified", ["ListenAddress 0.0.0.0", "PermitOpen 0.0.0.0/8:*"], {"0.0.0.0": LOOPS}),
    ("all-but-one", ["ListenAddress 0.0.0.0", "PermitOpen 127.0.0.3:{port} 127.0.0.1:*"],
     {"127.0.0.3": "yes", "127.0.0.1": LOOPS}),
]


@pytest.mark.parametrize("row", WAYS_BACK, ids=[row[0] for row in WAYS_BACK])
def test_no_way_back(lab, bare, row):
    server = ready(bare(row[1]))
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert {host: way_back(probe, host, server.port) for host in row[2]} == row[2]
    loops = [host for host, outcome in row[2].items() if outcome == LOOPS]
    until(lambda: [record["requested"] for record in server.records()
                   if record.get("rule") == "guarded: an address where this server itself listens"] == loops)


def test_no_way_back_from_outside(lab, bare):
    """An address of an interface is one of the server's, too."""
    if not outward():
        pytest.skip("there is no interface besides the loopback")
    _, address = outward()
    server = ready(bare(["ListenAddress 0.0.0.0"]))
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert way_back(probe, address, server.port) == LOOPS
        assert way_back(probe, address, free_port()) == "failed"


def test_no_way_back_after_a_reload(lab, bare):
    """The new port is its own; the one that it has given up is anybody's."""
    server = ready(bare([]))
    old, server.port = server.port, free_port()
    server.reload([])
    until(lambda: not listeners(old))
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert way_back(probe, "127.0.0.1", server.port) == LOOPS
        assert way_back(probe, "127.0.0.1", old) == "failed"


def test_no_way_back_after_a_reload_that_failed(lab, bare):
    """What the old configuration listens on is known to a worker that is started later, too."""
    server = ready(bare(["ListenAddress 0.0.0.0", "Workers 1"]))
    assert "before" in server.reload(["ListenAddress 203.0.113.1"])
    worker, = family(server, "worker")
    os.kill(worker, signal.SIGKILL)
    until(lambda: worker not in family(server, "worker") and family(server, "worker"))
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert way_back(probe, "127.0.0.9", server.port) == LOOPS


# ---- processes ----

@pytest.mark.parametrize("number", [1, 3])
def test_workers(bare, number):
    server = ready(bare([f"Workers {number}"]))
    assert len(family(server, "worker")) == number and len(family(server, "guard")) == 1


@pytest.mark.parametrize("word", ["none", "None"])
def test_no_pid_file(bare, word):
    server = ready(bare([f"PidFile {word}"]))
    assert "none" not in server.log().lower()
    assert not (server.folder / "pid").exists()


@as_root
def test_user_of_the_workers(bare):
    """_adit; without such a user nobody, and a word about it."""
    server = ready(bare([], as_root=True))
    name = pwd.getpwuid(os.stat(f"/proc/{family(server, 'worker')[0]}").st_uid).pw_name
    warned = "there is no user _adit: the workers run as nobody" in server.log()
    assert (name, warned) in (("_adit", False), ("nobody", True))


PEEK = """
import os, sys
for pid in sys.argv[1:]:
    for name in "environ", "maps", "fd":
        try:
            path = f"/proc/{pid}/{name}"
            os.listdir(path) if name == "fd" else open(path, "rb").close()
            print(pid, name)
        except PermissionError:
            pass
"""


def peek(entry, pids):
    """What this user can see of these processes, and of one of their own that hides nothing: sets of files of /proc."""
    identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []} if AS_ROOT else {}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, **identity) as plain:
        words = [sys.executable, "-c", PEEK, *map(str, pids), str(plain.pid)]
        said = subprocess.run(words, check=True, capture_output=True, text=True, **identity).stdout
        plain.stdin.close()
    seen = [(int(pid), name) for pid, name in map(str.split, said.splitlines())]
    return {name for pid, name in seen if pid in pids}, {name for pid, name in seen if pid == plain.pid}


def processes(server):
    """The pids of all of them, by name."""
    return {"master": [server.pid], **{name: family(server, name) for name in ("guard", "worker")}}


def numbers(pid, file, start):
    """The numbers in the line of a file of /proc that begins so."""
    with open(f"/proc/{pid}/{file}", encoding="ascii") as text:
        return [int(word) for line in text if line.startswith(start) for word in line.split() if word.isdigit()]


@pytest.mark.parametrize("as_root", [pytest.param(True, marks=as_root), False], ids=["root", "user"])
def test_no_memory_is_shown(bare, as_root):
    """No process leaves a core, and none of the same user can look into one."""
    server = ready(bare([], as_root=as_root))
    pids = [pid for some in processes(server).values() for pid in some]
    assert len(pids) == 4
    for pid in pids:
        assert numbers(pid, "limits", "Max core file size") == [0, 0]
        assert os.stat(f"/proc/{pid}/environ").st_uid == 0  # the mark of a process that is not dumpable (proc(5))
    for user in {numbers(pid, "status", "Uid:")[0] for pid in pids} - {0}:
        assert peek(pwd.getpwuid(user), pids) == (set(), {"environ", "maps", "fd"})


def sockets_of(pid):
    """The inodes of its sockets."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(f"/proc/{pid}/fd/{fd}")))
    return found


def tcp_sockets(state, port):
    """The inodes of the sockets in this state ("0A" listens, "01" is connected) whose local port this is."""
    found = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}", encoding="ascii") as table:
            rows = [line.split() for line in table]
        found |= {row[9] for row in rows if row[3] == state and row[1].endswith(f":{port:04X}")}
    return found


@as_root
def test_who_holds_what(bare, lab):
    """The doors are the master's alone: the guard has the host keys, and the workers have the strangers."""
    server = ready(bare(["ListenAddress 127.0.0.1", "ListenAddress ::1"], as_root=True))

    def holders(state):
        wanted = tcp_sockets(state, server.port)
        return {name: sum(len(sockets_of(pid) & wanted) for pid in pids) for name, pids in processes(server).items()}
    assert holders("0A") == {"master": 2, "guard": 0, "worker": 0}
    with contextlib.closing(Probe(server, lab.key)):
        assert holders("01") == {"master": 0, "guard": 0, "worker": 1}


# What is left to the main process: CAP_SETGID and CAP_SETUID (with CAP_KILL and CAP_NET_BIND_SERVICE, and CAP_SETPCAP to
# give up more).
MASTER = {5, 6, 7, 8, 10}


@as_root
def test_rights_of_the_main_process(bare):
    server = ready(bare([], as_root=True))
    with open(f"/proc/{server.pid}/status", encoding="ascii") as text:
        caps = {name: int(value, 16) for name, value in re.findall(r"^(Cap\w+):\s*(\w+)$", text.read(), re.M)}
    for name in ("CapEff", "CapPrm"):
        assert {bit for bit in range(64) if caps[name] >> bit & 1} <= MASTER, name
    assert caps["CapAmb"] == 0


# ---- new keys ----

@pytest.mark.parametrize("line, renews", [("RekeyLimit default 1", True), ("RekeyLimit default none", False)])
def test_new_keys_by_time(bare, ssh, port, service, line, renews):
    """After this time, however little was moved."""
    goal = service(echo).port
    server = ready(bare([line]))
    one = ssh(server, "-vv", "-L", f"{port}:127.0.0.1:{goal}").stands(port)

    def exchanges():
        ping(("127.0.0.1", port))
        return one.said.count("SSH2_MSG_NEWKEYS received") >= 3
    if renews:
        until(exchanges)
    else:
        with pytest.raises(AssertionError):
            until(exchanges, 2.5)
    ping(("127.0.0.1", port))


# ---- authorities and ways to log in ----

@pytest.mark.parametrize("line, works", [("CASignatureAlgorithms ssh-ed25519", True),
                                         ("CASignatureAlgorithms ecdsa-sha2-nistp256", False),
                                         ("AuthenticationMethods any", True), ("AuthenticationMethods publickey", True),
                                         ("TrustedUserCAKeys none", False), ("PubkeyAuthentication yes", True)])
def test_certificate_and_keyword(lab, bare, line, works):
    key = lab.keys.make("with_keyword")
    cert = lab.keys.certify(lab.keys.make("user_ca"), key, principals="digger", name="with_keyword-x.pub")
    server = ready(bare([line]))
    if works:
        Probe(server, key, user="digger", certificate=cert).close()
    else:
        assert "PermissionDenied" in refusal(Probe, server, key, user="digger", certificate=cert)


# ---- what is ignored ----

def ignored():
    """The keywords that the manual lists as ignored."""
    with open(MAN, encoding="utf-8") as text:
        part = re.search(r"^\.Ss Ignored\n(.*?)^\.El", text.read(), re.M | re.S).group(1)
    return re.findall(r"^\.It Cm (\w+)$", part, re.M)


def test_ignored_keywords(bare):
    """All that the manual lists is accepted, and named when it starts with -d; "no" only where it is not the truth."""
    keywords = ignored()
    assert {"UsePAM", "X11Forwarding", "Subsystem", "AcceptEnv", "ForceCommand"} <= set(keywords)
    for word in ("yes", "no"):
        server = bare([f"{keyword} {word}" for keyword in keywords], ["-t"])
        assert (server.child.ended(), server.log()) == (0, "")
    server = bare([f"{keyword} yes" for keyword in keywords], ["-d"])
    server.child.told("ready")
    assert all(re.search(rf"line \d+.*\b{keyword}\b", server.log(), re.I) for keyword in keywords)


# ---- listeners of clients ----

@pytest.mark.parametrize("taken, other", [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_localhost_is_both_or_none(lab, aditd, port, taken, other):
    """One family of the port is somebody else's: refused, and the other one is not bound either."""
    with contextlib.closing(Probe(aditd, lab.key)) as probe:
        with socket.create_server((taken, port), family=socket.AF_INET6 if ":" in taken else socket.AF_INET):
            assert probe.listen("localhost", port) is None
            assert listeners(port) == {taken}
            assert probe.listen(other, port) == port
            probe.shut(probe.listeners.pop())
            until(lambda: listeners(port) == {taken})
        assert probe.listen("localhost", port) == port
        assert listeners(port) == {"127.0.0.1", "::1"}


def test_chosen_port_is_one_for_both(lab, aditd):
    with contextlib.closing(Probe(aditd, lab.key)) as probe:
        assert listeners(probe.listen("localhost", 0)) == {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "", "127.0.0.1", "::1", "0.0.0.0", "*"])
def test_address_comes_back_as_asked(lab, aditd, service, host):
    """forwarded-tcpip names the listener with the very bytes of the request: AsyncSSH finds it only by them."""
    with contextlib.closing(Probe(aditd, lab.key)) as probe:
        port = probe.listen(host, free_port(), service(echo).address)
        assert port
        ping(("::1" if host == "::1" else "127.0.0.1", port))


# ---- the end ----

def test_end_delivers_what_has_come(bare, ssh, port, cleanup):
    """SIGTERM with bytes under way to a slow target: it gets all that the server had, and then a reset, not an end."""
    door = socket.create_server(("127.0.0.1", 0))
    cleanup.callback(door.close)
    server = ready(bare([]))
    ssh(server, "-L", f"{port}:127.0.0.1:{door.getsockname()[1]}").stands(port)
    with connect(("127.0.0.1", port), 1) as source:
        goal, _ = door.accept()
        cleanup.callback(goal.close)
        with contextlib.suppress(TimeoutError):
            while True:
                source.send(bytes(65536))
        os.kill(server.pid, signal.SIGTERM)
        got = 0
        with pytest.raises(ConnectionResetError):
            while True:
                piece = goal.recv(65536)
                assert piece, "it looks as if all had come"
                got += len(piece)
    assert server.child.ended() == 0
    records = [record for record in server.records() if record["event"] == "forward"]
    assert got == max(int(record["from_client"]) for record in records) > 0
    assert {record["end"] for record in records} >= {"connection lost"}


# ---- what the manuals show ----

def examples(page):
    """The configurations under EXAMPLES."""
    with open(os.path.join(os.path.dirname(MAN), page), encoding="utf-8") as text:
        part = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", text.read(), re.M | re.S).group(1)
    return re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", part, re.M | re.S)


@pytest.mark.parametrize("page, number", [("aditd.8", 5), ("aditd_config.5", 2)])
def test_examples(start_server, page, number):
    found = examples(page)
    assert len(found) == number
    server = start_server("aditd", starts=False)
    for text in found:
        (server.folder / "example").write_text(text, encoding="utf-8")
        one = server.launch("-t", "-f", server.folder / "example", "-h", server.own_host_key("ed25519"), file=False)
        assert (one.ended(), one.said) == (0, ""), text


# ---- marks on packets ----

@pytest.mark.parametrize("lines, match, mark", [([], [], 0), (["IPQoS ef"], [], 0xb8), (["IPQoS none"], [], 0),
                                                (["IPQoS ef"], ["Match User digger", "IPQoS cs1"], 0x20)])
def test_type_of_service(lab, bare, lines, match, mark):
    server = ready(bare(lines, prepare=lambda server: server.match.extend(match)))
    with contextlib.closing(Probe(server, lab.key, user="digger")):
        seen = subprocess.run(["ss", "-Htn", "--tos", "state", "established", f"sport = :{server.port}"],
                              capture_output=True, text=True, check=True).stdout
        assert {int(one, 16) for one in re.findall(r"\btos:(0x[0-9a-f]+)", seen)} | {0} == {mark, 0}
