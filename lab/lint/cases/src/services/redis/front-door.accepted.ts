import { size } from '../size.ts';
import { rows } from './rows.ts';

export const sum = rows + size;
