import { HOST, Socket } from './socket.js';

// The sockets of one connection. quiche knows a path by the port that it was told of; the socket
// behind that may have another by now, as behind a router that forgets.
export class Paths {
  receive; // to be set: (datagram, between which addresses quiche is to think it came)
  #server; // a port
  #loss;
  #sockets = new Map(); // by the ports that quiche knows
  #current;

  constructor(server, loss) {
    this.#server = server;
    this.#loss = loss;
  }

  // Returns the local port of a path that is new, also to quiche.
  async open() {
    const socket = await Socket.open(this.#server, this.#loss, (datagram) => {
      this.receive(datagram, this.addresses(socket.port));
    });
    this.#current = socket.port;
    this.#sockets.set(this.#current, socket);
    return this.#current;
  }

  // The newest path goes on from another port, of which quiche does not learn. Returns it. What was
  // on its way to the old one is lost.
  async move() {
    const known = this.#current;
    const socket = await Socket.open(this.#server, this.#loss, (datagram) => {
      this.receive(datagram, this.addresses(known));
    });
    this.#sockets.get(known).close();
    this.#sockets.set(known, socket);
    return socket.port;
  }

  // What comes on the path of this port, as quiche wants to hear it.
  addresses(port) {
    return { from: { host: HOST, port: this.#server }, to: { host: HOST, port } };
  }

  // `port`: of the path, as quiche knows it.
  send(datagram, port) {
    this.#sockets.get(port).send(datagram);
  }

  close() {
    for (const socket of this.#sockets.values()) socket.close();
  }
}
