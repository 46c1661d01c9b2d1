// yjs with gc:false (keeps deleted content, as an oplog would).
import { mk, version, caps } from './yjs.mjs';
export { version, caps };
export const name = 'yjs-nogc';
export const H = mk(false);
