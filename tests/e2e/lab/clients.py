"""Other people's clients, as command lines that forward ports: OpenSSH, Dropbear, PuTTY, AsyncSSH, Paramiko; and adit."""
import json
import os
import shutil
import subprocess
import sys

from . import keys as keytool
from .client import ADIT, HERE, command

KINDS = ("ssh", "dbclient", "plink", "paramiko", "asyncssh", "adit")
PROGRAMS = {"ssh": "openssh-client", "dbclient": "dropbear-bin", "plink": "putty-tools"}


def lacks(kind):
    """The package of a client that is not installed, or None."""
    if kind in PROGRAMS:
        return None if shutil.which(kind) else PROGRAMS[kind]
    if kind == "adit":
        return None
    seen = subprocess.run([sys.executable, "-W", "ignore", "-c", f"import {kind}"], capture_output=True, check=False)
    return None if seen.returncode == 0 else f"python3-{kind}"


def words(forwards):
    """["-L", "port:host:port", ...] from (side, port, host, port)."""
    return [word for side, *places in forwards for word in (side, ":".join(map(str, places)))]


def _openssh(program, spot, forwards, rekey, alive):
    options = [f"RekeyLimit={rekey}"] if rekey else []
    options += [f"ServerAliveInterval={alive}"] if alive else []
    spot.known_hosts.write_text(spot.server.known_hosts(), encoding="ascii")
    return command(spot.server, "-N", *words(forwards), program=program, key=spot.key, known_hosts=spot.known_hosts,
                   options=options)


def _ssh(spot, forwards, rekey, alive):
    return _openssh(shutil.which("ssh"), spot, forwards, rekey, alive)


def _adit(spot, forwards, rekey, alive):
    return _openssh(ADIT, spot, forwards, rekey, alive)


def _dbclient(spot, forwards, rekey, alive):
    """It does not let anybody say when it renews keys: there the server begins."""
    key = spot.folder / "dropbear_key"
    subprocess.run(["dropbearconvert", "openssh", "dropbear", spot.key, key], check=True, capture_output=True)
    return ["dbclient", "-N", "-y", "-y", "-i", key, "-p", spot.server.port, *(["-K", alive] if alive else []),
            *words(forwards), f"{spot.server.user}@{spot.server.host}"]


def _plink(spot, forwards, rekey, alive):
    """PuTTY has settings in files only."""
    key = spot.folder / "key.ppk"
    subprocess.run(["puttygen", spot.key, "-o", key], check=True, capture_output=True)
    sessions = spot.home / ".putty" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "lab").write_text(f"RekeyBytes={rekey or '1G'}\nPingIntervalSecs={alive or 0}\nProtocol=ssh\n",
                                  encoding="ascii")
    trust = [word for host_key in spot.server.host_keys.values()
             for word in ("-hostkey", keytool.fingerprint(host_key))]
    return ["plink", "-load", "lab", "-batch", "-N", "-noagent", "-i", key, *trust, "-P", spot.server.port,
            *words(forwards), f"{spot.server.user}@{spot.server.host}"]


def _python(kind):
    def line(spot, forwards, rekey, alive):
        settings = {"kind": kind, "host": spot.server.host, "port": spot.server.port, "user": spot.server.user,
                    "key": str(spot.key), "forwards": forwards, "alive": alive}
        if rekey:
            settings["rekey"] = rekey
        return [sys.executable, "-W", "ignore", os.path.join(HERE, "python_client.py"), json.dumps(settings)]
    return line


LINES = {"ssh": _ssh, "dbclient": _dbclient, "plink": _plink, "paramiko": _python("paramiko"),
         "asyncssh": _python("asyncssh"), "adit": _adit}


class Spot:
    """Where a client stands: its server, its key, a home, a folder for its files."""

    def __init__(self, server, key, home, folder):
        self.server, self.key, self.home, self.folder = server, key, home, folder
        self.known_hosts = folder / "known_hosts"


def line(kind, spot, forwards, rekey=None, alive=0):
    """The command line. rekey: after so many bytes; alive: ask for a sign of life after so many seconds."""
    return LINES[kind](spot, [list(one) for one in forwards], rekey, alive)
