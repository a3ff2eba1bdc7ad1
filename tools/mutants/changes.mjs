export const CHANGES = [];
