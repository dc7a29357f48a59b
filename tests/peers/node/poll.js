// A PLC program for the server role in JavaScript, on jsmodbus or modbus-serial, written from the symbol list alone.
//   node poll.js jsmodbus|modbus-serial PORT UNIT SYMBOLS.csv CYCLES    prints one line of JSON
"use strict";
const fs = require("fs");
const net = require("net");
const path = require("path");
const { createRequire } = require("module");
const [library, port, unit, list, cycles] = process.argv.slice(2);
const installed = createRequire(path.join(process.env.NODE_PEERS, "package.json"));

const symbols = new Map();
for (const line of fs.readFileSync(list, "utf8").split("\n").slice(1)) {
  const [name, , , address, bit] = line.split(",");
  if (name) symbols.set(name, { address: Number(address), bit: bit === "" ? null : Number(bit) });
}
const block = (prefix) => {
  const places = [...symbols].filter(([name]) => name.startsWith(prefix + ".")).map(([, one]) => one.address);
  const first = Math.min(...places);
  return { prefix, first, words: new Array(Math.max(...places) - first + 1).fill(0) };
};
const control = block("control");
const status = block("status");

const word = (of, name) => of.words[symbols.get(`${of.prefix}.${name}`).address - of.first];
const bit = (of, name) => {
  const one = symbols.get(`${of.prefix}.${name}`);
  return ((of.words[one.address - of.first] >> one.bit) & 1) === 1;
};
const number = (of, name) => word(of, `${name}_high`) * 65536 + word(of, `${name}_low`);
const setWord = (name, value) => { control.words[symbols.get(`control.${name}`).address - control.first] = value; };
const setBit = (name, on) => {
  const one = symbols.get(`control.${name}`);
  const place = one.address - control.first;
  control.words[place] = on ? control.words[place] | (1 << one.bit) : control.words[place] & ~(1 << one.bit);
};

async function overJsmodbus() {
  const modbus = installed("jsmodbus");
  const socket = new net.Socket();
  const client = new modbus.client.TCP(socket, Number(unit), 1000);
  await new Promise((done, failed) => socket.once("connect", done).once("error", failed).connect(Number(port), "127.0.0.1"));
  return {
    read: async () => (await client.readInputRegisters(status.first, status.words.length)).response.body.valuesAsArray,
    write: () => client.writeMultipleRegisters(control.first, control.words),
    close: () => socket.end(),
  };
}

async function overModbusSerial() {
  const Modbus = installed("modbus-serial");
  const client = new (Modbus.default || Modbus)();
  await client.connectTCP("127.0.0.1", { port: Number(port) });
  client.setID(Number(unit));
  client.setTimeout(1000);
  return {
    read: async () => (await client.readInputRegisters(status.first, status.words.length)).data,
    write: () => client.writeRegisters(control.first, control.words),
    close: () => client.close(() => {}),
  };
}

async function main() {
  const wire = await (library === "jsmodbus" ? overJsmodbus() : overModbusSerial());
  const scan = async () => {
    status.words = Array.from(await wire.read());
    setWord("heartbeat_echo", word(status, "heartbeat"));
    await wire.write();
    await new Promise((done) => setTimeout(done, 2));
  };
  const until = async (holds, what) => {
    const ends = Date.now() + 10000;
    do {
      if (Date.now() > ends) throw new Error(`no ${what}; ${JSON.stringify(status.words)}`);
      await scan();
    } while (!holds());
  };
  const said = { ok: 0, ng: 0, undecided: 0, wrong: 0 };
  setBit("trigger_enable", true);
  setBit("buffer_results_enable", true);
  for (let part = 1; part <= Number(cycles); part++) {
    await until(() => bit(status, "trigger_ready"), "trigger ready");
    setWord("trigger_seq_low", part);
    setBit("trigger", true);
    await until(() => bit(status, "trigger_ack"), "trigger ack");
    if (number(status, "acquisition_id") !== part) said.wrong++;
    setBit("trigger", false);
    await until(() => bit(status, "results_valid"), "results valid");
    const code = word(status, "result_code");
    const fits = bit(status, "results_ok") === (code === 1) && bit(status, "results_ng") === (code !== 1);
    if (number(status, "inspection_id") !== part || !fits || code !== (part % 3 || 3)) said.wrong++;
    said[["", "ok", "ng", "undecided"][code]]++;
    setBit("inspection_results_ack", true);
    await until(() => !bit(status, "results_valid"), "end of results valid");
    setBit("inspection_results_ack", false);
    await scan();
  }
  console.log(JSON.stringify(said));
  wire.close();
}

main().catch((error) => { console.error(error); process.exit(1); });
