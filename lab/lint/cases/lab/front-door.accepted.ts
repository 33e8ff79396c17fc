export { one } from '#base';
