// The peer Node socket.io, set up as its documentation on performance and memory advises:
// the default `ws` engine with its native addon bufferutil, permessage-deflate off (the
// default), NODE_ENV=production, and the first HTTP request of each connection let go.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { serve } = require("./events");

const http = createServer();
serve(new Server(http));

http.listen(0, "127.0.0.1", () => {
  console.log(`listening 127.0.0.1:${http.address().port}`);
});
