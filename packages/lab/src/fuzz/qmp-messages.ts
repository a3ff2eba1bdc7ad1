import fc from 'fast-check';

/** Text as JSON has it, as QEMU has it besides, and as it is wrong. A letter is a byte. */
type Text = fc.Arbitrary<string>;

const oneOf = (...texts: readonly string[]): Text => fc.constantFrom(...texts);
const joined = (...parts: readonly Text[]): Text => fc.tuple(...parts).map((texts) => texts.join(''));
const BLANK = fc.oneof(
  { weight: 12, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: oneOf(' ', '\t', '\r\n', '  \n ') },
);

const INTEGERS = [
  ...[
    '0',
    '1',
    '-1',
    '-0',
    '7',
    '16',
    '52',
    '4096',
    '65535',
    '8454144',
    '4294967280',
    '4294967295',
    '4294967296',
  ],
  ...['2147483647', '2147483648', '-2147483648', '-2147483649', '9223372036854775807', '9223372036854775808'],
  ...['-9223372036854775808', '-9223372036854775809', '18446744073709551615', '18446744073709551616'],
  ...['-18446744073709551615', '99999999999999999999', '123456789012345678901234567890'],
];
const FRACTIONS = [
  '0.5',
  '-0.5',
  '1.0',
  '1e3',
  '1E-3',
  '1e+400',
  '-1e400',
  '4.25e-5',
  '1e16',
  '1e17',
  '123456789.125',
];
const NO_NUMBERS = [
  '01',
  '00',
  '-',
  '1.',
  '.5',
  '+1',
  '1e',
  '1e+',
  '0x10',
  'NaN',
  'Infinity',
  '-x',
  '--1',
  '1.5.5',
];

const number: Text = fc.oneof(
  { weight: 6, arbitrary: oneOf(...INTEGERS) },
  { weight: 3, arbitrary: oneOf(...FRACTIONS) },
  { weight: 1, arbitrary: oneOf(...NO_NUMBERS) },
  { weight: 2, arbitrary: fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }).map(String) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
);

/** Characters of a string, written in all the ways there are. */
const character: Text = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) },
  { weight: 4, arbitrary: oneOf('\\n', '\\t', '\\r', '\\b', '\\f', '\\\\', '\\/', '\\"', "\\'") },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => `\\u${code.toString(16).padStart(4, '0')}`),
  },
  {
    weight: 1,
    arbitrary: oneOf(
      '\\ud83d\\ude00',
      '\\uD83D',
      '\\ude00',
      '\\ud83d\\u0041',
      '\\u00',
      '\\u00g0',
      '\\x41',
      '\\0',
      '\\u0000',
    ),
  },
  {
    weight: 1,
    arbitrary: oneOf('é', '€', '😀', 'ﷰ', '￾', '\u007f').map((text) => Buffer.from(text).toString('latin1')),
  },
  {
    weight: 1,
    arbitrary: oneOf(
      '\xc0\x80',
      '\xc1\xbf',
      '\xed\xa0\x80',
      '\xf4\x90\x80\x80',
      '\xfe',
      '\xff',
      '\x80',
      '\x01',
      '\n',
      '\0',
    ),
  },
);
const quoted = (content: Text): Text =>
  fc.tuple(fc.boolean(), content).map(([single, text]) => {
    const quote = single ? "'" : '"';
    return quote + text.replaceAll(quote, '') + quote;
  });
const randomString: Text = quoted(fc.array(character, { maxLength: 8 }).map((letters) => letters.join('')));
/** The text itself, now and then with a letter of it escaped. */
const string = (text: string): Text =>
  fc.tuple(fc.nat(15), fc.nat(text.length)).map(([how, at]) => {
    const plain = JSON.stringify(text);
    if (how === 0 && !/['\\]/.test(plain)) return plain.replaceAll('"', "'");
    if (how !== 1 || text === '' || at >= text.length) return plain;
    const escaped = `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
    return (
      JSON.stringify(text.slice(0, at)).slice(0, -1) + escaped + JSON.stringify(text.slice(at + 1)).slice(1)
    );
  });

const { value: anyValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    randomString,
    oneOf('true', 'false', 'null', 'nil', 'True', 'undefined', '{}', '[]'),
    list(tie('value')),
    object(fc.array(fc.tuple(randomString, tie('value')), { maxLength: 4 })),
  ),
}));

function list(item: Text): Text {
  return fc
    .tuple(fc.array(item, { maxLength: 4 }), BLANK)
    .map(([items, blank]) => `[${items.join(`,${blank}`)}]`);
}

function object(members: fc.Arbitrary<readonly Member[]>): Text {
  return fc
    .tuple(members, BLANK, BLANK)
    .map(([all, a, b]) => `{${all.map(([name, value]) => `${name}${a}:${b}${value}`).join(`,${a}`)}}`);
}

const BASE64 = [
  '',
  'AAAA',
  '====',
  'AAA',
  'QUJDREVGR0hJSktMTU5PUA==',
  '!!!!',
  'A-A_A+A/',
  'AAAAAAAAAAAAAAAAAAAAAA==',
];
const PATHS = [
  ...[
    '/',
    '',
    '/objects',
    '/objects/',
    'objects',
    '/objects/a',
    'a',
    'b',
    '/objects/b',
    '/nowhere',
    '//',
    'machine/x',
  ],
  ...[
    '/objects/pc.ram/x',
    '/machine',
    '/chardevs/x',
    'machine',
    '/machine/',
    'pc.ram',
    '/objects/pc.ram',
    'peripheral',
    '/machine/peripheral',
  ],
];
const PROPERTIES = [
  ...[
    'type',
    'policy',
    'handle',
    'cbitpos',
    'reduced-phys-bits',
    'sev-device',
    'dh-cert-file',
    'session-file',
  ],
  ...['kernel-hashes', 'nothing', '', 'Policy'],
];
const words = (...texts: readonly string[]): Text => fc.oneof(...texts.map(string));
const integers = oneOf(...INTEGERS);

const NOWHERE = '/dev/null/there-is-no-such-place';

/** Lines for the monitor for people. */
const address = oneOf(
  '0',
  '0x0',
  '0x10000',
  '4096',
  '0xfffffff0',
  '0xffffffff',
  '0x100000000',
  '0xfec00000',
  'x',
  '',
  '-1',
  '0X10',
  '010',
  '08',
  '0xffffe123',
  '0xf0123',
  "'a'",
  "'a",
  '$x',
  '18446744073709551615',
  '18446744073709551616',
  '0xfffe0000',
  '1x',
);
const expression = fc
  .array(fc.tuple(oneOf('', '', ' ', '-', '~', '+', '('), address, oneOf('', '', ' ', ')')), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((terms) =>
    fc
      .array(oneOf('+', '-', '*', '/', '%', '&', '|', '^', ' ', '<<'), {
        minLength: terms.length,
        maxLength: terms.length,
      })
      .map((operators) => terms.map((term, i) => (i === 0 ? '' : operators[i]) + term.join('')).join('')),
  );
const format = joined(
  oneOf('', '1', '2', '3', '5', '8', '16', '17', '0'),
  oneOf('', 'x', 'd', 'u', 'o', 'c', 'z'),
  oneOf('', 'b', 'h', 'w', 'g'),
);
const humanLine: Text = fc.oneof(
  joined(
    oneOf('xp /', 'xp  /', 'xp/', 'print/'),
    format,
    oneOf(' ', '  ', ''),
    address,
    oneOf('', '', '', ' ', ' 1'),
  ),
  joined(oneOf('xp', 'gpa2hva', 'p', 'print '), oneOf(' ', '  '), expression),
  joined(
    oneOf('', ' '),
    oneOf(
      'info sev',
      'info status',
      'info kvm',
      'info name',
      'info uuid',
      'info version',
      'info nothing',
      'info cpus',
      'info memory_size_summary',
      'info iothreads',
      'info hotpluggable-cpus',
      'info sgx',
      'info network',
      'info history',
      'info balloon',
      'info dump',
      'info memdev',
      'info memory-devices',
      'info numa',
      'info snapshots',
      'info spice',
      'info usb',
      'info vnc',
      'cpu 0',
      'cpu 1',
      'cpu',
      'cpu x',
      'gva2gpa 0x1000',
      'gva2gpa -1',
      'stop',
      'system_powerdown',
    ),
    oneOf('', '', ' ', ' 1', ' sev', '\t'),
  ),
  joined(
    oneOf('help', '?', ' help'),
    oneOf(' ', '  ', '/'),
    oneOf(
      'xp',
      'info sev',
      'nothing',
      'info nothing',
      'stop',
      's',
      'gpa2hva',
      'quit',
      'cont',
      'info status',
      'system_reset',
      '"xp"',
      '"xp',
      'xp/x',
      'info  sev x',
      '"info sev"',
      'print',
      'p',
      'memsave',
      'pmemsave',
      'info cpus',
    ),
  ),
  joined(
    oneOf('pmemsave ', 'memsave '),
    oneOf('0 ', '0x10 ', 'x '),
    oneOf('0 ', '16 ', '0x100000000 ', ''),
    oneOf(NOWHERE, `"${NOWHERE}"`, '', `"${NOWHERE}`, '"/dev/null/a\\nb"'),
    oneOf('', ' /dev/null/x'),
  ),
  oneOf('', ' ', 'nothing', 'Info sev', 'nothing at all', 'INFO'),
);

/** Parameters by name: what one would give for each. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, Text>>>> = {
  'query-sev': {},
  'query-sev-capabilities': {},
  'query-sev-launch-measure': {},
  'query-sev-attestation-report': { mnonce: words(...BASE64) },
  'sev-inject-launch-secret': { 'packet-header': words(...BASE64), secret: words(...BASE64), gpa: integers },
  'query-sgx': {},
  'query-sgx-capabilities': {},
  'query-acpi-ospm-status': {},
  'query-status': {},
  'query-version': {},
  'query-kvm': {},
  'query-name': {},
  'query-uuid': {},
  'query-target': {},
  'query-iothreads': {},
  'query-memory-size-summary': {},
  'query-hotpluggable-cpus': {},
  'query-current-machine': {},
  'query-cpus-fast': {},
  'query-chardev': {},
  'query-migrate': {},
  'x-exit-preconfig': {},
  stop: {},
  cont: {},
  system_reset: {},
  system_powerdown: {},
  qmp_capabilities: { enable: oneOf('[]', '["oob"]', '["nope"]', '[1]', '"oob"', 'null', '["oob","oob"]') },
  'qom-get': { path: words(...PATHS), property: words(...PROPERTIES) },
  'qom-set': {
    path: words('/objects/a', 'a', '/nowhere', '/objects'),
    property: words(...PROPERTIES),
    value: anyValue,
  },
  'qom-list': {
    path: words(
      '/objects',
      '/objects/a',
      'a',
      '/nowhere',
      '',
      'objects/',
      '/machine',
      'pc.ram',
      '/machine/peripheral',
      '/chardevs',
    ),
  },
  'qom-list-properties': { typename: words('sev-guest', 'nothing', '') },
  'object-add': {
    'qom-type': words('sev-guest', 'sev-guest', 'sev-guest', 'nothing'),
    id: words('a', 'b', '', '0', 'a b', 'a.b-c_d'),
    'reduced-phys-bits': integers,
    policy: integers,
    'session-file': words('', 'x'),
    'kernel-hashes': oneOf('true', 'false', '1'),
  },
  'object-del': { id: words('a', 'b', 'nothing', '') },
  'human-monitor-command': { 'command-line': humanLine.chain(string), 'cpu-index': oneOf('0', '1', '-1') },
  pmemsave: { val: integers, size: integers, filename: words(NOWHERE) },
  memsave: {
    val: integers,
    size: oneOf('0', '1', '16', '4096'),
    filename: words(NOWHERE),
    'cpu-index': oneOf('0', '1', '-1'),
  },
  migrate: { uri: words('', 'nothing', 'nothing:x', 'TCP:x') },
  'no-such-command': { x: anyValue },
  'Query-status': {},
  '': {},
};

type Member = readonly [name: string, value: string];

/** Commands with much to get wrong are sent more often. */
const WEIGHTS: Readonly<Record<string, number>> = {
  ...{ 'human-monitor-command': 12, 'qom-get': 3, 'qom-set': 3, 'qom-list': 3, 'object-add': 5 },
};

/** A member as it should be, and as it should not. */
const member = (name: string, value: Text): fc.Arbitrary<readonly Member[]> =>
  fc.oneof<fc.MaybeWeightedArbitrary<readonly Member[]>[]>(
    { weight: 14, arbitrary: fc.tuple(string(name), value).map((pair) => [pair]) },
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(string(name), anyValue).map((pair) => [pair]) },
    { weight: 1, arbitrary: fc.tuple(string(name.toUpperCase()), value).map((pair) => [pair]) },
    {
      weight: 1,
      arbitrary: fc.tuple(string(name), value, value).map(([key, a, b]) => [
        [key, a],
        [key, b],
      ]),
    },
  );

const members = (all: Readonly<Record<string, Text>>): fc.Arbitrary<readonly Member[]> =>
  fc
    .tuple(...Object.entries(all).map(([name, value]) => member(name, value)))
    .map((lists) => lists.flat())
    .chain((list_) => fc.shuffledSubarray([...list_], { minLength: Math.max(0, list_.length - 1) }));

const strayMember: fc.Arbitrary<Member> = fc.tuple(
  fc.oneof(randomString, words('x', 'y', 'gpa', 'Id')),
  anyValue,
);
const stray = fc.oneof<fc.MaybeWeightedArbitrary<readonly Member[]>[]>(
  { weight: 14, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(strayMember, { minLength: 1, maxLength: 4 }) },
);

const request: Text = fc
  .oneof(
    ...Object.entries(COMMANDS).map((entry) => ({
      weight: WEIGHTS[entry[0]] ?? 1,
      arbitrary: fc.constant(entry),
    })),
  )
  .chain(([name, parameters]) =>
    object(
      fc
        .tuple(
          member('execute', string(name)),
          Object.keys(parameters).length === 0
            ? fc.oneof(
                { weight: 3, arbitrary: fc.constant([]) },
                { weight: 1, arbitrary: member('arguments', oneOf('{}', '{"x":1}', '[]', 'null', '0')) },
              )
            : member('arguments', object(fc.tuple(members(parameters), stray).map((lists) => lists.flat()))),
          fc.oneof(fc.constant([]), member('id', anyValue)),
          stray,
        )
        .map((lists) => lists.flat()),
    ),
  );

const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    "'",
    '\\',
    ' ',
    '\n',
    'true',
    'null',
    'x',
    '0',
    '-',
    '1e5',
    '.',
    '\x00',
    '\xc3',
  ],
  ...[
    '"execute"',
    '"id":1',
    '{"execute":"query-name"}',
    '{"id":',
    "'arguments':{}",
    '\x7f',
    '\xff',
    '//',
    '%d',
  ],
];
const soup: Text = fc.array(oneOf(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''));

/** One place of a text changed. */
const damaged = (text: Text): Text =>
  fc
    .tuple(text, fc.nat(), fc.nat(3), oneOf(...PIECES, ...[...'abcz09']))
    .map(([whole, place, length, piece]) => {
      const at = place % (whole.length + 1);
      return whole.slice(0, at) + piece + whole.slice(at + length);
    });

/** Commands of the monitor for people that damage may call, and that sevlab has not: i, o. */
const OTHER_COMMANDS = /['"]\s*[io][ /]/;

/** Whether a message calls nothing but what both have. */
export function isComparable(text: string): boolean {
  return !OTHER_COMMANDS.test(text);
}

/** What a client might send: most of it nearly right. */
export const message: Text = fc
  .oneof(
    { weight: 12, arbitrary: request },
    { weight: 3, arbitrary: damaged(request) },
    { weight: 1, arbitrary: joined(request, BLANK, request) },
    { weight: 1, arbitrary: anyValue },
    { weight: 1, arbitrary: soup },
  )
  .filter(isComparable);
