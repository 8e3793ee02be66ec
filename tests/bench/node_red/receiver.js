// Where both send their messages: answers 200 and counts. GET /count tells.
const http = require('node:http');
let taken = 0;
const server = http.createServer((request, response) => {
  if (request.method === 'GET') { response.end(String(taken)); return; }
  request.resume();
  request.on('end', () => { taken += 1; response.end(); });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
