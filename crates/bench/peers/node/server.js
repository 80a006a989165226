// The peer Node socket.io, set up as its documentation on performance and memory advises:
// the default `ws` engine with its native addon bufferutil, permessage-deflate off (the
// default), NODE_ENV=production, and the first HTTP request of each connection let go.
//
// The same events as the other servers of the benchmark: every socket joins `all` and the room
// of its user, and the one that it names in `enter`; `broadcast` is emitted to its `room`, or else to
// `all`, as `event`; `echo_ack` is acknowledged with its argument; `dm {to, content}` is relayed to the room of the user, then acknowledged.
// SIGUSR2 collects garbage, so that memory is measured without it.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http);

io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.on("connection", (socket) => {
  const user = socket.handshake.auth.token;
  socket.join(["all", `user:${user}`]);
  socket.on("enter", (room, ack) => {
    socket.join(room);
    ack?.({ status: "ok" });
  });
  socket.on("broadcast", (payload, ack) => {
    io.to(payload.room ?? "all").emit("event", payload);
    ack?.({ status: "ok" });
  });
  socket.on("echo_ack", (payload, ack) => ack?.(payload));
  socket.on("dm", ({ to, content }, ack) => {
    io.to(`user:${to}`).emit("dm", { from: user, content });
    ack?.({ status: "sent" });
  });
  socket.emit("ready", {});
});

process.on("SIGUSR2", () => global.gc?.());

http.listen(0, "127.0.0.1", () => {
  console.log(`listening 127.0.0.1:${http.address().port}`);
});
