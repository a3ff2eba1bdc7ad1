// Written in the oldest JavaScript there is, so that an old Node prints this sentence and not a syntax error.
var need = [20, 19];
var have = process.versions.node.split('.').map(Number);
if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  process.stderr.write(
    'sevlab needs Node ' +
      need.join('.') +
      ' or newer, and this is Node ' +
      process.versions.node +
      '; nothing was installed.\n',
  );
  process.exit(2);
}
