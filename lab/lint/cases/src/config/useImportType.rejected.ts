import { Named } from '#base';

export const show = (named: Named): string => named.name;
