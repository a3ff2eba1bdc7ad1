/** Changes of one file: what the mutant does, the text that makes it right, and what stands there instead. */
export const inFile = (file, ...rows) => rows.map(([name, from, to]) => ({ name, file, from, to }));
