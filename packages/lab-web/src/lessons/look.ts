import type { Look } from '@sevlab/story/lessons/look';
import type { PlayerPlace } from '../route.ts';

/** The panel of the player that shows what a text speaks of. */
export function placeOfLook(look: Look): Pick<PlayerPlace, 'panel' | 'byte'> {
  switch (look.view) {
    case 'structure':
      return { panel: look.name };
    case 'memory':
      return { panel: 'memory', byte: look.gpa };
    case 'map':
      return { panel: 'map' };
    case 'journey':
      return { panel: 'journey', byte: `${look.guid}+${look.offset}` };
    case 'output':
      return { panel: 'output' };
    case 'checks':
      return {};
  }
}
