/** A tanh perceptron with softmax cross-entropy in double precision, written in plain loops: the truth for the engine. */

export interface Example {
  readonly image: ArrayLike<number>;
  readonly label: number;
}

/** Layer widths, input first. Parameters lie flat: weights (row-major, [out, in]) and biases of each layer in turn. */
export function perceptron(widths: readonly number[]) {
  const layers = widths.length - 1;
  const starts: number[] = [0];
  for (let l = 0; l < layers; l++) starts.push(starts[l] + widths[l + 1] * (widths[l] + 1));
  const parameters = starts[layers];

  /** Gradient of the loss of one example. */
  function gradientOfOne(theta: Float64Array, { image, label }: Example): Float64Array {
    const inputs: Float64Array[] = [Float64Array.from(image)];
    let output = new Float64Array(0);
    for (let l = 0; l < layers; l++) {
      const [rows, columns] = [widths[l + 1], widths[l]];
      output = new Float64Array(rows);
      for (let o = 0; o < rows; o++) {
        let sum = theta[starts[l] + rows * columns + o];
        for (let i = 0; i < columns; i++) sum += theta[starts[l] + o * columns + i] * inputs[l][i];
        output[o] = sum;
      }
      if (l < layers - 1) inputs.push(output.map(Math.tanh));
    }
    const most = Math.max(...output);
    const total = output.reduce((sum, x) => sum + Math.exp(x - most), 0);
    let delta = output.map((x, o) => Math.exp(x - most) / total - (o === label ? 1 : 0));
    const gradient = new Float64Array(parameters);
    for (let l = layers - 1; l >= 0; l--) {
      const [rows, columns] = [widths[l + 1], widths[l]];
      const back = new Float64Array(columns);
      for (let o = 0; o < rows; o++) {
        gradient[starts[l] + rows * columns + o] = delta[o];
        for (let i = 0; i < columns; i++) {
          gradient[starts[l] + o * columns + i] = delta[o] * inputs[l][i];
          back[i] += delta[o] * theta[starts[l] + o * columns + i];
        }
      }
      delta = back.map((x, i) => x * (1 - inputs[l][i] ** 2));
    }
    return gradient;
  }

  function gradient(theta: Float64Array, examples: readonly Example[]): Float64Array {
    const mean = new Float64Array(parameters);
    for (const example of examples)
      gradientOfOne(theta, example).forEach((g, i) => (mean[i] += g / examples.length));
    return mean;
  }

  /** Hessian of the mean loss, row by row, by central differences of the gradient: good to about 1e-9. */
  function hessian(theta: Float64Array, examples: readonly Example[]): Float64Array[] {
    const h = 1e-5;
    return Array.from({ length: parameters }, (_, i) => {
      const moved = theta.slice();
      moved[i] = theta[i] + h;
      const above = gradient(moved, examples);
      moved[i] = theta[i] - h;
      const below = gradient(moved, examples);
      return above.map((g, j) => (g - below[j]) / (2 * h));
    });
  }

  return { parameters, gradientOfOne, gradient, hessian };
}
