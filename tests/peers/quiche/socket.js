import dgram from 'node:dgram';
import { once } from 'node:events';

export const HOST = '127.0.0.1';

// A UDP socket with a port of its own that speaks to one server, and loses some datagrams, either
// way.
export class Socket {
  #socket = dgram.createSocket('udp4');
  #loss; // percent

  // Calls `receive(datagram)` for what comes until it is closed.
  static async open(server, loss, receive) {
    const opened = new Socket(loss, receive);
    opened.#socket.connect(server, HOST);
    await once(opened.#socket, 'connect');
    return opened;
  }

  constructor(loss, receive) {
    this.#loss = loss;
    this.#socket.on('message', (datagram) => this.#loses() || receive(datagram));
    this.#socket.on('error', () => {}); // nobody is there: who expects an answer will notice
  }

  get port() {
    return this.#socket.address().port;
  }

  // The datagram may be overwritten afterwards.
  send(datagram) {
    if (!this.#loses()) this.#socket.send(Buffer.from(datagram));
  }

  close() {
    this.#socket.close();
  }

  #loses() {
    return Math.random() * 100 < this.#loss;
  }
}
