"""What a newcomer runs: make install, the packages that scripts/deps names and installs, the demo, the count of
make check. Nobody's system is touched: apt-get is a stand-in that writes down what it is told."""
import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from lab.client import ADIT
from lab.proc import until
from lab.servers import sshd_path

ROOT = Path(__file__).resolve().parent.parent.parent
PURPOSES = ["build", "demo", "demo-sshd", "check", "bench", "lint", "fuzz"]


def environment(**more):
    """Ours, without what a make above us hands down, and without what the person wants for himself."""
    inherited = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR", "prefix", "ADIT", "ADIT_NO_INSTALL"}
    return {**{name: value for name, value in os.environ.items() if name not in inherited}, **more}


# ---- make install

PROGRAMS = {"bin/adit", "sbin/aditd", "share/man/man1/adit.1", "share/man/man5/adit_config.5",
            "share/man/man5/aditd_config.5", "share/man/man8/aditd.8"}
UNITS = {"lib/systemd/system/aditd.service", "lib/systemd/system/aditd.socket", "lib/systemd/system/adit@.service",
         "lib/sysusers.d/adit.conf", "lib/tmpfiles.d/adit.conf"}


@pytest.fixture
def tree(tmp_path):
    """A build folder of this test's own, not optimised, so that it is there soon."""
    subprocess.run(["meson", "setup", "--buildtype=debug", "-Dtests=disabled", tmp_path / "build"], cwd=ROOT,
                   env=environment(), check=True, stdout=subprocess.DEVNULL)
    return tmp_path / "build"


def without_network():
    """Words before a command that take the network away from it; none where we may not do that."""
    words = ["unshare", "-rn"]
    return words if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0 else []


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def install(tree, top, prefix, staged):
    """make install, of which nothing lands outside of `top`; returns the folder that prefix means."""
    words = [f"prefix={prefix}"] * bool(prefix) + [f"DESTDIR={top}/stage"] * staged
    subprocess.run([*without_network(), "make", f"BUILD={tree}", "install", *words], cwd=ROOT, env=environment(),
                   check=True, stdout=subprocess.DEVNULL)
    return Path(f"{top}/stage{prefix or '/usr/local'}" if staged else prefix)


def check_units(there):
    for unit in UNITS:
        text = re.sub("(?m)^#.*", "", (there / unit).read_text())
        assert not re.search("@[a-z]+@", text), f"{unit} has something to fill in"
    assert "ExecStart=/usr/sbin/aditd " in (there / "lib/systemd/system/aditd.service").read_text()


def test_install(tree, tmp_path):
    """DESTDIR and prefix decide where it goes; all of it is there, nothing else is, and it needs no network."""
    rows = [("/usr", True, PROGRAMS | UNITS), ("/usr/local", True, PROGRAMS), ("", True, PROGRAMS),
            (f"{tmp_path}/3/own", False, PROGRAMS)]
    for number, (prefix, staged, wanted) in enumerate(rows):
        top = tmp_path / str(number)
        there = install(tree, top, prefix, staged)
        assert files_below(there) == wanted, prefix
        assert len(files_below(top)) == len(wanted), prefix
        for program in ("bin/adit", "sbin/aditd"):
            assert re.search(r"\d\.\d", subprocess.check_output([there / program, "-V"], text=True))
        if UNITS <= wanted:
            check_units(there)


# ---- scripts/deps

APT = """#!/bin/sh
echo "$*" >>{0}/apt
case "$*" in
*" update") : >{0}/updated ;;
*" install "*) [ -e {0}/updated ] ;;
*" download "*) [ -e {0}/updated ] && : >openssh-server_1_amd64.deb ;;
esac
"""
# What is in the package of a server: more than we want.
DEB = """#!/bin/sh
mkdir -p {0}/deb/usr/sbin {0}/deb/lib/systemd/system {0}/deb/etc/init.d
: >{0}/deb/usr/sbin/sshd
: >{0}/deb/lib/systemd/system/ssh.service
: >{0}/deb/etc/init.d/ssh
tar -cC {0}/deb .
"""
TOOLS = ["sh", "dirname", "id", "uname", "grep", "env", "mkdir", "rm", "tar", "test"]


@pytest.fixture
def bare(tmp_path):
    """bare(purpose, **env): scripts/deps on a machine that has next to nothing, in a folder of its own."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    for name, text in {"apt-get": APT, "apt-cache": "#!/bin/sh\n", "dpkg-deb": DEB,
                       "sudo": '#!/bin/sh\nexec "$@"\n'}.items():
        (tools / name).write_text(text.format(tmp_path))
        (tools / name).chmod(0o755)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/deps", tmp_path / "scripts/deps")

    def start(purpose, **env):
        return subprocess.run([tmp_path / "scripts/deps", purpose], env={"PATH": str(tools), **env}, text=True,
                              capture_output=True, check=False, stdin=subprocess.DEVNULL)
    start.folder = tmp_path
    return start


def apt_lines(bare):
    log = bare.folder / "apt"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("purpose", PURPOSES)
def test_only_named(bare, purpose):
    """ADIT_NO_INSTALL=1 names each package and why, and stops."""
    done = bare(purpose, ADIT_NO_INSTALL="1")
    head, *lines = done.stdout.splitlines()
    assert done.returncode == 1 and "ADIT_NO_INSTALL" in done.stderr
    assert "missing" in head and all(re.fullmatch(r"  [a-z0-9.+-]+ +\S.*", line) for line in lines)
    named = {line.split()[0] for line in lines}
    assert {"gcc", "meson", "ninja-build", "libssl-dev", "libuv1-dev"} <= named
    assert ("openssh-server" in named) == (purpose not in ("build", "demo"))
    assert not apt_lines(bare) and not (bare.folder / "build").exists()


@pytest.mark.parametrize("words", [["nosuch"], [""], ["build; id"]])
def test_no_such_purpose(bare, words):
    done = bare(*words)
    assert done.returncode == 1 and "usage" in done.stderr and not apt_lines(bare)


def test_installed(bare):
    """What is installed is what was named; a server is only unpacked, so that nothing of it is ever started."""
    done = bare("check")
    assert done.returncode == 0, done.stderr
    named = {line.split()[0] for line in done.stdout.splitlines() if re.match(r"  [a-z0-9.+-]+  ", line)}
    installs = [line.split(" install ")[1].split() for line in apt_lines(bare) if " install " in line]
    wanted = {word for words in installs for word in words if not word.startswith("-")}
    assert wanted == named - {"openssh-server"}
    assert all("--no-install-recommends" in words for words in installs)
    assert files_below(bare.folder / "build") == {"peers/usr/sbin/sshd"}


def test_lists_are_fetched_once_more(bare):
    """The first attempt fails for want of lists: then they are fetched, and only then."""
    bare("build")
    kinds = [next(word for word in line.split() if word in ("install", "update")) for line in apt_lines(bare)]
    assert kinds[:3] == ["install", "update", "install"] and kinds.count("update") == 1


def test_what_cannot_be_installed(bare):
    """A system whose packages are not to be had: one sentence with their names, and not a word of success."""
    (bare.folder / "bin/apt-get").write_text("#!/bin/sh\nexit 100\n")
    done = bare("build")
    assert done.returncode == 1 and re.search("could not install:.* meson ", done.stderr)


def packages():
    """The packages that scripts/deps may install."""
    text = (ROOT / "scripts/deps").read_text()
    return re.findall(r"^\s*(?:\[.*\|\| )?(?:need|wish)(?:_\w+)? ([a-z0-9.+-]+) ", text, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="this system has no dpkg to ask")
def test_no_package_has_a_service():
    """So installing them can start none, whatever policy-rc.d says. openssh-server, which has one, is not among them."""
    names = packages()
    assert len(names) > 15 and {"dropbear-bin", "libssl-dev", "libipsec-mb-dev"} <= set(names)
    assert not {"openssh-server", "dropbear", "dropbear-initramfs"} & set(names)
    for name in names:
        files = subprocess.run(["dpkg", "-L", name], capture_output=True, text=True, check=False).stdout
        assert not re.search(r"/lib/systemd/system/|/etc/init\.d/|/etc/rc\d", files), name


# ---- scripts/demo

@pytest.fixture
def demo(run, work):
    """demo(*words): starts scripts/demo. Everything that it makes lies below work/tmp."""
    (work / "tmp").mkdir(mode=0o711)

    def start(*words, **how):
        return run(ROOT / "scripts/demo", *words, **{"env": {"TMPDIR": work / "tmp", "PATH": os.environ["PATH"]}, **how})
    return start


def command_lines():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (entry / "cmdline").read_bytes()
            except OSError:
                pass


def assert_nothing_is_left(work, said):
    """No file, no process, no port."""
    assert not list((work / "tmp").iterdir())
    assert not [line for line in command_lines() if bytes(work / "tmp") in line]
    for port in set(re.findall(r"127\.0\.0\.1:(\d+)|-[LR] (\d+):", said)):
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", int(port[0] or port[1]))) != 0, port


KINDS = [[], pytest.param(["--with-sshd"], marks=pytest.mark.skipif(not sshd_path(), reason="no openssh-server"))]


@pytest.mark.parametrize("words", KINDS)
@pytest.mark.parametrize("tty", [False, True])
def test_demo(demo, work, words, tty):
    """It shows the commands, the bytes and the rate, at a terminal a bar too, and leaves nothing behind."""
    one = demo(*words, tty=tty)
    assert one.ended(55) == 0, str(one)
    said = one.said + one.out
    for word in (r"(?m)^\$ \S*adit .*-L \d+:127\.0\.0\.1:\d+ demo\r?$", r"(?m)^\$ \S*adit .*-R \d+:127\.0\.0\.1:\d+ demo",
                 r"\$ curl http://127\.0\.0\.1:\d+/", "268435456 bytes through the tunnel in .* s: [0-9]+ MB/s"):
        assert re.search(word, said), f"{word}\n{one}{one.out}"
    assert said.count("the tunnel works") == 2
    assert bool(re.search(r"\[#{40}\]", said)) == tty
    assert_nothing_is_left(work, said)


@pytest.mark.parametrize("words", KINDS)
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_demo_interrupted(demo, work, words, sig):
    one = demo(*words)
    until(lambda: " -L " in one.out, what="the first tunnel")
    one.process.send_signal(sig)
    assert one.ended() not in (0, -sig), str(one)
    assert_nothing_is_left(work, one.out)


@pytest.mark.parametrize("program", ["false", "true", "/no/such/program"])
def test_demo_fails(demo, work, program):
    """Without a tunnel it says what failed, and not 0."""
    one = demo(env={"TMPDIR": work / "tmp", "PATH": os.environ["PATH"], "ADIT": program})
    assert one.ended() == 1 and "The demo failed: " in one.said and "tunnel works" not in one.out
    assert_nothing_is_left(work, one.out)


# ---- scripts/check

@pytest.fixture(scope="module")
def check():
    loader = importlib.machinery.SourceFileLoader("adit_check", str(ROOT / "scripts/check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("adit_check", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("status, output, wanted", [
    (1, "", "0 passed, 1 failed"),
    (0, "", "1 passed, 0 failed"),
    (0, "1..3\nok 1 a\nok 2 b\n", "2 passed, 1 failed"),
    (0, "1..1\n", "0 passed, 1 failed"),
    (1, "1..2\nok 1 a\nok 2 b\n", "2 passed, 1 failed"),
    (1, "1..2\nok 1 a\nnot ok 2 b\n", "1 passed, 1 failed"),
    (0, "1..2\nok 1 a # SKIP no peer\nok 2 b\n", "1 passed, 0 failed, 1 skipped"),
    (0, "okay\nok - a\n  ok 2\n", "1 passed, 0 failed"),
    (0, "1..2\nok 1 a\nok 2 b\n1..1\nok 1 c\n", "3 passed, 0 failed"),
])
def test_count(check, status, output, wanted):
    """A test that dies, or that never came to its turn, counts as failed."""
    assert check.sentence(check.count_tap(status, output)) == wanted
