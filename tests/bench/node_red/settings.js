// Node-RED as the bench runs it: no editor, no log but errors, what the function node needs by hand.
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const Database = require('better-sqlite3');

const folder = process.env.BENCH_FOLDER;
const store = new Database(path.join(folder, 'node-red.db'));
store.pragma('journal_mode = WAL');
store.pragma('synchronous = FULL');
store.exec(`CREATE TABLE event (id INTEGER PRIMARY KEY, device_id BLOB NOT NULL, counter INTEGER NOT NULL,
  frame BLOB NOT NULL, received_ms INTEGER NOT NULL, UNIQUE (device_id, counter))`);
const insert = store.prepare('INSERT INTO event (device_id, counter, frame, received_ms) VALUES (?, ?, ?, ?)');

// Keys are loaded beforehand, as the gateway's are.
const keys = new Map();
for (const [device, jwk] of Object.entries(JSON.parse(fs.readFileSync(path.join(folder, 'keys.json'))))) {
  keys.set(device, crypto.createPublicKey({ key: jwk, format: 'jwk' }));
}

module.exports = {
  uiPort: 0,
  uiHost: '127.0.0.1',
  httpAdminRoot: false,
  httpNodeRoot: false,
  flowFile: 'flow.json',
  userDir: folder,
  credentialSecret: false,
  logging: { console: { level: 'error', metrics: false, audit: false } },
  functionGlobalContext: { crypto, keys, insert },
  telemetry: { enabled: false },
};
