// json-joy json-crdt (pure JS). One flushed Patch per commit. NB: the encoded model is state (ids + tombstones), not an oplog.
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { Model } = require('json-joy/lib/json-crdt/index.js');
const { s, Patch } = require('json-joy/lib/json-crdt-patch/index.js');
import { readFileSync } from 'node:fs';
export const name = 'json-joy';
export const version = JSON.parse(readFileSync(new URL('../../node_modules/json-joy/package.json', import.meta.url))).version;
export const caps = { text: true, map: true, mergeState: false };
const schema = { text: () => s.str(''), map: () => s.obj({}) };
export class H {
  constructor({ id, kind, capture = false, base = null }) {
    this.kind = kind; this.capture = capture; this.last = null;
    const sid = 70000 + id; // ids below 65536 are reserved
    this.m = base ? Model.load(base, sid) : Model.create(schema[kind](), sid);
    this.m.api.flush();
    this.t = kind === 'text' ? this.m.api.str([]) : this.m.api.obj([]);
  }
  #p(patches) { const t = this.t; for (const [pos, del, ins] of patches) { if (del) t.del(pos, del); if (ins) t.ins(pos, ins); } }
  #done() { const p = this.m.api.flush(); if (this.capture) this.last = p.toBinary(); }
  edit(patches) { this.#p(patches); this.#done(); }
  editAll(patches) { this.#p(patches); this.#done(); }
  set(k, v) { this.t.set({ [k]: v }); this.#done(); }
  setAll(kvs) { for (const [k, v] of kvs) this.t.set({ [k]: v }); this.#done(); }
  take() { const u = this.last; this.last = null; return u; }
  apply(u) { this.m.applyPatch(Patch.fromBinary(u)); }
  encode() { return this.m.toBinary(); }
  extraSizes() { return {}; }
  value() { return this.m.view(); }
  static load(bytes, { id, kind }) { return new H({ id, kind, base: bytes }); }
  free() {}
}
