// MQTT.js as a program: one client, which is told what to do and tells what happens, in JSON lines.
//
//   node mqtt_js.js '{"port": 1883, "clientId": "a"}'     the options of mqtt.connect()
//
//   {"do": "subscribe", "topic": "a/#", "options": {"qos": 1}}
//   {"do": "publish", "topic": "a/b", "payload": "x", "options": {"retain": true}}
//   {"do": "end"}
//
// The options and the packets are MQTT.js's own; what is binary is text here.
'use strict';

const readline = require('readline');
const mqtt = require('mqtt');

function parse(line) {
  return JSON.parse(line, (key, value) => (key === 'correlationData' ? Buffer.from(value) : value));
}

function say(event, fields) {
  const line = JSON.stringify({ event, ...fields }, (key, value) => (
    value && value.type === 'Buffer' ? Buffer.from(value.data).toString() : value));
  process.stdout.write(`${line}\n`);
}

const client = mqtt.connect({ host: '127.0.0.1', reconnectPeriod: 0, ...parse(process.argv[2]) });

client.on('connect', (packet) => say('connect', packet));
client.on('message', (topic, payload, packet) => say('message', { ...packet, topic }));
client.on('disconnect', (packet) => say('disconnect', packet));
client.on('error', (error) => say('error', { message: error.message }));
client.on('close', () => {
  say('close');
  process.exit();
});

const actions = {
  subscribe({ topic, options }) {
    client.subscribe(topic, options, (error, granted, packet) => say('suback', { ...packet }));
  },
  publish({ topic, payload, options }) {
    client.publish(topic, payload, options, (error, packet) => {
      if (error) say('error', { message: error.message });
      else say('published', packet);
    });
  },
  end() {
    client.end();
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const action = parse(line);
  actions[action.do](action);
});
