export { scene } from './scene.lab.ts';
