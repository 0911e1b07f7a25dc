"""The peers: throw-away keys, servers (sshd, aditd) and clients (ssh, adit), with settings that are as fair as they get.

Root lends the servers an ordinary account: then they need nothing of the system.
"""
import getpass
import os
import pwd
import shutil
import subprocess

from programs import ROOT, find, free_port, wait_for_port

CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
# What both servers are told, and what one of them needs beside.
COMMON = {"ListenAddress": "127.0.0.1", "PidFile": "none", "StrictModes": "no", "UseDNS": "no", "LogLevel": "ERROR",
          "Ciphers": ",".join(CIPHERS), "RekeyLimit": "64G", "MaxStartups": "10000", "ClientAliveInterval": "0",
          "AllowTcpForwarding": "yes", "UsePAM": "no", "PasswordAuthentication": "no",
          "KbdInteractiveAuthentication": "no"}
OWN = {"sshd": {"MaxSessions": "10000"}, "aditd": {"PerSourcePenalties": "no"}}
SERVERS = ["sshd", "aditd"]
CLIENTS = ["ssh", "adit"]


def server_program(name):
    if name == "sshd":
        return find("ADIT_SSHD", "/usr/sbin/sshd", ROOT / "build/peers/usr/sbin/sshd")
    return find("ADITD", ROOT / "build/aditd")


def client_program(name):
    return find("ADIT_SSH", "ssh") if name == "ssh" else find("ADIT", ROOT / "build/adit")


class Lab:
    """A folder with keys; servers are started in a Programs, and end with it."""

    def __init__(self, folder):
        self.folder = folder
        os.chmod(folder, 0o755)
        self.as_root = os.geteuid() == 0
        self.user = "daemon" if self.as_root else getpass.getuser()
        self.key = folder / "user"
        self.known_hosts = folder / "known_hosts"
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
        self.known_hosts.write_text("bench " + (folder / "host.pub").read_text(encoding="ascii"), encoding="ascii")
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        self.identity = {}
        if self.as_root:
            account = pwd.getpwnam(self.user)
            os.chown(folder / "host", account.pw_uid, account.pw_gid)
            self.identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def reachable_copy(self, program):
        """The account of the servers may be kept out of where a program stands."""
        copy = self.folder / os.path.basename(program)
        if not copy.exists():
            shutil.copy(program, copy)
        return copy

    def server(self, programs, name):
        """A new server; with .port."""
        program, port = server_program(name), free_port()
        config = self.folder / f"{name}_{port}"
        settings = {**COMMON, **OWN[name], "Port": port, "HostKey": self.folder / "host",
                    "AuthorizedKeysFile": self.folder / "authorized_keys"}
        config.write_text("".join(f"{key} {value}\n" for key, value in settings.items()), encoding="ascii")
        if self.as_root:
            program = self.reachable_copy(program)
        child = programs.start([program, "-D", "-e", "-f", config], **self.identity)
        child.port = port
        wait_for_port(port, child)
        return child

    def client(self, name, port, cipher, *forward):
        """The command line of a client."""
        options = {
            "IdentityFile": self.key, "IdentitiesOnly": "yes", "BatchMode": "yes",
            "UserKnownHostsFile": self.known_hosts, "GlobalKnownHostsFile": "/dev/null", "HostKeyAlias": "bench",
            "StrictHostKeyChecking": "yes", "Ciphers": cipher, "Compression": "no", "RekeyLimit": "64G",
            "ExitOnForwardFailure": "yes", "LogLevel": "ERROR",
        }
        return [client_program(name), "-F", "/dev/null", "-N", "-T", "-p", port,
                *[part for key, value in options.items() for part in ("-o", f"{key}={value}")],
                *forward, f"{self.user}@127.0.0.1"]
