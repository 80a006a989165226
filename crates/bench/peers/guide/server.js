// The chat server of Socket.IO's own guide ("Get started", with its steps on connection state recovery
// and server delivery): Express, SQLite, a row for each message before it goes out, its ack behind it.
//
// Beside the guide: messages are also for one user or one room, as the benchmark's events have it
// (see ../node/events.js); the rows lie in a WAL that is synchronised at each insert, since what it is
// compared with is durable; and better-sqlite3, which is faster than the driver in the guide.
// The file is named in the environment as DATABASE.
"use strict";

const { createServer } = require("node:http");
const Database = require("better-sqlite3");
const express = require("express");
const { Server } = require("socket.io");

const database = new Database(process.env.DATABASE);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec(`
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_offset TEXT UNIQUE,
    room TEXT NOT NULL,
    content TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS messages_by_room ON messages (room, id);
`);
const insert = database.prepare(
  "INSERT INTO messages (client_offset, room, content) VALUES (?, ?, ?)",
);
const since = database.prepare(
  "SELECT id, content FROM messages WHERE room = ? AND id > ? ORDER BY id",
);

const app = express();
const http = createServer(app);
const io = new Server(http, { connectionStateRecovery: {} });

app.get("/", (_request, response) => {
  response.type("html").send("<!DOCTYPE html><title>Socket.IO chat</title>");
});

io.engine.on("connection", (connection) => {
  connection.request = null;
});

let messages = 0;

/** Keeps a message before anybody hears of it; gives the number of its row. */
function keep(room, content) {
  messages += 1;
  return insert.run(`${process.pid}-${messages}`, room, content).lastInsertRowid;
}

io.on("connection", (socket) => {
  const user = socket.handshake.auth.token;
  const own = `user:${user}`;
  socket.join(["all", own]);
  socket.on("enter", (room, ack) => {
    socket.join(room);
    ack?.({ status: "ok" });
  });
  socket.on("broadcast", (payload, ack) => {
    const room = payload.room ?? "all";
    const id = keep(room, payload.text);
    io.to(room).emit("event", payload, id);
    ack?.({ status: "ok" });
  });
  socket.on("dm", ({ to, content }, ack) => {
    const room = `user:${to}`;
    const id = keep(room, content);
    io.to(room).emit("dm", { from: user, content }, id);
    ack?.({ status: "sent" });
  });
  if (!socket.recovered) {
    for (const { id, content } of since.iterate(own, socket.handshake.auth.serverOffset ?? 0)) {
      socket.emit("dm", { content }, id);
    }
  }
  socket.emit("ready", {});
});

process.on("SIGUSR2", () => global.gc?.());

http.listen(0, "127.0.0.1", () => {
  console.log(`listening 127.0.0.1:${http.address().port}`);
});
