export const used = require('./used.ts');
