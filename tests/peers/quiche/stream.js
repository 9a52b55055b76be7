import { Shutdown } from '@matrixai/quic/native/types.js';

import { say } from './events.js';

const buffer = Buffer.alloc(64 * 1024);

// A stream in two directions: what comes is told, what is to go waits for the server's credit. That
// a write fails is not told, for its reason is: "reset" or "closed".
export class Stream {
  #connection; // of quiche
  #number;
  #waiting = []; // to be written, in order: {bytes, fin}

  constructor(connection, number) {
    this.#connection = connection;
    this.#number = number;
  }

  do({ do: what, data, code }) {
    switch (what) {
      case 'write':
        this.#waiting.push({ bytes: Buffer.from(data, 'base64'), fin: false });
        break;
      case 'finish':
        this.#waiting.push({ bytes: Buffer.alloc(0), fin: true });
        break;
      case 'reset':
        this.#waiting = [];
        this.#connection.streamShutdown(this.#number, Shutdown.Write, code);
        break;
      case 'stop':
        this.#connection.streamShutdown(this.#number, Shutdown.Read, code);
        break;
      default:
        throw new Error(`a stream cannot ${what}`);
    }
  }

  // Writes what there is credit for.
  write() {
    try {
      while (this.#waiting.length && this.#writeFirst()) this.#waiting.shift();
    } catch {
      this.#waiting = [];
    }
  }

  // Returns whether that is all of it.
  #writeFirst() {
    const first = this.#waiting[0];
    const count = this.#connection.streamSend(this.#number, first.bytes, first.fin);
    if (count === null) return false;
    first.bytes = first.bytes.subarray(count);
    return first.bytes.length === 0;
  }

  // Tells what has come.
  read() {
    try {
      for (let got; (got = this.#connection.streamRecv(this.#number, buffer)); ) {
        const [count, isLast] = got;
        if (count) this.#say('data', { data: buffer.toString('base64', 0, count) });
        if (isLast) this.#say('fin');
        if (isLast) return;
      }
    } catch (error) {
      const [, code] = /StreamReset\((\d+)\)/.exec(error.message) ?? [];
      if (code) this.#say('reset', { code: Number(code) });
    }
  }

  #say(event, fields) {
    say(event, { stream: this.#number, ...fields });
  }
}
