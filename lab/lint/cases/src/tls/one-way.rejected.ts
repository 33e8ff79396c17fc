export { records } from '#dkim';
