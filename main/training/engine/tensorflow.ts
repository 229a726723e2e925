/** The parts of TensorFlow.js for Node that the engine relies on and that its own type files leave out. */
import type * as Tensorflow from '@tensorflow/tfjs-node-gpu';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-node-gpu';

export type TensorFlow = typeof Tensorflow;

/** An operation's attribute as the binding takes it; `type` is one of the binding's TF_ATTR_… numbers. */
export interface KernelAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The Node backend's two funnels, through which every kernel call passes. */
export interface NodeBackend {
  readonly binding: {
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_SHAPE: number;
    readonly TF_Version: string;
  };
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput: (op: string, attributes: KernelAttribute[], inputs: TensorInfo[]) => Tensor;
  executeMultipleOutputs: (
    op: string,
    attributes: KernelAttribute[],
    inputs: TensorInfo[],
    count: number,
  ) => Tensor[];
  readSync(dataId: object): ArrayLike<number>;
  getNumOfTFTensors(): number;
}
