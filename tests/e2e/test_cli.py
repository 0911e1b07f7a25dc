"""The command line: flags, destinations, what is refused, and the one line that says why."""
import os
import re
import subprocess

import pytest

from lab import client as adit
from lab.client import ADIT
from lab.net import call
from lab.proc import until
from lab.services import ping

BAD_FORWARDS = ["", "x", "1:host", "1:host:", "1:host:0", "1:host:65536", "65536:host:1", "-1:host:1", "1:host:x",
                "+1:host:1", "0x50:host:1", "[::1:1:host:1", "1:[::1:1", "a:b:c:d:e",
                "99999999999999999999:host:1", "1:host:99999999999999999999", "/" + "x" * 200 + ":host:1"]


@pytest.mark.parametrize("spec", BAD_FORWARDS)
@pytest.mark.parametrize("flag", ["-L", "-R"])
def test_bad_forward(run, flag, spec):
    """One line that repeats what is wrong, and 255."""
    if flag == "-R" and spec == "x":
        spec = "y z"
    said = run(ADIT, "-F", "none", flag, spec, "localhost").fails("(?i)bad .*forwarding specification|too long|missing")
    assert spec[:40] in said


# flags, what the one line must hold
BAD_LINES = [
    (["-Z", "localhost"], "(?i)unknown option|unrecognized|illegal|invalid option"),
    (["--no-such-option", "localhost"], "(?i)option"),
    (["-p", "0", "localhost"], "(?i)bad port '0'"),
    (["-p", "65536", "localhost"], "(?i)bad port '65536'"),
    (["-p", "http ", "localhost"], "(?i)bad port 'http '"),
    (["-p"], "(?i)argument.*p|usage"),
    (["-L", "1:h:1"], "(?i)usage|destination|host"),
    ([], "(?i)usage|no host"),
    (["-o", "NoSuchThing=1", "-L", "1:h:1", "localhost"], "(?i)bad configuration option: nosuchthing"),
    (["-o", "Port=many", "-L", "1:h:1", "localhost"], "(?i)port"),
    (["-o", "Port", "-L", "1:h:1", "localhost"], "(?i)missing argument|port"),
    (["-o", "StrictHostKeyChecking=maybe", "-L", "1:h:1", "localhost"], "(?i)unsupported option|maybe|argument"),
    (["-c", "rot13", "-L", "1:h:1", "localhost"], "rot13"),
    (["-m", "crc32", "-L", "1:h:1", "localhost"], "crc32"),
    (["-F", "/no/such/file", "-L", "1:h:1", "localhost"], "(?i)/no/such/file.*No such file"),
    (["-E", "/no/such/dir/log", "-L", "1:h:1", "localhost"], "/no/such/dir/log"),
    (["-L", "1:h:1", "-oPermitLocalCommand=yes", "-oLocalCommand=true", "localhost"], "PermitLocalCommand"),
    (["-A", "-L", "1:h:1", "localhost"], "(?i)agent"),
    (["-L", "1:h:1", "ssh://user@host:port"], "(?i)ssh://user@host:port|port|uri"),
    (["-L", "1:h:1", "ssh://user@host:99999"], "(?i)ssh://|port|uri"),
    (["-L", "1:h:1", "-oProxyJump=another", "localhost"], "ProxyJump"),
    (["-L", "1:h:1", "bad host name"], "(?i)bad host name|host"),
    (["-L", "1:h:1", "$(reboot)"], "(?i)host"),
    (["-L", "1:h:1", "-l", "`reboot`", "localhost"], "(?i)user"),
    (["-L", "1:h:1", "localhost", "uname", "-a"], "(?i)command"),
    (["localhost"], "(?i)forward|command|shell"),
    (["-L", "1:h:1", "no-such-host.invalid"], "(?i)could not resolve hostname no-such-host.invalid"),
]


@pytest.mark.parametrize("words, pattern", BAD_LINES, ids=[" ".join(line[0])[:40] or "nothing" for line in BAD_LINES])
def test_bad_line(run, words, pattern):
    """Exit status 255 and one clear line (a usage may have a few), before anything was dialled or asked."""
    first = [] if "-F" in words else ["-F", "none"]
    said = run(ADIT, *first, *words).fails(pattern, lines=0)
    assert len(said.strip().splitlines()) <= (12 if re.search("usage", said, re.I) else 1), said


def test_version(run):
    one = run(ADIT, "-V")
    assert one.ended() == 0
    assert re.search(r"adit[ _]\d+\.\d+", one.said + one.out), str(one)


@pytest.mark.parametrize("words", [["-V"], ["--help"], ["-F", "none", "-G", "host"]], ids=" ".join)
def test_nowhere_to_print(run, words):
    """Half of a configuration is not taken for a whole one: the disk is full, the descriptor is closed."""
    for command, pattern in ((['exec "$0" "$@" >/dev/full', ADIT, *words], "No space left on device"),
                             (['exec "$0" "$@" 1</dev/null', ADIT, *words], "Bad file descriptor")):
        run("sh", "-c", *command).fails(f"cannot write to stdout: {pattern}")


def test_help_fits_a_terminal(run):
    one = run(ADIT, "--help")
    assert one.ended() == 0
    lines = (one.out or one.said).splitlines()
    assert 5 <= len(lines) <= 24 and max(map(len, lines)) <= 80
    assert "-L" in one.out + one.said and "-R" in one.out + one.said


DUMP_KEYS = ("user", "hostname", "port", "localforward", "remoteforward", "serveraliveinterval", "serveralivecountmax",
             "ciphers", "stricthostkeychecking", "identityfile")


def test_dump(run):
    """-G prints the effective configuration in ssh's format and dials nobody."""
    one = run(ADIT, "-F", "none", "-G", "-p", "2022", "-L", "1234:localhost:23", "-R", "[::1]:4000:[::1]:4001",
              "-l", "me", "mine.example")
    assert one.ended() == 0, str(one)
    lines = one.out.splitlines()
    for line in ("user me", "hostname mine.example", "port 2022", "localforward 1234 [localhost]:23",
                 "remoteforward [::1]:4000 [::1]:4001"):
        assert line in lines, f"{line}\n{one.out}"
    for key in DUMP_KEYS:
        assert any(line.split()[0] == key for line in lines), key


def test_defaults_for_tunnels(run):
    """A dead tunnel should not look alive: keepalives are on."""
    one = run(ADIT, "-F", "none", "-G", "-L", "1:h:1", "host")
    assert one.ended() == 0
    assert "serveraliveinterval 15" in one.out.splitlines() and "serveralivecountmax 3" in one.out.splitlines()


ACCEPTED_FLAGS = [["-N"], ["-n"], ["-T"], ["-C"], ["-4"], ["-N", "-T", "-n"], ["-NTn"], ["-q"], ["-v"], ["-vv"],
                  ["-vvv"],
                  ["-b", "127.0.0.1"], ["-oCompression=yes"], ["-oForwardX11=yes"], ["-oForwardAgent=no"],
                  ["-oIgnoreUnknown=Wonder*", "-oWonderful=1"], ["-oServerAliveInterval=0"], ["-oTCPKeepAlive=no"],
                  ["-oIPQoS=lowdelay throughput"], ["-oIPQoS=none"], ["-oAddressFamily=inet"], ["-oConnectTimeout=5"],
                  ["-oBindInterface=lo"], ["-ocontrolmaster=no"], ["-oUser=x"]]


@pytest.mark.parametrize("flags", ACCEPTED_FLAGS, ids=[" ".join(flags) for flags in ACCEPTED_FLAGS])
def test_accepted(openssh, client, service, port, flags):
    if "-oUser=x" in flags:
        flags = [f"-oUser={openssh.user}"]
    client(openssh, *flags, "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    ping(("127.0.0.1", port))


@pytest.fixture
def base(openssh, lab, work):
    """The words before the destination, but for -p and user."""
    (work / "known_hosts").write_text(openssh.known_hosts(), encoding="ascii")
    return [ADIT, *adit.SAY_N, "-F", "none", "-o", f"UserKnownHostsFile={work}/known_hosts", "-o",
            "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes", "-i", lab.key]


DESTINATIONS = [
    ("user@host", ["-p", "{port}", "{user}@127.0.0.1"]),
    ("-l", ["-l", "{user}", "-p", "{port}", "127.0.0.1"]),
    ("URL", ["ssh://{user}@127.0.0.1:{port}"]),
    ("URL with slash", ["ssh://{user}@127.0.0.1:{port}/"]),
    ("URL and -p", ["-p", "{port}", "ssh://{user}@127.0.0.1"]),
    ("options after the host", ["{user}@127.0.0.1", "-p", "{port}"]),
    ("options on both sides", ["-p{port}", "127.0.0.1", "-l{user}", "-v"]),
    ("-o Port and User", ["-o", "Port {port}", "-oUser={user}", "127.0.0.1"]),
    ("two dashes", ["-p", "{port}", "--", "{user}@127.0.0.1"]),
]


@pytest.mark.parametrize("words", [d[1] for d in DESTINATIONS], ids=[d[0] for d in DESTINATIONS])
def test_destination(openssh, run, base, service, port, words):
    words = [word.format(port=openssh.port, user=openssh.user) for word in words]
    run(*base, "-L", f"{port}:127.0.0.1:{service().port}", *words).stands(port)
    ping(("127.0.0.1", port))


def test_forward_after_the_host(openssh, run, base, service, port):
    run(*base, "-p", openssh.port, f"{openssh.user}@127.0.0.1", "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    ping(("127.0.0.1", port))


def test_log_file(openssh, client, port, refuser, work):
    """-E: everything goes to the file, nothing to stderr."""
    one = client(openssh, "-v", "-E", work / "log", "-L", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    until(lambda: "Connection refused" in (work / "log").read_text(encoding="utf-8"), what="the reason in the log")
    assert one.said == ""


def test_log_file_appends(openssh, client, work):
    (work / "log").write_text("yesterday\n", encoding="ascii")
    client(openssh, "-E", work / "log", "-L", "1:h:1", known_hosts="").ended()
    text = (work / "log").read_text(encoding="ascii")
    assert text.startswith("yesterday\n") and "Host key verification failed" in text


def test_quiet(openssh, client, service, port, refuser, ports):
    """-q: not a word, not even about a refused target."""
    one = client(openssh, "-q", "-L", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    one.stop()
    assert one.said == ""


def test_verbose_names_what_was_negotiated(openssh, client, service, port):
    one = client(openssh, "-v", "-c", "aes256-gcm@openssh.com", "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    for word in ("aes256-gcm@openssh.com", "curve25519-sha256|sntrup761", "ssh-ed25519", "OpenSSH_"):
        one.told(word)


def test_compression_is_explained(openssh, client, service, port):
    """-C is accepted; nothing is compressed, and -v says so."""
    one = client(openssh, "-v", "-C", "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    one.told("(?i)compress")
    ping(("127.0.0.1", port))


def test_what_stands(openssh, client, service, ports, work):
    """At a terminal: one line per forward."""
    a, b = ports(2)
    goal = service().port
    one = client(openssh, "-L", f"{a}:127.0.0.1:{goal}", "-R", f"{b}:localhost:{goal}", how={"tty": True}).stands(a, b)
    one.told(rf"127\.0\.0\.1:{a} -> 127\.0\.0\.1:{goal} through {openssh.user}@127\.0\.0\.1")
    one.told(rf"{b} -> .*localhost:{goal}")


def test_silent_without_a_terminal(openssh, client, service, port):
    one = client(openssh, "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    ping(("127.0.0.1", port))
    assert one.said == "" and one.out == ""


def test_closed_descriptors(openssh, client, service, port):
    """Started without stdin, stdout and stderr: no socket of ours gets mistaken for them."""
    client(openssh, "-L", f"{port}:127.0.0.1:{service().port}",
           prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]).stands(port)
    ping(("127.0.0.1", port))


def test_stdin_is_left_alone(openssh, client, service, port):
    """What waits at stdin is not read, and its end does not end the tunnel."""
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as nothing:
        one = client(openssh, "-L", f"{port}:127.0.0.1:{service().port}", how={"stdin": nothing.stdout}).stands(port)
        ping(("127.0.0.1", port))
        assert one.alive()


def test_config_error_names_the_line(run, work):
    (work / "config").write_text("Host *\n    Port 22\n    Wonderful yes\n", encoding="ascii")
    run(ADIT, "-F", work / "config", "-L", "1:h:1", "localhost").fails(
        rf"{re.escape(str(work))}/config: ?(line )?3: Bad configuration option: (?i:wonderful)", lines=2)


def test_privileged_port(openssh, lab, client, work):
    """A port below 1024 needs root or a capability: the error says so and which port."""
    if int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii").read()) <= 81:
        pytest.skip("every port is free for all on this system")
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--bounding-set=-all",
                  "--inh-caps=-all"]
    key = work / "key"
    key.write_bytes(lab.key.read_bytes())
    os.chmod(key, 0o600)
    if os.geteuid() == 0:
        import pwd
        os.chown(key, pwd.getpwnam("nobody").pw_uid, -1)
    program = ADIT
    if not openable_by_all(ADIT):
        import shutil
        program = shutil.copy(ADIT, work / "adit")
    said = client(openssh, "-L", "127.0.0.1:81:127.0.0.1:1", key=key, options=["ExitOnForwardFailure=yes"],
                  prefix=prefix, program=program).fails(r"81", lines=3)
    assert re.search(r"(?i)root|CAP_NET_BIND_SERVICE|privileged|permission denied", said), said
    if "ssh" != os.path.basename(ADIT):
        assert "CAP_NET_BIND_SERVICE" in said or "root" in said


def openable_by_all(path):
    parent = os.path.dirname(os.path.abspath(path))
    while parent != "/":
        if not os.stat(parent).st_mode & 0o001:
            return False
        parent = os.path.dirname(parent)
    return True


def test_port_in_use_names_the_process(openssh, client, service):
    """Who holds the port, where /proc shows it: here it is this very test."""
    taken = service()
    said = client(openssh, "-L", f"127.0.0.1:{taken.port}:127.0.0.1:1",
                  options=["ExitOnForwardFailure=yes"]).fails(str(taken.port), lines=1)
    assert re.search(r"(?i)in use", said) and str(os.getpid()) in said, said
