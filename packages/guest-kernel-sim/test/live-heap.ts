import { Session } from 'node:inspector/promises';

/** The bytes behind every typed array, DataView and ArrayBuffer that is alive in this thread after a collection. */
export async function liveBuffers(): Promise<Uint8Array[]> {
  const session = await collectGarbage();
  // up to 64 bytes of a typed array lie in the object itself: a query for buffers alone would not see them
  const found = [
    ...(await objectsBelow(session, 'Object.getPrototypeOf(Uint8Array.prototype)')),
    ...(await objectsBelow(session, 'ArrayBuffer.prototype')),
  ];
  session.disconnect();
  const buffers = new Set(
    found.flatMap((object) =>
      ArrayBuffer.isView(object) ? [object.buffer] : object instanceof ArrayBuffer ? [object] : [],
    ),
  );
  return [...buffers].map((buffer) => new Uint8Array(buffer));
}

/**
 * Every string that is alive in this thread after a collection, in the text of V8's heap snapshot: up to 1024
 * characters of each, and of joined ones the parts.
 */
export async function liveStrings(): Promise<string> {
  const session = await collectGarbage();
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
  await session.post('HeapProfiler.takeHeapSnapshot');
  session.disconnect();
  return chunks.join('');
}

async function collectGarbage(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  return session;
}

/** Where code that the inspector runs leaves what it found. */
const FOUND = Symbol.for('sevlab: found by the inspector');

/** Live objects that have what an expression names among their prototypes. */
async function objectsBelow(session: Session, expression: string): Promise<readonly unknown[]> {
  const prototype = await session.post('Runtime.evaluate', { expression });
  const { objects } = await session.post('Runtime.queryObjects', {
    prototypeObjectId: prototype.result.objectId ?? '', // which the inspector refuses
  });
  const found: unknown[] = [];
  Object.assign(globalThis, { [FOUND]: found });
  await session.post('Runtime.callFunctionOn', {
    objectId: objects.objectId ?? '',
    functionDeclaration: `function () {
      const found = globalThis[Symbol.for('${FOUND.description}')];
      for (const object of this) found.push(object);
    }`,
  });
  Reflect.deleteProperty(globalThis, FOUND);
  return found;
}
