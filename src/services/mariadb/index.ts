export { mariadb } from './service.ts';
