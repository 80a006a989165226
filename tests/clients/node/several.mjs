// Runs tests of stock clients against several nodes on one PostgreSQL and one Redis: `node several.mjs FILE…`. Each
// client of a test is then connected to another node than the one before it (`server.mjs`).
import { spawn } from "node:child_process";
import { once } from "node:events";

import { Pooler, Postgres, Redis } from "./engines.mjs";

const NODES = 3;
// Tests wait more than they work.
const TESTS_AT_ONCE = 3;

const [postgres, redis] = await Promise.all([Postgres.start(), Redis.start()]);
const pooler = await Pooler.start(postgres);
const engines = { TEST_POSTGRES: postgres.dir, TEST_POOLER: pooler.dir, TEST_REDIS: redis.url };
const env = { ...process.env, NODES: `${NODES}`, ...engines };
const flags = ["--test", "--test-reporter=spec", `--test-concurrency=${TESTS_AT_ONCE}`];
const tests = spawn("node", [...flags, ...process.argv.slice(2)], { stdio: "inherit", env });
const [code] = await once(tests, "exit");
await Promise.all([pooler.stop(), redis.stop()]);
await postgres.stop();
process.exit(code ?? 1);
