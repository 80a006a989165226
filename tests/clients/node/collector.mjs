// An OpenTelemetry collector that remembers the spans it is sent: OTLP over HTTP, in protobuf.
import { once } from "node:events";
import { createServer } from "node:http";

import protobuf from "protobufjs";

const PATIENCE_MS = 20_000;
const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

// Source: opentelemetry-proto 1.7, the collector's trace service and what is in its request, but for events and links.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; Status status = 15; fixed32 flags = 16;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`);
const Request = root.lookupType("ExportTraceServiceRequest");

const hex = (bytes) => Buffer.from(bytes ?? []).toString("hex");
const plain = (value) => (typeof value === "object" ? Number(value) : value);
const pairs = (attributes) =>
  Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, plain(value[value.value])]));

export class Collector {
  spans = [];
  // All that was sent, as it was.
  bytes = [];
  #waiting = new Set();

  // Starts one that ends with the test `t`. One that is `mute` takes requests and answers none.
  static async start(t, { mute = false } = {}) {
    const collector = new Collector();
    const server = createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      if (mute) return;
      const isOurs = request.url === "/v1/traces" && request.headers["content-type"] === "application/x-protobuf";
      if (!isOurs) return response.writeHead(400).end();
      collector.#take(Buffer.concat(parts));
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    collector.url = `http://127.0.0.1:${server.address().port}`;
    return collector;
  }

  // The first span of this name, once it is there; `where` may say more of it.
  async span(name, where = () => true) {
    const find = () => this.spans.find((span) => span.name === name && where(span));
    await this.until(find, `a span ${name}`);
    return find();
  }

  until(condition, what) {
    return new Promise((resolve, reject) => {
      const had = () => this.spans.map(({ name, node, trace }) => `${name} ${node} ${trace.slice(0, 8)}`).join(", ");
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${what} among: ${had()}`)), PATIENCE_MS);
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #take(bytes) {
    this.bytes.push(bytes);
    for (const { resource, scopeSpans } of Request.decode(bytes).resourceSpans) {
      const of = pairs(resource.attributes);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          trace: hex(span.traceId),
          id: hex(span.spanId),
          parent: hex(span.parentSpanId),
          name: span.name,
          kind: KINDS[span.kind],
          from: BigInt(span.startTimeUnixNano.toString()),
          to: BigInt(span.endTimeUnixNano.toString()),
          attributes: pairs(span.attributes),
          failed: span.status?.code === 2,
          resource: of,
          node: of["service.instance.id"],
        });
      }
    }
    for (const look of [...this.#waiting]) look();
  }
}
