export { two } from '#directory';
