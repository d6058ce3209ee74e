"""The embedded twin: the lab's stories as small ASGI applications, with probe points set by hand.

It lets the whole of Deadheat run where there is no Rust toolchain, and it is the reference
implementation of the control protocol (docs/protocol.md) that probed Rocket applications speak.

    protocol    the lines on the control socket
    scheduler   who may go on (pure: no tasks, sockets or clocks)
    place       shared state that can be held at, looked at and put back
    runtime     the asyncio side: connects, holds requests, answers the controller
    points      the table of probe points, read from the applications' own source
    apps        the stories; `python -m deadheat_embedded active-users` serves one

Nothing here imports deadheat: it stands where the user's application would.
"""
