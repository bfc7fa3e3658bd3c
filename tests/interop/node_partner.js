// A partner on node's `smpp`: node node_partner.js PORT [CA]. With CA, a file, it speaks
// TLS and believes only what that file has signed. The module encodes the texts and
// finds their data_coding; it does not cut them, so this script does.
const fs = require('fs');
const smpp = require('smpp');
const { each, say } = require('./lines.js');

const [port, ca] = process.argv.slice(2);
const url = `${ca ? 'ssmpp' : 'smpp'}://127.0.0.1:${port}`;
let session = null;

const commands = {
  bind({ kind, system_id, password }) {
    const bind = () => session[`bind_${kind}`]({ system_id, password }, (pdu) => {
      say('bound', { status: pdu.command_status, peer: pdu.system_id || '' });
    });
    const tls = ca ? { ca: fs.readFileSync(ca), checkServerIdentity: () => undefined } : {};
    session = smpp.connect({ url, ...tls }, bind);
    session.on('deliver_sm', delivered);
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('error', (error) => say('error', { what: String(error) }));
    session.on('close', () => say('closed'));
  },

  submit({ tag, source, to, text, form }) {
    // The module calls its GSM 03.38 "ASCII" and says data_coding 1; 0 is what it means.
    const isGsm = smpp.encodings.ASCII.match(text);
    const data_coding = isGsm ? 0 : 8;
    const octets = smpp.encodings[isGsm ? 'ASCII' : 'UCS2'].encode(text);
    const fields = {
      source_addr_ton: 5, source_addr_npi: 0, source_addr: source,
      dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: to,
      registered_delivery: 1, data_coding,
    };
    const submit = (content) => session.submit_sm({ ...fields, ...content }, (pdu) => {
      say('submitted', { tag, status: pdu.command_status, id: pdu.message_id || '' });
    });
    if (form === 'payload') return submit({ message_payload: text });
    if (form === 'data_sm') {
      return session.data_sm({ ...fields, message_payload: text }, (pdu) => {
        say('submitted', { tag, status: pdu.command_status, id: pdu.message_id || '' });
      });
    }
    if (octets.length <= (isGsm ? 160 : 140)) return submit({ short_message: text });
    const parts = [];
    const step = isGsm ? 153 : 134;
    for (let at = 0; at < octets.length; at += step) parts.push(octets.slice(at, at + step));
    parts.forEach((part, index) => {
      if (form === 'sar') {
        submit({
          short_message: part, sar_msg_ref_num: 77,
          sar_total_segments: parts.length, sar_segment_seqnum: index + 1,
        });
      } else {
        const udh = Buffer.from([5, 0, 3, 77, parts.length, index + 1]);
        submit({ short_message: { udh, message: part } });
      }
    });
  },

  multi({ tag, source, to, text }) {
    session.submit_multi({
      source_addr_ton: 5, source_addr: source, registered_delivery: 1, data_coding: 0,
      dest_address: to.map((destination_addr) => (
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr }
      )),
      short_message: text,
    }, (pdu) => {
      const refused = (pdu.unsuccess_sme || []).map((each) => each.destination_addr);
      say('submitted', {
        tag, status: pdu.command_status, id: pdu.message_id || '', refused,
      });
    });
  },

  replace({ id, source, text }) {
    session.replace_sm({
      message_id: id, source_addr_ton: 5, source_addr: source, registered_delivery: 1,
      short_message: text,
    }, (pdu) => say('replaced', { status: pdu.command_status }));
  },

  query({ id, source }) {
    const of = { message_id: id, source_addr_ton: 5, source_addr: source };
    session.query_sm(of, (pdu) => {
      say('queried', { status: pdu.command_status, state: pdu.message_state });
    });
  },

  cancel({ id, source }) {
    const of = { message_id: id, source_addr_ton: 5, source_addr: source };
    session.cancel_sm(of, (pdu) => say('canceled', { status: pdu.command_status }));
  },

  enquire() {
    session.enquire_link((pdu) => say('enquired', { status: pdu.command_status }));
  },

  unbind() {
    session.unbind((pdu) => {
      say('unbound', { status: pdu.command_status });
      session.close();
    });
  },
};

function delivered(pdu) {
  session.send(pdu.response());
  const content = pdu.message_payload || pdu.short_message;
  say('deliver', {
    esm_class: pdu.esm_class, source: pdu.source_addr, destination: pdu.destination_addr,
    data_coding: pdu.data_coding, text: content.message.toString(),
    id: pdu.receipted_message_id || null, state: pdu.message_state || null,
  });
}

each((command) => commands[command.do](command));
