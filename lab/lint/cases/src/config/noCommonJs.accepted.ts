export const used = await import('./used.ts');
