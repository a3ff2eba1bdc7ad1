/** Where a reader is in the page: everything that a link must reproduce. */
export type Route =
  /** A stop of the guided tour, from 0. */
  | { readonly view: 'tour'; readonly stop: number; readonly at?: PlayerPlace }
  /** Any scenario, step by step. */
  | { readonly view: 'play'; readonly scenario: string; readonly seed?: string; readonly at: PlayerPlace }
  /** The attack lessons, or one of them. */
  | { readonly view: 'attacks'; readonly lesson?: string; readonly at?: PlayerPlace }
  | { readonly view: 'exercises'; readonly lesson?: string }
  | { readonly view: 'live'; readonly session?: string }
  | { readonly view: 'reference'; readonly topic?: string };

/** What the player shows. */
export interface PlayerPlace {
  /** Step of the trace, from 0. */
  readonly step: number;
  /** What the byte panel shows: a structure by its name, `memory`, `journey`. */
  readonly panel?: string;
  /** The chosen byte, as the panel counts. */
  readonly byte?: string;
}

export const START: Route = { view: 'tour', stop: 0 };

/** `#/play/attacks/a05-packet-again?seed=x&step=12` and its like; what is none leads to the start. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view, ...rest] = path.split('/').filter(Boolean).map(decoded);
  const parameters = new URLSearchParams(query);
  const name = rest.join('/');
  switch (view) {
    case 'tour': {
      const at = placeOf(parameters);
      return { view, stop: whole(rest[0]) ?? 0, ...(at && { at }) };
    }
    case 'play': {
      if (name === '') return START;
      const seed = parameters.get('seed');
      const at = placeOf(parameters) ?? { step: 0 };
      return { view, scenario: name, ...(seed !== null && { seed }), at };
    }
    case 'attacks': {
      const at = placeOf(parameters);
      return { view, ...(name !== '' && { lesson: name }), ...(at && { at }) };
    }
    case 'exercises':
      return { view, ...(name !== '' && { lesson: name }) };
    case 'live':
      return { view, ...(name !== '' && { session: name }) };
    case 'reference':
      return { view, ...(name !== '' && { topic: name }) };
    default:
      return START;
  }
}

/** The hash that parseRoute reads as this route. */
export function routeHash(route: Route): string {
  switch (route.view) {
    case 'tour':
      return `#/tour/${route.stop}${queryOf(route.at)}`;
    case 'play':
      return `#/play/${pathOf(route.scenario)}${queryOf(route.at, route.seed)}`;
    case 'attacks':
      return route.lesson === undefined
        ? '#/attacks'
        : `#/attacks/${pathOf(route.lesson)}${queryOf(route.at)}`;
    case 'exercises':
      return route.lesson === undefined ? '#/exercises' : `#/exercises/${pathOf(route.lesson)}`;
    case 'live':
      return route.session === undefined ? '#/live' : `#/live/${pathOf(route.session)}`;
    case 'reference':
      return route.topic === undefined ? '#/reference' : `#/reference/${pathOf(route.topic)}`;
  }
}

const pathOf = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a link that somebody cut: take it as it stands
  }
}

function queryOf(at: PlayerPlace | undefined, seed?: string): string {
  const parameters = new URLSearchParams();
  if (seed !== undefined) parameters.set('seed', seed);
  if (at !== undefined) parameters.set('step', String(at.step));
  if (at?.panel !== undefined) parameters.set('panel', at.panel);
  if (at?.byte !== undefined) parameters.set('byte', at.byte);
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function placeOf(parameters: URLSearchParams): PlayerPlace | undefined {
  const step = whole(parameters.get('step'));
  if (step === undefined) return undefined;
  const panel = parameters.get('panel');
  const byte = parameters.get('byte');
  return { step, ...(panel !== null && { panel }), ...(byte !== null && { byte }) };
}

function whole(text: string | null | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return text !== '' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
