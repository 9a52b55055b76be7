// Tells what has happened, in a line.
export function say(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ event, stream: 0, ...fields })}\n`);
}

// How a connection of quiche has ended: by whom, with which code. Undefined: it goes on.
export function ending(connection) {
  const theirs = connection.peerError();
  const error = theirs ?? connection.localError();
  if (error) {
    const kind = error.isApp ? 'application' : 'transport';
    return { kind, code: error.errorCode, remote: theirs !== null };
  }
  if (!connection.isClosed()) return undefined;
  // Nobody has given a reason: it was the time, or a server that does not know the connection.
  return connection.isTimedOut() ? { kind: 'idle' } : { kind: 'stateless reset', remote: true };
}
