// quiche as a program: one client of MQTT over QUIC that knows no MQTT. What it is told and what it
// tells is in ../README.md.
//
//   node main.js --port 14567 --trust certificate.pem

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { Client } from './client.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '14567' }, // the server's, of 127.0.0.1
    trust: { type: 'string' }, // a file of the authorities to trust
    certificate: { type: 'string' }, // what to show a server that asks for it
    key: { type: 'string' }, // the key of that
    loss: { type: 'string', default: '0' }, // percent of the datagrams lost, either way
  },
});

const client = new Client({ ...values, port: Number(values.port), loss: Number(values.loss) });

for await (const line of createInterface({ input: process.stdin })) {
  await client.do(JSON.parse(line));
}
process.exit();
