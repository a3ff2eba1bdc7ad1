/** A part of a word; patterns are only in `plain` text. */
export interface Part {
  readonly kind: 'plain' | 'quoted' | 'status' | 'home';
  /** Of `home`, whose home it is: empty for one's own. */
  readonly text: string;
}
export type Word = readonly Part[];

export interface Redirection {
  /** 0, 1 or 2. */
  readonly fd: number;
  readonly kind: 'read' | 'write' | 'append' | 'duplicate';
  /** A file, or the descriptor to duplicate. */
  readonly target: Word;
}

export interface SimpleCommand {
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
}

/** Commands whose output is the next one's input; at least one. */
export interface Pipeline {
  /** Whether it runs after what the one before ended with. */
  readonly when: 'always' | 'success' | 'failure';
  readonly commands: readonly SimpleCommand[];
}

/** A line that this shell does not run. */
export class SyntaxRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SyntaxRefusal';
  }
}

/** Blanks, a comment, a redirection, an operator, or a word. */
const TOKEN =
  /[ \t]+|#[^\n]*|(?<fd>[0-2]?)(?<redirect>>>|>&|<(?![<&>(])|>(?!\())|(?<operator>&&|\|\||\|(?!&)|;(?!;)|\n)|(?<word>(?:"(?:[^"\\$`]|\\.|\$\?)*"|'[^']*'|\\.|\$\?|[^\s"'\\|&;<>()$`[{])+)/sy;

/** Pieces of a word. */
const PIECE =
  /'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\.)*)"|\\(?<escaped>.)|(?<status>\$\?)|(?<plain>[^'"\\$]+)/gs;

/**
 * What a rest that is no token starts with, and why it is refused. NOT MODELLED: jobs, here-documents, variables,
 * substitutions, brackets and braces, and control structures.
 */
const NOT_MODELLED: readonly (readonly [RegExp, string])[] = [
  [/^\|&/, "this shell has no '|&'; write '2>&1 |'"],
  [/^;;/, 'this shell has no control structures'],
  [/^&/, 'this shell has no jobs in the background'],
  [/^[<>]/, "this shell has no redirection but '<', '>', '>>', '2>' and '2>&1'"],
  [/^\d+[<>]/, 'this shell has no descriptors but 0, 1 and 2'],
  [/^[[{]/, 'this shell expands no brackets and braces; quote the character or write the name out'],
  [/^([$`()]|"[^"]*[$`])/, 'this shell has no variables and no substitution; use single quotes'],
  [/^/, 'a quote or a backslash is open at the end'],
];

/** What a redirection of a descriptor starts with that programs here do not have. */
const OTHER_DESCRIPTOR = /^(?:[3-9]|\d{2,})[<>]/;

/** Words that start something else than a command. */
const KEYWORDS =
  /^(!|if|then|else|elif|fi|for|while|until|do|done|case|esac|select|function|time|coproc|[A-Za-z_]\w*\+?=.*)$/s;

/** Parses a line. Throws SyntaxRefusal with the message to show. */
export function parseCommandLine(line: string): Pipeline[] {
  const text = line.trim();
  const list: Pipeline[] = [];
  let when: Pipeline['when'] = 'always';
  let commands: SimpleCommand[] = [];
  let command = createCommand();
  const endPipeline = (next: Pipeline['when']): void => {
    list.push({ when, commands: [...commands, command] });
    commands = [];
    command = createCommand();
    when = next;
  };

  let at = 0;
  for (; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const rest = text.slice(at);
    if (match === null || OTHER_DESCRIPTOR.test(rest)) throw refusal(rest);
    const { fd, redirect, operator, word } = match.groups ?? {};
    if (command.open !== undefined && redirect !== undefined) throw unexpected(redirect);
    if (redirect !== undefined) {
      command.open = { fd: fdOf(fd, redirect), kind: KINDS[redirect] ?? 'duplicate' };
    } else if (word !== undefined) {
      addWord(command, word, text.slice(at));
    } else if (operator !== undefined) {
      if (command.open !== undefined) throw unexpected(operator);
      if (isEmpty(command) && operator === '\n') continue; // a line break may stand behind | && || and between commands
      if (isEmpty(command)) throw unexpected(operator);
      if (operator === '|') {
        commands.push(command);
        command = createCommand();
      } else {
        endPipeline(operator === '&&' ? 'success' : operator === '||' ? 'failure' : 'always');
      }
    }
  }
  if (command.open !== undefined) throw unexpected('newline');
  if (!isEmpty(command)) endPipeline('always');
  else if (commands.length > 0 || when !== 'always')
    throw new SyntaxRefusal('bash: syntax error: unexpected end of file');
  return list;
}

const KINDS: Readonly<Record<string, Redirection['kind']>> = { '<': 'read', '>': 'write', '>>': 'append' };

interface OpenCommand {
  readonly words: Word[];
  readonly redirections: Redirection[];
  /** A redirection that waits for its target. */
  open?: Pick<Redirection, 'fd' | 'kind'> | undefined;
}

const createCommand = (): OpenCommand => ({ words: [], redirections: [] });

const isEmpty = ({ words, redirections }: OpenCommand): boolean => words.length + redirections.length === 0;

const fdOf = (digit: string | undefined, redirect: string): number =>
  digit ? Number(digit) : redirect === '<' ? 0 : 1;

function addWord(command: OpenCommand, word: string, rest: string): void {
  if (command.open === undefined) {
    if (command.words.length === 0 && KEYWORDS.test(word)) {
      const what = word.includes('=') ? 'variables' : 'control structures';
      throw new SyntaxRefusal(`sevlab: this shell has no ${what}, at: ${rest}`);
    }
    command.words.push(partsOf(word));
    return;
  }
  if (command.open.kind === 'duplicate' && !/^[12]$/.test(word))
    throw new SyntaxRefusal(`sevlab: '>&' is followed by 1 or 2 in this shell, at: ${rest}`);
  command.redirections.push({ ...command.open, target: partsOf(word) });
  command.open = undefined;
}

function partsOf(word: string): Word {
  const home = /^~([a-z][\w-]*)?(?=\/|$)/.exec(word);
  const rest = home === null ? word : word.slice(home[0].length);
  const parts: Part[] = home === null ? [] : [{ kind: 'home', text: home[1] ?? '' }];
  for (const { groups = {} } of rest.matchAll(PIECE)) {
    const { single, double, escaped, plain } = groups;
    if (plain !== undefined) parts.push({ kind: 'plain', text: plain });
    else if (double !== undefined) parts.push(...doubleQuoted(double));
    else if (single !== undefined || escaped !== undefined)
      parts.push({ kind: 'quoted', text: single ?? escaped ?? '' });
    else parts.push({ kind: 'status', text: '' });
  }
  return parts;
}

/** Between quotation marks a backslash escapes only what means something there. */
function doubleQuoted(text: string): Part[] {
  const parts: Part[] = [{ kind: 'quoted', text: '' }]; // "" is a word
  for (const [piece, escaped] of text.matchAll(/\\(["\\$`])|\$\?|\\.|[^\\$]+/gs)) {
    parts.push(piece === '$?' ? { kind: 'status', text: '' } : { kind: 'quoted', text: escaped ?? piece });
  }
  return parts;
}

function refusal(rest: string): SyntaxRefusal {
  const reason = NOT_MODELLED.find(([start]) => start.test(rest))?.[1];
  return new SyntaxRefusal(`sevlab: ${reason}, at: ${rest}`);
}

const unexpected = (token: string): SyntaxRefusal =>
  new SyntaxRefusal(`bash: syntax error near unexpected token \`${token === '\n' ? 'newline' : token}'`);
