// A carrier on node's `smpp`: node node_carrier.js PORT MANNER [KEY CERT], with TLS when
// KEY and CERT, files, are given. Takes binds of "sandbox" with password "sandbox",
// answers every submit_sm, sends its receipt. MANNER is told in tests/interop/town.py.
const fs = require('fs');
const smpp = require('smpp');
const { each, say } = require('./lines.js');

const [port, manner, key, cert] = process.argv.slice(2);
const tls = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
const sessions = [];
const throttled = new Set();
let count = 0;

const server = smpp.createServer(tls, (session) => {
  for (const kind of ['transmitter', 'receiver', 'transceiver']) {
    session.on(`bind_${kind}`, (pdu) => {
      const isKnown = pdu.system_id === 'sandbox' && pdu.password === 'sandbox';
      const command_status = isKnown ? 0 : 0x0E;
      session.send(pdu.response({ command_status, system_id: 'node' }));
      if (!isKnown) return session.close();
      sessions.push(session);
      return say('bound', { system_id: pdu.system_id });
    });
  }
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
    say('unbound');
  });
  session.on('close', () => {
    if (sessions.includes(session)) sessions.splice(sessions.indexOf(session), 1);
  });
  session.on('error', (error) => say('error', { what: String(error) }));
});

function ids() {
  count += 1;
  const number = 0xABC000 + count;
  const hex = number.toString(16);
  if (manner === 'hex-dec') return [hex.toUpperCase(), String(number).padStart(10, '0')];
  if (manner === 'dec-hex') return [String(number), hex.padStart(8, '0')];
  return [`node-${number}`, `node-${number}`];
}

function submitted(session, pdu) {
  const to = pdu.destination_addr;
  const [answered, receipted] = ids();
  let status = 0;
  if (to.endsWith('0011')) status = 0x0B;
  if (to.endsWith('0088') && !throttled.has(to)) {
    throttled.add(to);
    status = 0x58;
  }
  const content = pdu.message_payload || pdu.short_message;
  let form = pdu.message_payload ? 'payload' : 'short';
  let part = null;
  if (content.udh) {
    form = 'udh';
    part = [...content.udh[0]].slice(-3);
  } else if (pdu.sar_total_segments) {
    form = 'sar';
    part = [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  }
  say('submit', {
    source: pdu.source_addr, to, data_coding: pdu.data_coding, form, part, status,
    ton_npi: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi],
    registered_delivery: pdu.registered_delivery, text: content.message.toString(),
    id: answered,
  });
  if (status) return session.send(pdu.response({ command_status: status }));
  const answer = () => session.send(pdu.response({ message_id: answered }));
  if (manner === 'early') return receipt(session, pdu, answered, receipted, answer);
  answer();
  return receipt(session, pdu, answered, receipted, () => {});
}

function receipt(session, pdu, answered, receipted, afterwards) {
  const text = `id:${receipted} sub:001 dlvrd:001 submit date:2611231200 `
    + 'done date:2611231201 stat:DELIVRD err:000 text:';
  const tlvs = { receipted_message_id: receipted, message_state: 2 };
  const content = manner === 'tlv-only' ? '' : text;
  session[manner === 'data-sm' ? 'data_sm' : 'deliver_sm']({
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: pdu.source_addr,
    esm_class: manner === 'class-0' ? 0 : smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    ...(manner === 'data-sm' ? { message_payload: content } : { short_message: content }),
    data_coding: 0,
    ...(manner === 'text-only' ? {} : tlvs),
  }, (response) => {
    if (response.command_status === smpp.ESME_RX_T_APPN) {
      setTimeout(() => receipt(session, pdu, answered, receipted, afterwards), 500);
      return;
    }
    say('receipt', { id: answered, status: response.command_status });
    afterwards();
  });
}

const commands = {
  deliver({ source, to, octets, data_coding = 0, esm_class = 0 }) {
    sessions[0].deliver_sm({
      source_addr: source, source_addr_ton: 1, source_addr_npi: 1,
      dest_addr_ton: 0, dest_addr_npi: 1, destination_addr: to,
      short_message: Buffer.from(octets, 'hex'), data_coding, esm_class,
    }, (pdu) => say('delivered', { status: pdu.command_status }));
  },
  unbind() {
    let left = sessions.length;
    for (const session of [...sessions]) {
      session.unbind(() => {
        session.close();
        left -= 1;
        if (left === 0) say('left');
      });
    }
  },
};

each((command) => commands[command.do](command));
server.listen(Number(port), '127.0.0.1', () => say('listening'));
