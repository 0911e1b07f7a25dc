"""AsyncSSH or Paramiko as a client that forwards, told what to do in one line of JSON: `kind`, `host`, `port`, `user`,
`key`, `forwards` as a list of [side, port, host, host's port], `rekey` in bytes, `alive` in seconds. Says `ready`."""
import asyncio
import contextlib
import json
import socket
import sys
import threading

settings = json.loads(sys.argv[1])


async def asyncssh_main():
    import asyncssh

    connection = await asyncssh.connect(
        settings["host"], settings["port"], username=settings["user"], client_keys=[settings["key"]], known_hosts=None,
        agent_path=None, config=None, rekey_bytes=settings.get("rekey", 1 << 30),
        keepalive_interval=settings.get("alive", 0))
    for side, port, host, goal in settings["forwards"]:
        make = connection.forward_local_port if side == "-L" else connection.forward_remote_port
        await make("127.0.0.1", port, host, goal)
    print("ready", flush=True)
    await connection.wait_closed()


def pump(source, sink):
    """One direction, to its end."""
    with contextlib.suppress(OSError, EOFError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        if isinstance(sink, socket.socket):
            sink.shutdown(socket.SHUT_WR)
        else:
            sink.shutdown_write()


def join(channel, sock):
    up = threading.Thread(target=pump, args=(sock, channel), daemon=True)
    up.start()
    pump(channel, sock)
    up.join()
    channel.close()
    sock.close()


def accept(transport, listener, goal):
    import paramiko

    while True:
        sock, origin = listener.accept()
        try:
            channel = transport.open_channel("direct-tcpip", goal, origin)
        except paramiko.SSHException:
            sock.close()
        else:
            threading.Thread(target=join, args=(channel, sock), daemon=True).start()


def paramiko_main():
    import paramiko

    transport = paramiko.Transport((settings["host"], settings["port"]))
    transport.packetizer.REKEY_BYTES = settings.get("rekey", 1 << 30)
    transport.connect(username=settings["user"], pkey=paramiko.Ed25519Key.from_private_key_file(settings["key"]))
    transport.set_keepalive(settings.get("alive", 0))
    for side, port, host, goal in settings["forwards"]:
        if side == "-L":
            listener = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=accept, args=(transport, listener, (host, goal)), daemon=True).start()
        else:
            def forwarded(channel, _origin, _server, target=(host, goal)):
                sock = socket.create_connection(target)
                threading.Thread(target=join, args=(channel, sock), daemon=True).start()

            transport.request_port_forward("127.0.0.1", port, forwarded)
    print("ready", flush=True)
    transport.join()


if settings["kind"] == "asyncssh":
    asyncio.run(asyncssh_main())
else:
    paramiko_main()
