// yjs: shared types on a Y.Doc, one transaction per commit, v1 update encoding (v2 size reported as extra).
import * as Y from 'yjs';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
export const name = 'yjs';
export const version = require('yjs/package.json').version;
export const caps = { text: true, map: true };
export const mk = (gc) => class H {
  constructor({ id, kind, capture = false, base = null }) {
    this.kind = kind;
    this.doc = new Y.Doc({ gc });
    this.doc.clientID = id;
    this.t = kind === 'text' ? this.doc.getText('t') : this.doc.getMap('m');
    if (base) Y.applyUpdate(this.doc, base);
    this.last = null;
    if (capture) this.doc.on('update', (u, origin) => { if (origin !== 'remote') this.last = u; });
  }
  #p(patches) { const t = this.t; for (const [pos, del, ins] of patches) { if (del) t.delete(pos, del); if (ins) t.insert(pos, ins); } }
  edit(patches) {
    if (patches.length === 1 && !(patches[0][1] && patches[0][2])) this.#p(patches);
    else this.doc.transact(() => this.#p(patches));
  }
  editAll(patches) { this.doc.transact(() => this.#p(patches)); }
  set(k, v) { this.t.set(k, v); }
  setAll(kvs) { this.doc.transact(() => { for (const [k, v] of kvs) this.t.set(k, v); }); }
  take() { const u = this.last; this.last = null; return u; }
  apply(u) { Y.applyUpdate(this.doc, u, 'remote'); }
  encode() { return Y.encodeStateAsUpdate(this.doc); }
  extraSizes() { return { doc_bytes_v2: Y.encodeStateAsUpdateV2(this.doc).length }; }
  value() { return this.kind === 'text' ? this.t.toString() : this.t.toJSON(); }
  static load(bytes, { id, kind }) { return new this({ id, kind, base: bytes }); }
  free() {}
};
export const H = mk(true);
