"""A real ssh-agent, and the scripts that stand in for a person at SSH_ASKPASS."""
import os
import subprocess

from .net import unix_listener
from .proc import Child, until


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
