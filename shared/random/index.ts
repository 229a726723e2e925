export { ExampleOrder } from './example-order.ts';
export { stream } from './stream.ts';
