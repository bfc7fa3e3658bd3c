// A partner on node's `smpp`: binds, submits three messages, prints what comes back as
// one line of JSON. Usage: node node_partner.js PORT
const smpp = require('smpp');

const texts = ['Hello from node', 'Grüße, 世界 😀', 'x'.repeat(400)];
const ids = [];
const receipts = [];

const session = smpp.connect({ url: `smpp://127.0.0.1:${process.argv[2]}` }, () => {
  session.bind_transceiver({ system_id: 'acme', password: 'secret' }, (pdu) => {
    if (pdu.command_status !== 0) fail(`bind: ${pdu.command_status}`);
    for (const text of texts) {
      const content = text.length > 140 ? { message_payload: text } : { short_message: text };
      session.submit_sm({
        source_addr_ton: 5, source_addr_npi: 0, source_addr: 'LuckCreators',
        dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '233501234567',
        registered_delivery: 1, ...content,
      }, (answer) => {
        if (answer.command_status !== 0) fail(`submit: ${answer.command_status}`);
        ids.push(answer.message_id);
      });
    }
  });
});

session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  receipts.push({
    id: pdu.receipted_message_id,
    state: pdu.message_state,
    text: pdu.short_message.message.toString(),
  });
  if (receipts.length === texts.length) {
    session.unbind(() => {
      console.log(JSON.stringify({ ids, receipts }));
      session.close();
    });
  }
});

session.on('error', (error) => fail(String(error)));
setTimeout(() => fail('nothing within 15 s'), 15000).unref();

function fail(why) {
  console.error(why);
  process.exit(1);
}
