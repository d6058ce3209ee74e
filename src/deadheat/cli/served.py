"""An unmodified application as the command line names it: how it is started, and what holds it."""

import os
from pathlib import Path

from deadheat.engine.statements import postgres, redis
from deadheat.engine.statements.address import found
from deadheat.engine.statements.target import Unmodified
from deadheat.model.config import Config

STORES = {
    "postgres": (postgres.VARIABLE, ("postgres", "postgresql")),
    "redis": (redis.VARIABLE, ("redis", "rediss")),
}
"""What is held by a proxy: the variable that leads an application to it, and how its URLs begin."""


def unmodified(name: str, command: tuple[str, ...], config: Config, via: str) -> tuple[Unmodified, str]:
    """Give how the application is started, and where its store is.

    Raises:
        DeadheatError: nothing says where the store is.
    """
    variable, schemes = STORES[via]
    environment = {**os.environ, **config.app.env}
    address = found(variable, schemes, environment, Path.cwd())
    application = Unmodified(
        name=name,
        command=(*command, *config.app.args),
        cwd=Path.cwd(),
        environment=environment,
        databases=address.databases,
        ready=config.app.ready,
        timeout=config.explore.timeout,
    )
    return application, address.url
