import quiche from '@matrixai/quic/native/quiche.js';

import { connect } from './connection.js';

const WINDOW_BYTES = 1024 * 1024; // to begin with; quiche opens it as it needs to
const IDS = 8; // that the server may give us: a new path takes one

// One connection at a time, and what the next one resumes by.
export class Client {
  #options; // port, loss, trust, certificate, key
  #connection;
  #session;

  constructor(options) {
    this.#options = options;
  }

  async do(what) {
    switch (what.do) {
      case 'dial':
        await this.#dial(what);
        break;
      case 'open':
        this.#connection.open();
        break;
      case 'rebind':
        await this.#connection.rebind();
        break;
      case 'migrate':
        await this.#connection.migrate();
        break;
      case 'close':
        this.#connection.close(what.code);
        break;
      default:
        this.#connection.do(what);
    }
  }

  async #dial({ protocol, early }) {
    const { port, loss } = this.#options;
    this.#session = this.#connection?.session ?? this.#session;
    this.#connection = await connect({
      port, loss, config: this.#config(protocol, early), session: this.#session, early,
    });
  }

  // Without a timeout for idle ones: who waits for a server that says nothing is not told that it
  // has gone. A server may open no streams.
  #config(protocol, early) {
    const { trust, certificate, key } = this.#options;
    const config = new quiche.Config();
    config.loadVerifyLocationsFromFile(trust);
    config.verifyPeer(true);
    if (certificate) {
      config.loadCertChainFromPemFile(certificate);
      config.loadPrivKeyFromPemFile(key);
    }
    config.setApplicationProtos([protocol]);
    if (early) config.enableEarlyData();
    config.setInitialMaxData(WINDOW_BYTES);
    config.setInitialMaxStreamDataBidiLocal(WINDOW_BYTES);
    config.setActiveConnectionIdLimit(IDS);
    config.enablePacing(false);
    return config;
  }
}
