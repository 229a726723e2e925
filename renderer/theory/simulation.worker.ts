import { simulatePoints, type SimulatedPoint, type SimulationRequest } from './simulation.ts';

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<SimulationRequest>) => void) | null;
  postMessage(point: SimulatedPoint): void;
};
let points: Generator<SimulatedPoint> | null = null;

function work(of: Generator<SimulatedPoint>): void {
  if (of !== points) return;
  const next = of.next();
  if (next.done === true) return;
  scope.postMessage(next.value);
  setTimeout(() => work(of), 0);
}

scope.onmessage = ({ data }) => {
  points = simulatePoints(data);
  work(points);
};
