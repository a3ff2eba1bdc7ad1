const SHAPES = {
  first: 'M3 3h2v10H3zM13 3v10L6 8z',
  back: 'M12 3v10L4 8z',
  play: 'M4 3v10l9-5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  forward: 'M4 3v10l8-5z',
  last: 'M11 3h2v10h-2zM3 3v10l7-5z',
  widen: 'M1 8l4-4v3h6V4l4 4-4 4V9H5v3z',
  narrow: 'M7 8L3 4v3H0v2h3v3zM9 8l4-4v3h3v2h-3v3z',
} as const;

/** A sign on a button, drawn here: fonts differ in which of them they have. */
export const Icon = ({ name }: { readonly name: keyof typeof SHAPES }) => (
  <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
    <path d={SHAPES[name]} fill="currentColor" />
  </svg>
);
