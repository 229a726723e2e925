/** Names of the well-known data sets that `surge data add` fetches. */

export const imageSetNames = [
  'mnist',
  'fashion-mnist',
  'kmnist',
  'emnist-balanced',
  'emnist-letters',
  'emnist-digits',
  'emnist-byclass',
  'emnist-bymerge',
  'emnist-mnist',
  'cifar-10',
  'cifar-100',
  'tiny-imagenet',
] as const;

export const textSetNames = ['tiny-shakespeare'] as const;

export const dataSetNames = [...imageSetNames, ...textSetNames];

export type ImageSetName = (typeof imageSetNames)[number];
export type TextSetName = (typeof textSetNames)[number];
export type DataSetName = (typeof dataSetNames)[number];
