// loro-crdt: one doc.commit() per commit; full document = snapshot export (update export size as extra).
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { LoroDoc } = require('loro-crdt');
export const name = 'loro';
import { readFileSync } from 'node:fs';
export const version = JSON.parse(readFileSync(new URL('../../node_modules/loro-crdt/package.json', import.meta.url))).version;
export const caps = { text: true, map: true };
export class H {
  constructor({ id, kind, capture = false, base = null }) {
    this.kind = kind; this.last = null;
    this.doc = new LoroDoc();
    this.doc.setPeerId(BigInt(id));
    if (base) this.doc.import(base);
    this.t = kind === 'text' ? this.doc.getText('t') : this.doc.getMap('m');
    if (capture) this.doc.subscribeLocalUpdates((u) => { this.last = u; });
  }
  #p(patches) { const t = this.t; for (const [pos, del, ins] of patches) { if (del) t.delete(pos, del); if (ins) t.insert(pos, ins); } }
  edit(patches) { this.#p(patches); this.doc.commit(); }
  editAll(patches) { this.#p(patches); this.doc.commit(); }
  set(k, v) { this.t.set(k, v); this.doc.commit(); }
  setAll(kvs) { for (const [k, v] of kvs) this.t.set(k, v); this.doc.commit(); }
  take() { const u = this.last; this.last = null; return u; }
  apply(u) { this.doc.import(u); }
  applyMany(us) { this.doc.importBatch(us); }
  encode() { return this.doc.export({ mode: 'snapshot' }); }
  extraSizes() { return { doc_bytes_update: this.doc.export({ mode: 'update' }).length }; }
  value() { return this.kind === 'text' ? this.t.toString() : this.t.toJSON(); }
  static load(bytes, { id, kind }) { return new H({ id, kind, base: bytes }); }
  free() { this.doc.free(); }
}
