"""A real ssh-agent, and the scripts that stand in for a person at SSH_ASKPASS."""
import os
import socket
import struct
import subprocess
import threading

from .net import unix_listener
from .proc import Child, until
from .services import recv_exact


class Agent:
    """ssh-agent on a socket of its own; add() gives it keys."""

    def __init__(self, folder):
        self.socket = folder / "agent"
        self.child = Child(["ssh-agent", "-D", "-a", self.socket])
        until(lambda: unix_listener(self.socket), what="ssh-agent")

    def add(self, *keys):
        subprocess.run(["ssh-add", "-q", *map(str, keys)], check=True, stdin=subprocess.DEVNULL,
                       env={**os.environ, "SSH_AUTH_SOCK": str(self.socket)})

    def close(self):
        self.child.stop()


class ScriptedAgent:
    """An agent with the public blobs `keys`, real or not; sign(blob, data) gives the signature, or None to refuse."""

    def __init__(self, folder, keys, sign):
        self.keys, self.sign = keys, sign
        self.requests = []  # (blob, data, flags) of every signature that was asked for
        self.socket = folder / "scripted_agent"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            while True:
                answer = self._answer(recv_exact(sock, struct.unpack("!I", recv_exact(sock, 4))[0]))
                sock.sendall(_string(answer))
        except (OSError, EOFError):
            sock.close()

    def _answer(self, request):
        if request[0] == 11:  # SSH_AGENTC_REQUEST_IDENTITIES
            return bytes([12]) + struct.pack("!I", len(self.keys)) + b"".join(
                _string(key) + _string(b"a comment") for key in self.keys)
        if request[0] != 13:  # SSH_AGENTC_SIGN_REQUEST
            return bytes([5])
        size = struct.unpack("!I", request[1:5])[0]
        blob, rest = request[5:5 + size], request[5 + size:]
        size = struct.unpack("!I", rest[:4])[0]
        self.requests.append((blob, rest[4:4 + size], struct.unpack("!I", rest[4 + size:])[0]))
        signature = self.sign(*self.requests[-1][:2])
        return bytes([14]) + _string(signature) if signature else bytes([5])

    def close(self):
        self.listener.close()


def _string(data):
    return struct.pack("!I", len(data)) + data


def askpass(folder, *answers):
    """A program for SSH_ASKPASS that gives one answer after the other and notes the questions in `asked`.

    Returns (path of the program, path of the notes). After the last answer it fails, as a person who closes the window.
    """
    folder.mkdir(exist_ok=True)
    script, notes, queue = folder / "askpass", folder / "asked", folder / "answers"
    notes.touch()
    queue.write_text("".join(answer + "\n" for answer in answers), encoding="utf-8")
    script.write_text(f"""#!/bin/sh
printf '%s\\n' "$1" >>{notes}
[ -s {queue} ] || exit 1
head -n 1 {queue}
sed -i 1d {queue}
""", encoding="utf-8")
    os.chmod(script, 0o755)
    return script, notes
