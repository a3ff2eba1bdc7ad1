/** Mutants that no case can notice, each with the reason. */
export const EQUIVALENT = {};
