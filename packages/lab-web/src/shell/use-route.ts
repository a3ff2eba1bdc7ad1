import { useEffect, useState } from 'preact/hooks';
import { parseRoute, type Route, routeHash } from '../route.ts';

/** The route in the address bar, and how to go elsewhere; `replace` leaves no entry in the history. */
export function useRoute(): readonly [Route, (route: Route, how?: 'replace') => void] {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const go = (next: Route, how?: 'replace') => {
    const hash = routeHash(next);
    if (how === 'replace') {
      history.replaceState(null, '', hash);
      setRoute(next);
    } else location.hash = hash;
  };
  return [route, go];
}
