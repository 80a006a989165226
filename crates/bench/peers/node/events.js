// The benchmark's own events, for the peers on Node that keep nothing: every socket joins `all` and the
// room of its user, and the one that it names in `enter`; `broadcast` is emitted to its `room`, or else
// to `all`, as `event`; `echo_ack` is acknowledged with its argument; `dm {to, content}` is relayed to
// the room of the user, then acknowledged.
// SIGUSR2 collects garbage, so that memory is measured without it.
"use strict";

exports.serve = (io) => {
  // The documentation on memory: the first HTTP request of each connection is let go.
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
};
