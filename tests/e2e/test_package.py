"""What comes with the programs: units for systemd, users, directories, and what an installation puts where."""
import json
import os
import re
import shutil
import subprocess

import pytest

from lab.client import ADIT
from lab.servers import ADITD, ROOT

DIST = os.path.join(ROOT, "dist")
UNITS = ["aditd.service", "aditd.socket", "adit@.service"]


def needs(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def said(*words):
    """What a command says, all of it; it must succeed."""
    one = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert one.returncode == 0, one.stdout + one.stderr
    return one.stdout + one.stderr


@pytest.fixture
def units(work):
    """The units as they are installed, with the programs of this build in them."""
    for name in UNITS:
        with open(os.path.join(DIST, name + ".in"), encoding="utf-8") as text:
            unit = text.read().replace("@sbindir@/aditd", ADITD).replace("@bindir@/adit", ADIT)
        assert not re.search(r"@\w+dir@", unit)
        (work / name).write_text(unit, encoding="utf-8")
    (work / "adit@office.service").write_text((work / "adit@.service").read_text(encoding="utf-8"), encoding="utf-8")
    return work


@pytest.mark.parametrize("name", ["aditd.service", "aditd.socket", "adit@office.service"])
def test_units(units, name):
    """systemd finds nothing to say about them."""
    assert said(needs("systemd-analyze"), "verify", "--man=no", units / name) == ""


@pytest.mark.parametrize("name, most", [("aditd.service", 3.0), ("adit@office.service", 2.0)])
def test_units_are_hardened(units, name, most):
    """By systemd's own count, from 0 (locked in) to 10 (everything open)."""
    text = said(needs("systemd-analyze"), "security", "--offline=true", units / name)
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", text).group(1)) <= most


def test_users_and_directories(work):
    """In an empty system they come into being, with the owners that the units want."""
    sysusers, tmpfiles = needs("systemd-sysusers"), needs("systemd-tmpfiles")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    root = work / "root"
    (root / "etc").mkdir(parents=True)
    said(sysusers, f"--root={root}", os.path.join(DIST, "adit.sysusers"))
    lines = (root / "etc/passwd").read_text(encoding="ascii").splitlines()
    users = {fields[0]: fields for fields in (line.split(":") for line in lines)}
    assert set(users) == {"_adit", "_adit-tunnel"}
    assert all(fields[6].endswith("/nologin") for fields in users.values())
    said(tmpfiles, f"--root={root}", "--create", os.path.join(DIST, "adit.tmpfiles"))
    own, tunnel = (int(users[name][2]) for name in ("_adit", "_adit-tunnel"))
    wanted = {"etc/adit": (0o755, 0), "etc/adit/tunnels": (0o750, 0), "var/lib/adit": (0o700, tunnel),
              "run/adit": (0o755, own)}
    found = {place: (os.stat(root / place).st_mode & 0o7777, os.stat(root / place).st_uid) for place in wanted}
    assert found == wanted


def test_user_of_the_tunnels(units):
    """The units run as users that sysusers makes."""
    with open(os.path.join(DIST, "adit.sysusers"), encoding="utf-8") as text:
        users = re.findall(r"^u (\S+)", text.read(), re.M)
    assert re.search(r"^User=(\S+)$", (units / "adit@.service").read_text(encoding="utf-8"), re.M).group(1) in users


PROGRAMS = {"bin/adit", "sbin/aditd", "share/man/man1/adit.1", "share/man/man5/adit_config.5", "share/man/man8/aditd.8",
            "share/man/man5/aditd_config.5"}
SYSTEMD = {f"lib/systemd/system/{name}" for name in UNITS} | {"lib/sysusers.d/adit.conf", "lib/tmpfiles.d/adit.conf"}


@pytest.mark.parametrize("prefix, wanted", [("/usr/local", PROGRAMS), ("/usr", PROGRAMS | SYSTEMD)])
def test_installation(work, prefix, wanted):
    """What `make install` would install: below /usr the files for systemd, too."""
    meson = needs("meson")
    said(meson, "setup", f"-Dprefix={prefix}", work / "build", ROOT)
    places = json.loads(said(meson, "introspect", "--installed", work / "build")).values()
    assert {os.path.relpath(place, prefix) for place in places} == wanted
