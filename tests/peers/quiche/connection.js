import { randomBytes } from 'node:crypto';

import quiche from '@matrixai/quic/native/quiche.js';

import { ending, say } from './events.js';
import { Paths } from './paths.js';
import { Stream } from './stream.js';

const ID_BYTES = 16;
const RESET_TOKEN_BYTES = 16;

const datagram = Buffer.alloc(quiche.MAX_UDP_PACKET_SIZE);

// Begins to connect. `session`: what an earlier connection has left, or nothing. Who is early is
// connected before the server has been heard, if the session allows it.
export async function connect({ port, loss, config, session, early }) {
  const paths = new Paths(port, loss);
  const { to: here, from: there } = paths.addresses(await paths.open());
  const opened = quiche.Connection.connect('localhost', randomBytes(ID_BYTES), here, there, config);
  if (session) opened.setSession(session);
  return new Connection(opened, paths, early);
}

// One connection to a server, and its streams by their numbers. quiche has neither sockets nor
// timers: they are here.
class Connection {
  #quiche;
  #paths;
  #isAskedEarly;
  #wasEarly = false;
  #isConnected = false;
  #isComplete = false;
  #isOver = false;
  #pathToProbe;
  #streams = new Map();
  #streamsAskedFor = 0;
  #timer;
  #turn; // what is to be done soon for all that has happened

  constructor(opened, paths, early) {
    this.#quiche = opened;
    this.#paths = paths;
    this.#isAskedEarly = early;
    paths.receive = (...what) => this.#receive(...what);
    this.#wake();
  }

  // What the next connection resumes by; null if the server gave nothing.
  get session() {
    return this.#quiche.session();
  }

  do(what) {
    this.#streams.get(what.stream).do(what);
    this.#wake();
  }

  // Tells the stream's number once there is credit for it.
  open() {
    this.#streamsAskedFor += 1;
    this.#wake();
  }

  async rebind() {
    say('rebound', { code: await this.#paths.move() });
  }

  // Tells it when the server has answered on the new path.
  async migrate() {
    this.#pathToProbe = this.#paths.addresses(await this.#paths.open());
    this.#wake();
  }

  close(code) {
    this.#quiche.close(true, code, Buffer.alloc(0));
    this.#wake();
  }

  #receive(bytes, addresses) {
    try {
      this.#quiche.recv(bytes, addresses);
    } catch {
      // What ends the connection is seen below; what does not is nobody's affair.
    }
    this.#wake();
  }

  #wake() {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      if (!this.#isOver) this.#act();
    });
  }

  #act() {
    this.#openStreams();
    if (this.#pathToProbe) this.#probePath();
    for (const number of this.#quiche.readable()) this.#stream(number).read();
    for (const stream of this.#streams.values()) stream.write();
    this.#send();
    this.#tellProgress();
    this.#tellEnd();
  }

  #stream(number) {
    const stream = this.#streams.get(number);
    if (!stream) throw new Error('the server has opened a stream');
    return stream;
  }

  #openStreams() {
    while (this.#streamsAskedFor && this.#quiche.peerStreamsLeftBidi()) {
      this.#streamsAskedFor -= 1;
      const number = 4 * this.#streams.size;
      this.#quiche.streamSend(number, Buffer.alloc(0), false); // which takes the credit
      this.#streams.set(number, new Stream(this.#quiche, number));
      say('opened', { number });
    }
  }

  // The server gives up the id that it called us by on a path of before when that is no more
  // needed. Until then there is none for another path.
  #probePath() {
    const { to: here, from: there } = this.#pathToProbe;
    try {
      this.#quiche.probePath(here, there);
      this.#pathToProbe = undefined;
    } catch (error) {
      if (error.message !== 'OutOfIdentifiers') throw error;
    }
  }

  #send() {
    for (let sent; (sent = this.#quiche.send(datagram)); ) {
      const [count, { from }] = sent;
      this.#paths.send(datagram.subarray(0, count), from.port);
    }
    this.#setTimer();
  }

  #setTimer() {
    clearTimeout(this.#timer);
    const wait = this.#quiche.timeout();
    if (wait === null) return;
    this.#timer = setTimeout(() => {
      this.#quiche.onTimeout();
      this.#wake();
    }, wait);
  }

  #tellProgress() {
    if (!this.#isConnected) this.#tellConnected();
    if (!this.#isComplete && this.#quiche.isEstablished()) this.#tellComplete();
    if (this.#isComplete) this.#giveIds();
    for (let event; (event = this.#quiche.pathEventNext()); ) {
      if (event.type === 'Validated') this.#goOnFrom(event.local);
    }
  }

  #tellConnected() {
    this.#wasEarly = this.#isAskedEarly && this.#quiche.isInEarlyData();
    this.#isConnected = this.#wasEarly || this.#quiche.isEstablished();
    if (this.#isConnected) say('connected', { resumed: this.#quiche.isResumed() });
  }

  #tellComplete() {
    this.#isComplete = true;
    if (this.#isAskedEarly) say('completed', { early: this.#wasEarly });
  }

  // On each path the server calls us by another id: there must always be some that are new.
  #giveIds() {
    while (this.#quiche.sourceCidsLeft() > 0) {
      const token = BigInt(`0x${randomBytes(RESET_TOKEN_BYTES).toString('hex')}`);
      this.#quiche.newSourceCid(randomBytes(ID_BYTES), token, false);
      this.#wake();
    }
  }

  #goOnFrom(address) {
    this.#quiche.migrateSource(address);
    say('migrated', { code: address.port });
    this.#wake();
  }

  #tellEnd() {
    const end = ending(this.#quiche);
    if (!end) return;
    this.#isOver = true;
    say('closed', end);
    clearTimeout(this.#timer);
    this.#paths.close();
  }
}
