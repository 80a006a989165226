"""python-socketio's asyncio client."""

import asyncio
import contextlib

import pytest
import socketio

PATIENCE_SECONDS = 20
TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]


class Person:
    """A user's socket; what it hears waits in a queue."""

    def __init__(self, user):
        self.user = user
        self.messages = asyncio.Queue()
        self.ready = asyncio.Event()
        self.sio = socketio.AsyncClient(reconnection_delay=0.02, reconnection_delay_max=0.1)
        self.sio.on("ready", lambda _: self.ready.set())

        @self.sio.on("private_message")
        async def heard(message):
            await self.messages.put(message)
            await self.sio.emit("delivered", {"messageId": message["id"]})

    async def send(self, to, content):
        body = {"toUserId": to, "content": content}
        return await self.sio.call("private_message", body, timeout=PATIENCE_SECONDS)

    async def hears(self):
        return await asyncio.wait_for(self.messages.get(), PATIENCE_SECONDS)


@contextlib.asynccontextmanager
async def connected(server, user, transports=None):
    person = Person(user)
    await person.sio.connect(server.url, auth={"token": user}, transports=transports)
    try:
        await asyncio.wait_for(person.ready.wait(), PATIENCE_SECONDS)
        yield person
    finally:
        # A disconnect in peace waits for the poll that is open, up to a ping's time.
        await person.sio.eio.disconnect(abort=True)


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_two_users_chat(server, transports):
    async def chat():
        async with (
            connected(server, "alice", transports) as alice,
            connected(server, "bob", transports) as bob,
        ):
            for number, content in enumerate(["Hello!", "👋🏽 你好", ["any", {"json": 1}]], start=1):
                ack = await alice.send("bob", content)
                assert (ack["status"], ack["seq"]) == ("sent", number)
                message = await bob.hears()
                assert (message["id"], message["content"]) == (ack["id"], content)

    asyncio.run(chat())


def test_pipelined_messages_keep_their_order(server):
    async def chat():
        async with connected(server, "alice") as alice, connected(server, "bob") as bob:
            sends = [asyncio.create_task(alice.send("bob", number)) for number in range(200)]
            acks = await asyncio.gather(*sends)
            assert sorted(ack["seq"] for ack in acks) == list(range(1, 201))
            heard = [await bob.hears() for _ in range(200)]
            assert [message["seq"] for message in heard] == list(range(1, 201))
            by_seq = {ack["seq"]: number for number, ack in enumerate(acks)}
            assert [message["content"] for message in heard] == [by_seq[seq] for seq in range(1, 201)]

    asyncio.run(chat())


def test_what_was_missed_comes_in_order(server):
    async def chat():
        async with connected(server, "alice") as alice:
            for number in range(50):
                await alice.send("bob", number)
        async with connected(server, "bob") as bob:
            assert [(await bob.hears())["content"] for _ in range(50)] == list(range(50))

    asyncio.run(chat())
