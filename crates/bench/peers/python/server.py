"""The peer python-socketio, set up as its documentation advises: AsyncServer as an ASGI application on
uvicorn, which finds uvloop, httptools and websockets by itself.

The same events as the other servers of the benchmark (see ../node/events.js). SIGUSR2 collects
garbage, so that memory is measured without it.
"""

import gc
import signal
import socket

import socketio
import uvicorn

# CPython's own (700, 10, 10) collects all of ten thousand connections' objects again and again, which
# makes a message cost ten times as much.
GC_THRESHOLDS = (50_000, 20, 100)

sio = socketio.AsyncServer(async_mode="asgi", logger=False, engineio_logger=False)


@sio.event
async def connect(sid, _environ, auth):
    user = auth["token"]
    await sio.save_session(sid, {"user": user})
    await sio.enter_room(sid, "all")
    await sio.enter_room(sid, f"user:{user}")
    # Behind the answer to CONNECT, which is sent when this returns.
    sio.start_background_task(sio.emit, "ready", {}, to=sid)


@sio.event
async def enter(sid, room):
    await sio.enter_room(sid, room)
    return {"status": "ok"}


@sio.event
async def broadcast(_sid, payload):
    await sio.emit("event", payload, room=payload.get("room", "all"))
    return {"status": "ok"}


@sio.event
async def echo_ack(_sid, payload):
    return payload


@sio.event
async def dm(sid, direct):
    session = await sio.get_session(sid)
    message = {"from": session["user"], "content": direct["content"]}
    await sio.emit("dm", message, room=f"user:{direct['to']}")
    return {"status": "sent"}


def main():
    gc.set_threshold(*GC_THRESHOLDS)
    signal.signal(signal.SIGUSR2, lambda _signal, _frame: gc.collect())
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    print(f"listening 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    application = socketio.ASGIApp(sio)
    config = uvicorn.Config(application, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
