// The peer Node socket.io on uWebSockets.js, as its documentation sets it up: `attachApp` in place of
// the `ws` engine, everything else as the peer `node`, whose events it serves.
//
// The package carries uWebSockets.js 20.30 as a binary for each Node it knows, and falls back to
// JavaScript elsewhere, which would not be the peer: then it refuses to start.
"use strict";

const { App, us_socket_local_port } = require("@trufflesuite/uws-js-unofficial");
const { Server } = require("socket.io");
const { serve } = require("../node/events");

if (!Function.prototype.toString.call(App).includes("[native code]")) {
  throw new Error(`no binary of uWebSockets.js for Node ${process.version} on this platform`);
}

// A publish skips sockets that are so far behind, in bytes; the default of 64 KB would lose broadcasts
// where several are under way.
const BACKPRESSURE_BYTES_MAX = 16 * 1024 * 1024;

const app = App();
const io = new Server();
io.attachApp(app, { maxBackpressure: BACKPRESSURE_BYTES_MAX });
serve(io);

app.listen("127.0.0.1", 0, (socket) => {
  if (!socket) {
    throw new Error("cannot listen");
  }
  console.log(`listening 127.0.0.1:${us_socket_local_port(socket)}`);
});
