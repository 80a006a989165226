// The peer Node socket.io, set up as its documentation on performance and memory advises:
// the default `ws` engine with its native addon bufferutil, permessage-deflate off (the
// default), NODE_ENV=production, and the first HTTP request of each connection let go.
// With REDIS_URL it is one node of a cluster, by the adapter that the documentation names first.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { serve } = require("./events");

async function adapter() {
  if (!process.env.REDIS_URL) return {};
  const { createClient } = require("redis");
  const { createAdapter } = require("@socket.io/redis-adapter");
  const publisher = createClient({ url: process.env.REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return { adapter: createAdapter(publisher, subscriber) };
}

async function main() {
  const http = createServer();
  serve(new Server(http, await adapter()));
  http.listen(0, "127.0.0.1", () => {
    console.log(`listening 127.0.0.1:${http.address().port}`);
  });
}

main();
