// The same as lines.py, for node: a command is a line of JSON that comes in, an event
// one that goes out.
const readline = require('readline');

exports.say = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

exports.each = (handle) => {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => handle(JSON.parse(line)));
  lines.on('close', () => process.exit(0));
};
