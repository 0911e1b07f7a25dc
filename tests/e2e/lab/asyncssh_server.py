"""An AsyncSSH server for the tests: forwards everything, logs in by the methods that the settings name.

Settings (JSON, first argument): host_keys, authorized, user; optional password, prompts ([[text, echo], ...] and
answers), partial (list of methods that must all succeed), banner, rekey_bytes, algorithms (keywords of listen()).
"""
import asyncio
import json
import sys

import asyncssh

settings = json.loads(sys.argv[1])


def tell(*event):
    print(json.dumps(event), flush=True)


class Server(asyncssh.SSHServer):
    """One connection's policy."""

    def connection_made(self, conn):
        self.conn = conn
        self.failed_password = 0
        if settings.get("banner"):
            conn.send_auth_banner(settings["banner"])

    def begin_auth(self, username):
        tell("user", username)
        return True

    def password_auth_supported(self):
        return "password" in settings

    def validate_password(self, username, password):
        right = username == settings["user"] and password == settings["password"]
        tell("auth", "password", password, right)
        return right

    def kbdint_auth_supported(self):
        return "prompts" in settings

    def get_kbdint_challenge(self, username, lang, submethods):
        tell("auth", "keyboard-interactive", "asked")
        return ("Survey", "Answer all of them", "en", [tuple(prompt) for prompt in settings["prompts"]])

    def validate_kbdint_response(self, username, responses):
        right = list(responses) == settings["answers"]
        tell("auth", "keyboard-interactive", responses, right)
        return right

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        tell("open", dest_host, dest_port)
        return True

    def unix_connection_requested(self, dest_path):
        tell("open", dest_path)
        return True

    def server_requested(self, listen_host, listen_port):
        tell("listen", listen_host, listen_port)
        return True

    def unix_server_requested(self, listen_path):
        tell("listen", listen_path)
        return True

    def session_requested(self):
        tell("session")
        return False


async def main():
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Server, server_host_keys=settings["host_keys"],
        authorized_client_keys=settings["authorized"] if settings.get("keys", True) else None,
        rekey_bytes=settings.get("rekey_bytes", 1 << 30), rekey_seconds=settings.get("rekey_seconds", 3600),
        encryption_algs=settings.get("ciphers", ()), login_timeout=settings.get("login_timeout", 120))
    print("port", server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
