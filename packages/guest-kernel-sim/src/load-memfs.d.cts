declare function loadMemfs(): {
  fsCore: typeof import('@jsonjoy.com/fs-core');
  memfs: typeof import('memfs');
};
export = loadMemfs;
