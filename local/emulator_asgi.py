"""Serves the local AWS (MiniStack) on one loopback port and never outlives the process that started it.

Started by local/emulator.ts with its own process group, a private TMPDIR, and a pipe as standard input.
"""

import asyncio
import os
import shutil
import signal
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

import emulator_corrections

emulator_corrections.apply()


async def seen_as_https(scope, receive, send):
    """Our policies deny requests without TLS (aws:SecureTransport). The emulator takes that fact from the scheme,
    and with real TLS its JWT authorizer could not fetch its own keys, so loopback HTTP is declared to be https."""
    if scope["type"] == "http":
        scope = {**scope, "scheme": "https"}
    await app(scope, receive, send)


def die_with_parent():
    """The pipe closes however the parent ends, SIGKILL included. The group holds the Lambda workers as well."""
    while os.read(0, 4096):
        pass
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


config = Config()
config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
config.keep_alive_timeout = 75
config.graceful_timeout = 0.5
config.loglevel = "WARNING"

threading.Thread(target=die_with_parent, daemon=True).start()
asyncio.run(serve(seen_as_https, config))
