"""What a login may forward: each keyword and each option of a key, allowed with it and refused without.

One server has a user for each row of the tables: the keywords stand behind its Match User, the options in front of its
key. Nobody of them has an account."""
import contextlib
import os
import socket
import stat

import pytest

from lab.net import connect, free_port, listeners, unix_listener
from lab.probe import Probe, asyncssh, start as begin
from lab.proc import until
from lab.servers import AS_ROOT, SERVER_USER, give
from lab.services import Service, echo, ping

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")

# name, keywords, which of the four forms are allowed: channels to TCP and to paths, listeners on TCP and on paths.
FORMS = [
    ("default", [], "L R UL UR"),
    ("tcp-yes", ["AllowTcpForwarding yes"], "L R UL UR"),
    ("tcp-all", ["AllowTcpForwarding all"], "L R UL UR"),
    ("tcp-no", ["AllowTcpForwarding no"], "UL UR"),
    ("tcp-spelling", ["AllowTcpForwarding No"], "UL UR"),
    ("tcp-shouted", ["ALLOWTCPFORWARDING NO"], "UL UR"),
    ("tcp-local", ["AllowTcpForwarding local"], "L UL UR"),
    ("tcp-remote", ["AllowTcpForwarding remote"], "R UL UR"),
    ("stream-yes", ["AllowStreamLocalForwarding yes"], "L R UL UR"),
    ("stream-no", ["AllowStreamLocalForwarding no"], "L R"),
    ("stream-local", ["AllowStreamLocalForwarding local"], "L R UL"),
    ("stream-remote", ["AllowStreamLocalForwarding remote"], "L R UR"),
    ("disabled", ["DisableForwarding yes", "AllowTcpForwarding yes"], ""),
    ("not-disabled", ["DisableForwarding no"], "L R UL UR"),
    ("open-none", ["PermitOpen none"], "R UR"),
    ("listen-none", ["PermitListen none"], "L UL UR"),
]

# name, keywords, {(host, port): is it allowed?}. Ports: 7 is refused by the system, so "allowed" is a failed connect.
OPENS = [
    ("open-any", ["PermitOpen any"], {("127.0.0.1", 7): True, ("localhost", 7): True}),
    ("open-one", ["PermitOpen 127.0.0.1:7"],
     {("127.0.0.1", 7): True, ("127.0.0.1", 9): False, ("127.0.0.2", 7): False, ("localhost", 7): False}),
    ("open-two", ["PermitOpen 127.0.0.1:7 127.0.0.2:9"],
     {("127.0.0.1", 7): True, ("127.0.0.2", 9): True, ("127.0.0.1", 9): False, ("127.0.0.2", 7): False}),
    ("open-name", ["PermitOpen localhost:7"], {("localhost", 7): True, ("127.0.0.1", 7): False, ("LOCALHOST", 9): False}),
    ("open-star-port", ["PermitOpen 127.0.0.1:*"], {("127.0.0.1", 7): True, ("127.0.0.1", 9): True,
                                                    ("127.0.0.2", 7): False}),
    ("open-star-host", ["PermitOpen *:7"], {("127.0.0.1", 7): True, ("127.0.0.2", 7): True, ("127.0.0.1", 9): False}),
    ("open-v6", ["PermitOpen [::1]:7"], {("::1", 7): True, ("::1", 9): False, ("127.0.0.1", 7): False}),
    ("open-net", ["PermitOpen 127.1.0.0/16:7"],
     {("127.1.2.3", 7): True, ("127.2.0.1", 7): False, ("127.1.2.3", 9): False, ("::ffff:127.1.2.3", 7): True,
      ("::ffff:127.2.0.1", 7): False}),
    ("open-net-of-name", ["PermitOpen 127.0.0.0/8:*"], {("localhost", 7): True}),
    ("open-net-without-name", ["PermitOpen 10.0.0.0/8:*"], {("localhost", 7): False, ("127.0.0.1", 7): False}),
    ("open-range", ["PermitOpen 127.0.0.1:7-9"],
     {("127.0.0.1", 7): True, ("127.0.0.1", 9): True, ("127.0.0.1", 6): False, ("127.0.0.1", 10): False}),
    ("open-pattern", ["PermitOpen local*:7"], {("localhost", 7): True, ("127.0.0.1", 7): False}),
    ("deny-one", ["DenyOpen 127.0.0.1:7 [::1]:7"],
     {("127.0.0.1", 7): False, ("127.0.0.1", 9): True, ("127.0.0.2", 7): True, ("::ffff:127.0.0.1", 7): False,
      ("localhost", 7): False}),
    ("deny-net", ["DenyOpen 127.1.0.0/16"],
     {("127.1.2.3", 7): False, ("127.2.0.1", 7): True, ("::ffff:127.1.2.3", 9): False}),
    ("deny-name", ["DenyOpen localhost:*"], {("LocalHost", 7): False, ("localhost.", 7): False, ("127.0.0.1", 7): True}),
    ("deny-range", ["DenyOpen 127.0.0.1:7-9"], {("127.0.0.1", 8): False, ("127.0.0.1", 10): True}),
    ("deny-all", ["DenyOpen *"], {("127.0.0.1", 7): False, ("localhost", 7): False}),
    ("deny-wins", ["PermitOpen 127.0.0.1:*", "DenyOpen 127.0.0.1:9"], {("127.0.0.1", 7): True, ("127.0.0.1", 9): False}),
    ("guarded", [],
     {("169.254.169.254", 80): False, ("::ffff:169.254.169.254", 80): False, ("64:ff9b::a9fe:a9fe", 80): False,
      ("2002:a9fe:a9fe::1", 80): False, ("fe80::1", 80): False, ("0.0.0.0", 7): False, ("::", 7): False,
      ("224.0.0.1", 7): False, ("ff02::1", 7): False, ("255.255.255.255", 7): False, ("metadata.example", 80): False}),
    ("guarded-anyhow", ["PermitOpen *:* 0.0.0.0/0:*"],
     {("169.254.169.254", 80): False, ("0.0.0.0", 7): False, ("metadata.example", 80): False}),
    ("unguarded", ["PermitOpen 0.0.0.0:7"], {("0.0.0.0", 7): True, ("169.254.169.254", 80): False}),
    ("unguarded-net", ["PermitOpen 0.0.0.0/8:*"], {("0.0.0.0", 7): True, ("127.0.0.1", 7): False}),
    ("forbidden-name", ["PermitOpen metadata.example:80"], {("metadata.example", 80): False}),
]

ANY = 0  # a free port
# name, keywords, {(address, port): what is bound, or None when it is refused}
WILD, LOOP = {"0.0.0.0", "::"}, {"127.0.0.1", "::1"}
LISTENS = [
    ("gateway-no", ["GatewayPorts no"],
     {("localhost", ANY): LOOP, ("", ANY): LOOP, ("0.0.0.0", ANY): LOOP, ("127.0.0.1", ANY): {"127.0.0.1"},
      ("127.0.0.5", ANY): LOOP}),
    ("gateway-yes", ["GatewayPorts yes"], {("localhost", ANY): WILD, ("127.0.0.1", ANY): WILD, ("", ANY): WILD}),
    ("gateway-client", ["GatewayPorts clientspecified"],
     {("localhost", ANY): LOOP, ("", ANY): WILD, ("*", ANY): WILD, ("0.0.0.0", ANY): {"0.0.0.0"}, ("::", ANY): {"::"},
      ("127.0.0.5", ANY): {"127.0.0.5"}, ("::1", ANY): {"::1"}}),
    ("listen-any", ["PermitListen any"], {("localhost", ANY): LOOP}),
    ("listen-port", ["PermitListen {a}"], {("localhost", "a"): LOOP, ("localhost", "b"): None,
                                           ("localhost", "0"): None}),
    ("listen-star-port", ["PermitListen localhost:*"], {("localhost", "a"): LOOP, ("localhost", "0"): LOOP,
                                                        ("127.0.0.1", "a"): None, ("", "a"): None}),
    ("listen-host-port", ["PermitListen 127.0.0.1:{a}"],
     {("127.0.0.1", "a"): {"127.0.0.1"}, ("127.0.0.1", "b"): None, ("localhost", "a"): None, ("127.0.0.2", "a"): None}),
    ("listen-range", ["PermitListen 127.0.0.1:{a}-{a}"], {("127.0.0.1", "a"): {"127.0.0.1"}, ("127.0.0.1", "b"): None}),
    ("listen-several", ["PermitListen {a} localhost:{b}"],
     {("localhost", "b"): LOOP, ("127.0.0.1", "a"): {"127.0.0.1"}, ("127.0.0.1", "b"): None}),
    ("listen-narrow", ["GatewayPorts yes", "PermitListen localhost:{a}"], {("localhost", "a"): None}),
    ("privileged", [], {("127.0.0.1", "77"): None}),
    ("multicast", [], {("224.0.0.1", ANY): None, ("255.255.255.255", ANY): None}),
]

# name, options of the key, which forms are allowed
KEY_FORMS = [
    ("key-plain", "", "L R UL UR"),
    ("key-restrict", "restrict", ""),
    ("key-restrict-forwarding", "restrict,port-forwarding", "L R UL UR"),
    ("key-no-forwarding", "no-port-forwarding", ""),
    ("key-later-wins", "port-forwarding,restrict", ""),
    ("key-command", 'command="/bin/false"', "L R UL UR"),
    ("key-sessions", 'no-pty,no-agent-forwarding,no-X11-forwarding,no-user-rc,environment="A=b",tunnel="0"',
     "L R UL UR"),
    ("key-expires-later", 'expiry-time="20991231"', "L R UL UR"),
    ("key-from-here", 'from="127.0.0.0/8"', "L R UL UR"),
    ("key-spelling", "No-Port-Forwarding", ""),
]

# name, options, {(host, port): allowed}
KEY_OPENS = [
    ("key-open", 'permitopen="127.0.0.1:7",permitopen="localhost:9"',
     {("127.0.0.1", 7): True, ("localhost", 9): True, ("127.0.0.1", 9): False, ("localhost", 7): False}),
    ("key-open-star", 'permitopen="127.0.0.1:*"', {("127.0.0.1", 9): True, ("127.0.0.2", 9): False}),
    ("key-unguards-nothing", 'permitopen="169.254.169.254:80",permitopen="0.0.0.0:7"',
     {("169.254.169.254", 80): False, ("0.0.0.0", 7): False}),
]
KEY_LISTENS = [
    ("key-listen", 'permitlisten="{a}"', {("localhost", "a"): LOOP, ("localhost", "b"): None}),
    ("key-listen-host", 'permitlisten="127.0.0.1:{a}"', {("127.0.0.1", "a"): {"127.0.0.1"}, ("localhost", "a"): None}),
    ("key-listen-privileged", 'permitlisten="127.0.0.1:77"', {("127.0.0.1", "77"): None}),
]

# Both must allow.
BOTH = ("both", ["PermitOpen 127.0.0.1:*"], 'permitopen="*:7"',
        {("127.0.0.1", 7): True, ("127.0.0.1", 9): False, ("127.0.0.2", 7): False})


def rows(table):
    return pytest.mark.parametrize("row", table, ids=[row[0] for row in table])


class Gate:
    """The server, and what stands behind it."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.key = lab.key
        self.ports = {"a": free_port(), "b": free_port()}
        self.tcp = Service(echo)
        self.path = Service(echo, folder / "echo")
        keys = folder / "keys"
        keys.mkdir()
        match = []
        for name, lines, *_ in [*FORMS, *OPENS, *LISTENS, BOTH]:
            match += [f"Match User {name}", *[line.format(**self.ports) for line in lines]]
        for name, options, *_ in [*KEY_FORMS, *KEY_OPENS, *KEY_LISTENS, ("both", BOTH[2])]:
            line = options.format(**self.ports) + " " + lab.authorized().splitlines()[0] + "\n"
            (keys / name).write_text(line, encoding="ascii")
        (folder / "everybody").write_text(lab.authorized(), encoding="ascii")
        self.server = lab.start("aditd", config=[f"AuthorizedKeysFile {keys}/%u"], match=[
            "Match User " + ",".join(row[0] for row in [*FORMS, *OPENS, *LISTENS]),
            f"AuthorizedKeysFile {folder}/everybody", *match,
        ], env={"LD_PRELOAD": str(lab.shim("names")), "TEST_NAME": "metadata.example",
                "TEST_ADDRESS": "169.254.169.254"})

    def login(self, row):
        return contextlib.closing(Probe(self.server, self.key, user=row[0]))

    def close(self):
        self.server.stop()
        self.tcp.close()
        self.path.close()


@pytest.fixture(scope="module")
def gate(lab):
    folder = lab.folder_for("gate")
    folder.mkdir()
    os.chmod(folder, 0o755)
    one = Gate(lab, folder)
    yield one
    one.close()


def check_forms(gate, row, work):
    allowed = row[2].split()
    with gate.login(row) as probe:
        got = {"L": probe.reaches("127.0.0.1", gate.tcp.port) == "yes", "UL": probe.reaches(gate.path.address) == "yes",
               "R": probe.listen("127.0.0.1", 0) is not None, "UR": probe.listen_unix(work / "sock")}
        assert [form for form, yes in got.items() if yes] == [form for form in got if form in allowed]
        assert unix_listener(work / "sock") == ("UR" in allowed)
        assert probe.stands()


def check_opens(gate, row):
    with gate.login(row) as probe:
        got = {place: probe.reaches(*place) for place in row[-1]}
        assert got == {place: "failed" if yes else "prohibited" for place, yes in row[-1].items()}


def check_listens(gate, row):
    with gate.login(row) as probe:
        for (host, port), bound in row[2].items():
            number = gate.ports.get(port) or int(port)
            got = probe.listen(host, number or (free_port() if port == ANY else 0))
            assert (got is not None) == (bound is not None), f"{host}:{port}: {got}"
            if got:
                assert listeners(got) == bound, f"{host}:{port}"
                probe.shut(probe.listeners.pop())
                until(lambda port=got: not listeners(port))


@rows(FORMS)
def test_forms(gate, work, row):
    check_forms(gate, row, work)


@rows(OPENS)
def test_targets(gate, row):
    check_opens(gate, row)


@rows(LISTENS)
def test_listeners(gate, row):
    check_listens(gate, row)


@pytest.mark.parametrize("user, host, told", [
    ("gateway-yes", "localhost", [(True, "GatewayPorts yes: the listener for localhost port {} is on every address")]),
    ("gateway-yes", "", []),
    ("gateway-no", "*", [(False, "GatewayPorts no: the listener for * port {} is on loopback only")]),
    ("gateway-no", "localhost", []),
    ("gateway-client", "0.0.0.0", []),
])
def test_what_became_of_a_listener_is_told(gate, user, host, told):
    """A listener that is wider than what was asked for must be seen, a narrower one may."""
    with gate.login((user,)) as probe:
        port = probe.listen(host, 0)
        assert probe.told == [(always, text.format(port)) for always, text in told]


@rows(KEY_FORMS)
def test_forms_of_a_key(gate, work, row):
    check_forms(gate, row, work)


@rows(KEY_OPENS)
def test_targets_of_a_key(gate, row):
    check_opens(gate, row)


@rows(KEY_LISTENS)
def test_listeners_of_a_key(gate, row):
    check_listens(gate, row)


def test_server_and_key_must_agree(gate):
    check_opens(gate, BOTH)


def test_command_is_not_run(gate):
    """A key with command= forwards, and gets no session for it."""
    with gate.login(("key-command",)) as probe:
        assert probe.session() == "this server only forwards ports: use -N"
        assert probe.reaches("127.0.0.1", gate.tcp.port) == "yes"


# ---- what only a server of its own shows ----

@pytest.fixture
def probe(lab, start_server, cleanup):
    """probe(*lines): a login at a server with these lines."""
    def start(*lines, **settings):
        one = Probe(start_server("aditd", config=lines, **settings), lab.key)
        cleanup.callback(one.close)
        return one
    return start


@pytest.mark.parametrize("line, mode", [(None, 0o600), ("StreamLocalBindMask 0117", 0o660),
                                        ("StreamLocalBindMask 0111", 0o666)])
def test_mask(probe, work, line, mode):
    assert probe(*([line] if line else [])).listen_unix(work / "sock")
    assert stat.S_IMODE(os.stat(work / "sock").st_mode) == mode


@pytest.mark.parametrize("own", [pytest.param(False, marks=as_root), True], ids=["foreign", "own"])
@pytest.mark.parametrize("line, granted", [(None, False), ("StreamLocalBindUnlink no", False),
                                           ("StreamLocalBindUnlink yes", True)])
def test_unlink(probe, service, work, line, granted, own):
    """A socket of the server's user that was left behind; somebody else's, and a file that is none, stay, also where
    the server's user could remove them."""
    os.chmod(work, 0o755)
    give(work)
    service(echo, work / "sock").listener.close()
    granted = granted and own
    if own:
        give(work / "sock")
    (work / "thesis").write_text("years", encoding="ascii")
    one = probe(*([line] if line else []))
    assert one.listen_unix(work / "sock") == granted
    assert not one.listen_unix(work / "thesis")
    assert (work / "thesis").read_text(encoding="ascii") == "years"


@pytest.mark.parametrize("mode, granted", [(0o777, False), (0o2777, False), (0o1777, True), (0o700, True), (0o775, True)],
                         ids=lambda value: f"{value:o}" if value > 1 else None)
def test_folder_of_a_unix_socket(lab, start_server, cleanup, work, mode, granted):
    """None is made where everybody may write and the sticky bit does not keep others from exchanging it."""
    give(work)
    os.chmod(work, mode)
    server = start_server("aditd")
    one = Probe(server, lab.key)
    cleanup.callback(one.close)
    assert one.listen_unix(work / "sock") == granted == (work / "sock").exists()
    if not granted:
        assert "everybody may write to its folder" in server.record("listener-refused")["rule"]


@pytest.mark.parametrize("path", ["relative", "", "/" + "x" * 200, "/no/such/folder/sock"])
def test_bad_paths(probe, path):
    one = probe()
    assert not one.listen_unix(path)
    assert one.stands()


@pytest.mark.parametrize("where", ["config", "match"])
def test_max_channels(probe, service, where):
    lines = ["MaxChannels 2"]
    one = probe(*lines) if where == "config" else probe(match=[f"Match User {SERVER_USER}", *lines])
    goal = service().port
    kept = [one.open("127.0.0.1", goal) for _ in range(2)]
    assert one.reaches("127.0.0.1", goal) not in ("yes", "failed")
    one.shut(kept.pop()[1])
    until(lambda: one.reaches("127.0.0.1", goal) == "yes")


def test_max_listeners(probe):
    one = probe("MaxListeners 2")
    assert [one.listen("127.0.0.1", 0) is not None for _ in range(3)] == [True, True, False]
    one.shut(one.listeners.pop())
    until(lambda: one.listen("127.0.0.1", 0))


def test_max_opens_pending(probe, service):
    """The second connect waits for the first, and is made when that is over."""
    stuck = socket.create_server(("127.0.0.1", 0), backlog=0)
    address = stuck.getsockname()
    held = []
    with contextlib.suppress(TimeoutError):
        while len(held) < 20:
            held.append(connect(address, 0.3))
    assert len(held) < 20, "a queue of no length has no end"
    one = probe("MaxOpensPending 1")
    first = begin(one.connection.open_connection(*address))
    second = begin(one.connection.open_connection(*service().address))
    with pytest.raises(TimeoutError):
        second.result(0.5)
    stuck.close()
    for sock in held:
        sock.close()
    with pytest.raises(asyncssh.ChannelOpenError):
        first.result(10)
    second.result(10)


# Lines that are mistakes: the server does not start, and says where and why.
MISTAKES = [
    ("unknown", "NoSuchKeyword yes", r"aditd_config:? line 1: .*nosuchkeyword"),
    ("command", "AuthorizedKeysCommand /bin/keys %u", r"aditd_config line 1: .*never starts another program"),
    ("principals-command", "AuthorizedPrincipalsCommand /bin/keys", r"aditd_config line 1: .*never starts"),
    ("value", "AllowTcpForwarding perhaps", r"aditd_config line 1: .*perhaps"),
    ("open", "PermitOpen 127.0.0.1", r"aditd_config line 1: .*no port"),
    ("open-port", "PermitOpen 127.0.0.1:0", r"aditd_config line 1: .*port"),
    ("open-net", "PermitOpen 10.0.0.1/8:80", r"aditd_config line 1: .*range"),
    ("deny-any", "DenyOpen any", r"aditd_config line 1: .*\*"),
    ("listen", "PermitListen 1.2.3.4/8:80", r"aditd_config line 1: "),
    ("empty", "PermitOpen", r"aditd_config line 1: .*permitopen"),
    ("cipher", "Ciphers aes128-cbc", r"aditd_config line 1: .*aes128-cbc"),
    ("mac", "MACs hmac-md5", r"aditd_config line 1: .*hmac-md5"),
    ("kex", "KexAlgorithms diffie-hellman-group1-sha1", r"aditd_config line 1: .*group1"),
    ("port", "Port 70000", r"aditd_config line 1: .*70000"),
    ("time", "LoginGraceTime soon", r"aditd_config line 1: .*soon"),
    ("startups", "MaxStartups 10:200:5", r"aditd_config line 1: "),
    ("match", "Match Colour green", r"aditd_config line 1: .*Colour"),
    ("include", "Include \"", r"aditd_config line 1: "),
]


@pytest.mark.parametrize("line, said", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_mistakes(start_server, line, said):
    with pytest.raises(AssertionError, match=said):
        start_server("aditd", config=[line])


# What says nothing to a server that only forwards is accepted.
@pytest.mark.parametrize("line", ["UsePAM no", "X11Forwarding yes", "Subsystem sftp /usr/lib/openssh/sftp-server",
                                  "AcceptEnv LANG LC_*", "PrintMotd no", "PasswordAuthentication no",
                                  "KbdInteractiveAuthentication no", "AuthorizedKeysCommand none",
                                  "PermitTTY no", "ForceCommand /bin/false", "ChrootDirectory /", "MaxSessions 10"])
def test_ignored(probe, service, line):
    assert probe(line).reaches("127.0.0.1", service().port) == "yes"


def test_listener_carries_data(gate, service, port):
    with gate.login(("default",)) as probe:
        assert probe.listen("127.0.0.1", port, service().address) == port
        ping(("127.0.0.1", port))
