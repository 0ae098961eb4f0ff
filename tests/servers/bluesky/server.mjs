// A personal data server (PDS) and the directory of identities it needs, in memory and in one folder.
// Usage, inside the folder with node_modules:
// node server.mjs <folder for data> <port of the PDS> <port of the directory> [<address of an app view> <its DID>]
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const [folder, port, directoryPort] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const [appViewUrl, appViewDid] = [process.argv[5] ?? "https://appview.invalid", process.argv[6] ?? "did:example:invalid"];
mkdirSync(join(folder, "blobs"), { recursive: true });

const { PlcServer, Database } = require("@did-plc/server");
await PlcServer.create({ db: Database.mock(), port: directoryPort }).start();

const { PDS, envToCfg, envToSecrets } = require("@atproto/pds");
const env = {
  port,
  hostname: "localhost",
  serviceHandleDomains: [".test"],
  dataDirectory: folder,
  blobstoreDiskLocation: join(folder, "blobs"),
  didPlcUrl: `http://127.0.0.1:${directoryPort}`,
  bskyAppViewUrl: appViewUrl,
  bskyAppViewDid: appViewDid,
  inviteRequired: false,
  devMode: true,
  jwtSecret: randomBytes(16).toString("hex"),
  adminPassword: randomBytes(16).toString("hex"),
  plcRotationKeyK256PrivateKeyHex: "1".repeat(64),
  crawlers: [],
};
await (await PDS.create(envToCfg(env), envToSecrets(env))).start();
console.log("ready");
// Whoever started this holds its input open; when they are gone, so is this.
process.stdin.on("end", () => process.exit(0)).resume();
