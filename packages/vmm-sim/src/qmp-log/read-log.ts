/** A message as it passed on a monitor. */
export interface LoggedMessage {
  /** Its line in the log, from 1. */
  readonly line: number;
  readonly from: 'client' | 'vmm';
  readonly text: string;
}

/** Marks of who speaks, behind a time stamp or the like; what follows is the message, whatever it is. */
const CLIENT_MARK = /^[^{"]*?(?:->|>>|\bC:|\bclient:)\s*/;
const VMM_MARK = /^[^{"]*?(?:<-|<<|\bS:|\b(?:vmm|qemu|server):)\s*/i;

/**
 * The messages of a log, in its order; a letter is a byte. A line is a message. Marked with `->`, `>>`, `C:` or `client:` it is the
 * client's, with `<-`, `<<`, `S:`, `server:`, `vmm:` or `qemu:` QEMU's, and may be anything. Without a mark the first
 * JSON object in it is taken, as in libvirt's own log, and its members tell who said it: `execute` the client, `QMP`,
 * `return`, `error` or `event` QEMU. Other lines are passed over.
 */
export function readQmpLog(text: string): readonly LoggedMessage[] {
  return text.split(/\r?\n/).flatMap((line, i) => messageIn(line, i + 1));
}

function messageIn(text: string, line: number): readonly LoggedMessage[] {
  const client = CLIENT_MARK.exec(text)?.[0];
  const vmm = VMM_MARK.exec(text)?.[0];
  if (vmm !== undefined) return [{ line, from: 'vmm', text: text.slice(vmm.length) }];
  if (client !== undefined)
    return objectsOf(text.slice(client.length)).map((each) => ({ line, from: 'client', text: each }));
  const object = objectIn(text);
  const members = object === undefined ? undefined : membersOf(object);
  if (object === undefined || members === undefined) return [];
  if ('execute' in members || 'exec-oob' in members) return [{ line, from: 'client', text: object }];
  const isAnswer = ['QMP', 'return', 'error', 'event'].some((member) => member in members);
  return isAnswer ? [{ line, from: 'vmm', text: object }] : [];
}

/** Objects behind one another; a text that is anything else stays whole. */
function objectsOf(text: string): readonly string[] {
  const objects: string[] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const object = rest.startsWith('{') ? objectIn(rest) : undefined;
    if (object === undefined) return [text];
    objects.push(object);
    rest = rest.slice(object.length).trim();
  }
  return objects.length === 0 ? [text] : objects;
}

/** What may be a JSON object in a text: from the first brace to the one that closes it. */
export function objectIn(text: string): string | undefined {
  const start = text.indexOf('{');
  if (start === -1) return undefined;
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const letter = text[at];
    if (quoted && letter === '\\') at++;
    else if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === '{') depth++;
    else if (!quoted && letter === '}' && --depth === 0) return text.slice(start, at + 1);
  }
  return undefined;
}

/** The members of a JSON object; undefined for what is none. */
export function membersOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
