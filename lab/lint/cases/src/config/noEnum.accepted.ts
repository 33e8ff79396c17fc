export type Colour = 'red';
