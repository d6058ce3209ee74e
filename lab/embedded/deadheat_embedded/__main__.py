"""`python -m deadheat_embedded NAME`: serves one story on loopback, under the controller if there is one.

The environment is that of a Rocket application: `ROCKET_PORT` (0 or none: any free port) and
`DEADHEAT_SOCKET`, the controller's unix socket, which is told the port. `--points` prints the
table of probe points of every story as JSON.
"""

import asyncio
import json
import os
import socket
import sys

import uvicorn

from deadheat_embedded.apps import APPS, build
from deadheat_embedded.points import tables
from deadheat_embedded.runtime import Application, Runtime

HOST = "127.0.0.1"


async def serve(name: str, port: int, control: str | None) -> None:
    """Serve until killed, or until the controller at `control` hangs up."""
    application: Application = build(name)
    # asyncio turns Nagle's delay off only where the protocol is named: 40 ms an answer otherwise.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()
        port = listening.getsockname()[1]
        tasks: set[asyncio.Task[None]] = set()
        if control:
            runtime = await Runtime.connect(control)
            application = runtime.steer(application)
            tasks.add(asyncio.create_task(runtime.serve()))
            # Connections queue in the listening socket until the server takes it over.
            runtime.ready(port)
        else:
            sys.stderr.write(f"{name} listens on http://{HOST}:{port}\n")
        config = uvicorn.Config(application, log_level="critical", access_log=False, lifespan="off")
        await uvicorn.Server(config).serve(sockets=[listening])


def main(arguments: list[str]) -> int:
    """Run; 2 for a wrong call."""
    match arguments:
        case ["--points"]:
            sys.stdout.write(json.dumps(tables(), indent=2) + "\n")
        case [name] if name in APPS:
            asyncio.run(
                serve(name, int(os.environ.get("ROCKET_PORT") or 0), os.environ.get("DEADHEAT_SOCKET"))
            )
        case _:
            sys.stderr.write(f"usage: python -m deadheat_embedded {'|'.join(APPS)}|--points\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
