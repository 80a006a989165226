"""python-socketio's synchronous client."""

import threading

import pytest
import socketio

PATIENCE_SECONDS = 20
TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]


class Person:
    """A user's socket that remembers what it heard, and waits for what it should hear."""

    def __init__(self, server, user, transports=None, confirm=True, **auth):
        self.messages = []
        self.events = []
        self.happened = threading.Condition()
        self.sio = socketio.Client(reconnection_delay=0.02, reconnection_delay_max=0.1)
        self.sio.on("*", self.on_any)

        @self.sio.on("private_message")
        def heard(message):
            with self.happened:
                self.messages.append(message)
                self.happened.notify_all()
            if confirm:
                self.sio.emit("delivered", {"messageId": message["id"]})

        self.sio.connect(server.url, auth={"token": user, **auth}, transports=transports)
        self.until(lambda: self.heard("ready"), "ready")

    def on_any(self, event, *args):
        with self.happened:
            self.events.append((event, *args))
            self.happened.notify_all()

    def heard(self, name):
        return [event[1] for event in self.events if event[0] == name]

    def until(self, condition, what):
        with self.happened:
            assert self.happened.wait_for(condition, PATIENCE_SECONDS), f"waited in vain for {what}"

    def has(self, count):
        self.until(lambda: len(self.messages) >= count, f"{count} messages")
        return self.messages

    def ask(self, event, body):
        return self.sio.call(event, body, timeout=PATIENCE_SECONDS)

    def send(self, to, content, **more):
        return self.ask("private_message", {"toUserId": to, "content": content, **more})

    def close(self):
        self.sio.disconnect()


@pytest.fixture
def connect(server):
    people = []

    def connect(user, **options):
        people.append(Person(server, user, **options))
        return people[-1]

    yield connect
    for person in people:
        person.close()


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_two_users_chat(connect, transports):
    alice = connect("alice", transports=transports)
    bob = connect("bob", transports=transports)
    for number, content in enumerate(["Hello!", "👋🏽 你好", {"type": "card"}, "x" * 5000], start=1):
        ack = alice.send("bob", content)
        assert ack["status"] == "sent"
        assert ack["conversationId"] == "dm:alice:bob"
        assert ack["seq"] == number
        message = bob.has(number)[-1]
        assert message == {
            "id": ack["id"],
            "conversationId": "dm:alice:bob",
            "seq": number,
            "from": "alice",
            "to": "bob",
            "content": content,
            "ts": ack["ts"],
            "pos": number,
        }


def test_what_was_missed_comes_in_order(connect):
    alice = connect("alice")
    for number in range(1, 51):
        assert alice.send("bob", number)["seq"] == number
    bob = connect("bob")
    assert [message["content"] for message in bob.has(50)] == list(range(1, 51))


def test_the_sender_is_told_what_was_delivered_and_read(connect):
    alice = connect("alice")
    bob = connect("bob", confirm=False)
    ack = alice.send("bob", "Hello!")
    bob.has(1)
    for event in ["delivered", "read"]:
        assert bob.ask(event, {"messageId": ack["id"]}) == {"status": "ok"}
        alice.until(lambda: alice.heard(event), event)
        receipt = alice.heard(event)[0]
        assert receipt["userId"] == "bob"
        assert receipt["messageId"] == ack["id"]


def test_an_acked_message_survives_kill_9(server, connect):
    alice = connect("alice")
    first = alice.send("bob", "before", clientId="key")
    server.restart()
    alice.until(lambda: len(alice.heard("ready")) == 2, "ready again")
    assert alice.send("bob", "before", clientId="key") == first
    bob = connect("bob")
    assert [message["id"] for message in bob.has(1)] == [first["id"]]


def test_bad_input_is_answered(connect):
    alice = connect("alice")
    assert alice.ask("no_such_event", {})["code"] == "unknown_event"
    assert alice.ask("private_message", {"content": "x"})["code"] == "invalid_argument"
    assert alice.send("bob", b"binary")["code"] == "invalid_argument"


def test_a_bad_token_is_refused_with_a_code(server):
    refusals = []
    client = socketio.Client(reconnection=False)
    client.on("connect_error", refusals.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url, auth={"token": "x" * 200})
    assert refusals[0]["message"] == "unauthorized"
    assert refusals[0]["data"]["code"] == "unauthorized"
