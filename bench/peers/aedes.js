// Aedes as it comes, for scripts/bench-ratio: node aedes.js PORT
'use strict';

const aedes = require('aedes')();

const server = require('node:net').createServer({ noDelay: true }, aedes.handle);
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 }, () => {
    console.log(`listening on 127.0.0.1:${server.address().port}`);
});
