import type { Party } from './player/lanes.ts';

/** One shape for each party, so that colour is never the only sign: key, eye, chip, cells, shell. */
const SHAPES: Readonly<Record<Party, string>> = {
  owner:
    'M5.5 5.5a3 3 0 1 0 0 5 3 3 0 0 0 2.3-1.6H11v2h2v-2h1.5v-2H7.8A3 3 0 0 0 5.5 5.5zM5 7.2a.9.9 0 1 1 0 1.8.9.9 0 0 1 0-1.8z',
  host: 'M8 4C4.5 4 2 6.2 1 8c1 1.8 3.500 4 7 4s6-2.200 7-4c-1-1.800-3.500-4-7-4zm0 1.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5zM8 7a1 1 0 1 0 0 2 1 1 0 0 0 0-2z',
  'amd-sp':
    'M5 3V1.500h1.200V3h1.200V1.500h1.200V3h1.200V1.500H11V3h2v2h1.500v1.200H13v1.200h1.500v1.200H13v1.200h1.500V11H13v2h-2v1.500H9.800V13H8.600v1.500H7.400V13H6.200v1.500H5V13H3v-2H1.500V9.800H3V8.600H1.500V7.400H3V6.200H1.500V5H3V3zm0 2v6h6V5z',
  memory:
    'M2 4h12v8H2zm1.200 1.200v2.200h2.200V5.200zm3.700 0v2.200h2.200V5.200zm3.700 0v2.200h2.200V5.200zM3.200 8.600v2.200h2.200V8.600zm3.700 0v2.200h2.200V8.600zm3.700 0v2.200h2.200V8.600z',
  guest:
    'M8 2.500C4.500 2.500 2 5.500 2 9.500c0 1.500.5 2.800 1.200 3.500h9.600c.7-.7 1.200-2 1.200-3.500 0-4-2.500-7-6-7zm-.6 1.700v7.600H6.200L4.800 6.500c.7-1.200 1.600-2 2.600-2.300zm1.200 0c1 .3 1.900 1.100 2.600 2.300L9.800 11.800H8.600zM3.900 7.800l1 4H3.800c-.4-.6-.6-1.400-.6-2.300 0-.6.1-1.100.7-1.700zm8.200 0c.6.6.7 1.100.7 1.700 0 .9-.2 1.700-.6 2.300h-1.100z',
};

export const Glyph = ({ party }: { readonly party: Party }) => (
  <svg class={`glyph party-${party}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
    <path d={SHAPES[party]} fill="currentColor" fill-rule="evenodd" />
  </svg>
);
