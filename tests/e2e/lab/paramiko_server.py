"""A Paramiko server for the tests: -L and -R over TCP, passwords, keyboard-interactive and keys with partial success.

Settings as in asyncssh_server.py, and `steps`: methods that must succeed one after the other.
"""
import base64
import json
import socket
import sys
import threading

import paramiko

settings = json.loads(sys.argv[1])


def tell(*event):
    print(json.dumps(event), flush=True)


def load(path):
    for kind in (paramiko.Ed25519Key, paramiko.RSAKey, paramiko.ECDSAKey):
        try:
            return kind.from_private_key_file(path)
        except paramiko.SSHException:
            continue
    raise SystemExit(f"no key in {path}")


def authorized():
    with open(settings["authorized"], encoding="ascii") as text:
        return {base64.b64decode(line.split()[1]) for line in text if line.strip()}


def pump(source, sink):
    """One direction of a forward, to its end."""
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        if isinstance(sink, socket.socket):
            sink.shutdown(socket.SHUT_WR)
        else:
            sink.shutdown_write()
    except (OSError, EOFError):
        source.close()
        sink.close()


def join(channel, sock):
    """Both directions, then the end of both."""
    up = threading.Thread(target=pump, args=(channel, sock), daemon=True)
    up.start()
    pump(sock, channel)
    up.join()
    channel.close()
    sock.close()


class Server(paramiko.ServerInterface):
    """One connection's policy and forwards."""

    def __init__(self, transport):
        self.transport = transport
        self.targets = {}
        self.listeners = {}
        self.done = []

    def get_allowed_auths(self, username):
        steps = settings.get("steps")
        if steps:
            return steps[min(len(self.done), len(steps) - 1)]
        return ",".join(name for name, there in (("publickey", settings.get("keys", True)),
                        ("password", "password" in settings), ("keyboard-interactive", "prompts" in settings)) if there)

    def step(self, method, right):
        steps = settings.get("steps")
        if not right or (steps and steps[len(self.done)] != method):
            return paramiko.AUTH_FAILED
        self.done.append(method)
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if steps and len(self.done) < len(steps) else \
            paramiko.AUTH_SUCCESSFUL

    def check_auth_publickey(self, username, key):
        right = username == settings["user"] and key.asbytes() in authorized()
        tell("auth", "publickey", key.get_name(), right)
        return self.step("publickey", right)

    def check_auth_password(self, username, password):
        right = username == settings["user"] and password == settings.get("password")
        tell("auth", "password", password, right)
        return self.step("password", right)

    def check_auth_interactive(self, username, submethods):
        tell("auth", "keyboard-interactive", "asked")
        return paramiko.InteractiveQuery("Survey", "Answer all of them", *[tuple(p) for p in settings["prompts"]])

    def check_auth_interactive_response(self, responses):
        right = list(responses) == settings["answers"]
        tell("auth", "keyboard-interactive", list(responses), right)
        return self.step("keyboard-interactive", right)

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        tell("open", *destination)
        try:
            self.targets[chanid] = socket.create_connection(destination)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        return paramiko.OPEN_SUCCEEDED

    def check_port_forward_request(self, address, port):
        tell("listen", address, port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address or "127.0.0.1", port), family=family)
        self.listeners[port] = listener
        port = listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(listener, address, port), daemon=True).start()
        return port

    def cancel_port_forward_request(self, address, port):
        self.listeners.pop(port).close()

    def accept(self, listener, address, port):
        while True:
            sock, origin = listener.accept()
            threading.Thread(target=self.forwarded, args=(sock, origin, (address, port)), daemon=True).start()

    def forwarded(self, sock, origin, destination):
        try:
            channel = self.transport.open_forwarded_tcpip_channel(origin, destination)
        except paramiko.SSHException:
            sock.close()
            return
        join(channel, sock)


def serve(sock):
    transport = paramiko.Transport(sock)
    for path in settings["host_keys"]:
        transport.add_server_key(load(path))
    if "rekey_bytes" in settings:
        transport.packetizer.REKEY_BYTES = settings["rekey_bytes"]
    server = Server(transport)
    transport.start_server(server=server)
    while transport.is_active():
        channel = transport.accept(3600)
        if channel is not None:
            target = server.targets.pop(channel.get_id())
            threading.Thread(target=join, args=(channel, target), daemon=True).start()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
